// See packets.h. Level-triggered; reads are counted per round, so that a flooding peer cannot keep the loop from its timers.
#include "agent/guard/packets.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/error.h"
#include "common/base/limits.h"
#include "common/base/memory.h"
#include "common/system/loop.h"
#include "common/wire/wire.h"

// Packets of one round: several full windows of cases (CASES_IN_FLIGHT_MAX), some milliseconds of work.
#define PACKETS_PER_ROUND_MAX 512
// Our sends: one packet of full size and room for more; the kernel may grant less.
#define SEND_BUFFER_BYTES (4 * GUARD_PACKET_MAX_BYTES)

struct queued {
    struct queued *next;
    size_t bytes;
    uint8_t *data;
};

struct packets {
    struct loop_source *source;
    int fd;
    bool paused, closed;
    packet_fn *received;
    packets_closed_fn *when_closed;
    void *context;
    struct queued *first, **last;
    size_t queued_bytes;
    bool busy, doomed; // packets_free inside a callback only dooms: we free when the callback has returned
    char buffer[GUARD_PACKET_MAX_BYTES];
};

static void update_interest(struct packets *packets)
{
    if (packets->source)
        loop_watch_change(packets->source, (packets->paused ? 0u : EPOLLIN) | (packets->first ? EPOLLOUT : 0u));
}

static void close_link(struct packets *packets, const char *why)
{
    if (packets->closed)
        return;
    packets->closed = true;
    loop_remove(&packets->source);
    packets->when_closed(packets->context, why);
}

// ---- out

// 1: taken, 0: not now, negative: the peer is gone.
static int send_now(struct packets *packets, const uint8_t *data, size_t bytes)
{
    ssize_t sent;
    do
        sent = send(packets->fd, data, bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    if (sent >= 0)
        return 1;
    return errno == EAGAIN || errno == ENOBUFS ? 0 : -errno;
}

static void drop_first(struct packets *packets)
{
    struct queued *queued = packets->first;
    packets->first = queued->next;
    if (!packets->first)
        packets->last = &packets->first;
    packets->queued_bytes -= queued->bytes;
    free(queued->data);
    free(queued);
}

static void flush(struct packets *packets)
{
    int result = 1;
    while (packets->first && (result = send_now(packets, packets->first->data, packets->first->bytes)) == 1)
        drop_first(packets);
    update_interest(packets);
    if (result < 0)
        close_link(packets, strerror(-result));
}

void packets_send(struct packets *packets, const void *message)
{
    if (packets->closed)
        return;
    size_t bytes;
    uint8_t *data = wire_pack(message, NULL, &bytes);
    // Both ends build messages from input that was checked against this limit.
    INVARIANT(bytes <= GUARD_PACKET_MAX_BYTES);
    struct queued *queued = NEW(struct queued);
    *queued = (struct queued){.bytes = bytes, .data = data};
    *packets->last = queued;
    packets->last = &queued->next;
    packets->queued_bytes += bytes;
    // A broken pipe is reported from the loop, not from inside a send: the caller may hold on to this link.
    if (packets->first == queued && send_now(packets, data, bytes) == 1)
        drop_first(packets);
    update_interest(packets);
}

size_t packets_queued_bytes(const struct packets *packets)
{
    return packets->queued_bytes;
}

// ---- in

// 1: one packet was handed on, 0: nothing there, negative: closed.
static int receive_one(struct packets *packets)
{
    ssize_t got;
    do
        got = recv(packets->fd, packets->buffer, sizeof packets->buffer, MSG_DONTWAIT | MSG_TRUNC);
    while (got < 0 && errno == EINTR);
    if (got < 0 && errno == EAGAIN)
        return 0;
    if (got <= 0) {
        close_link(packets, got == 0 ? "closed by the peer" : strerror(errno));
        return -1;
    }
    if ((size_t)got > sizeof packets->buffer) {
        close_link(packets, "a packet is larger than the limit");
        return -1;
    }
    packets->received(packets->context, packets->buffer, (size_t)got);
    return 1;
}

static void release(struct packets *packets)
{
    while (packets->first)
        drop_first(packets);
    close(packets->fd);
    free(packets);
}

static void leave(struct packets *packets)
{
    packets->busy = false;
    if (packets->doomed)
        release(packets);
}

// The callbacks may free the packets: they are doomed then.
static void receive(struct packets *packets, int limit)
{
    for (int i = 0; i < limit && !packets->doomed && !packets->closed; i++)
        if (receive_one(packets) <= 0)
            return;
}

static void ready(void *context, int fd, uint32_t events)
{
    (void)fd;
    struct packets *packets = context;
    packets->busy = true;
    if (events & EPOLLOUT)
        flush(packets);
    // A hang-up is seen by reading, after what was sent before it. Even a paused link is then read: epoll would report it for ever.
    if (!packets->doomed && !packets->closed && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
        receive(packets, PACKETS_PER_ROUND_MAX);
    leave(packets);
}

void packets_pause(struct packets *packets, bool paused)
{
    if (packets->paused == paused || packets->closed)
        return;
    packets->paused = paused;
    update_interest(packets);
}

void packets_drain(struct packets *packets)
{
    INVARIANT(!packets->busy);
    packets->busy = true;
    // More than any socket buffer holds, so that a peer that goes on sending cannot hold us here.
    receive(packets, 64 * PACKETS_PER_ROUND_MAX);
    leave(packets);
}

struct packets *packets_new(struct loop *loop, int fd, packet_fn *received, packets_closed_fn *closed, void *context)
{
    struct packets *packets = NEW(struct packets);
    int buffer_bytes = SEND_BUFFER_BYTES;
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer_bytes, sizeof buffer_bytes) < 0)
        errno = 0; // the default holds one packet as well
    packets->fd = fd;
    packets->received = received;
    packets->when_closed = closed;
    packets->context = context;
    packets->last = &packets->first;
    packets->source = loop_watch(loop, fd, EPOLLIN, ready, packets);
    return packets;
}

void packets_redirect(struct packets *packets, packet_fn *received, packets_closed_fn *closed)
{
    packets->received = received;
    packets->when_closed = closed;
}

void packets_free(struct packets **pointer)
{
    struct packets *packets = *pointer;
    *pointer = NULL;
    if (!packets)
        return;
    loop_remove(&packets->source);
    packets->doomed = true;
    if (!packets->busy)
        release(packets);
}

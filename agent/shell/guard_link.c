#define _GNU_SOURCE // struct ucred
#include "agent/shell/guard_link.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/limits.h"
#include "common/system/log.h"

#define NS_PER_MS UINT64_C(1000000)
// A guard binds within a few milliseconds; one that is stopped is asked twice a second.
#define RETRY_FIRST_MS 1
#define RETRY_MOST_MS 500
// What waits for a guard that does not read: all commands in flight to it with their answers' acknowledgements fit many times.
#define QUEUE_MAX_BYTES (4 * 1024 * 1024)
// Packets of one round, so that a talkative guard does not starve the others.
#define ROUND_PACKETS_MAX 64

struct packet {
    uint8_t *data;
    size_t bytes;
};

struct guard_link {
    struct loop *loop;
    struct guard_link_callbacks callbacks;
    void *context;
    char *folder;
    pid_t pid;
    uint64_t instance;
    uint32_t generation;
    const char *agent;
    int fd; // -1: none
    bool attached;
    struct loop_source *source, *retry;
    uint32_t retry_ms;
    struct packet *queue;
    size_t queue_count, queue_capacity, queue_bytes;
    struct arena *arena;
    uint8_t *buffer;
    unsigned inside; // callbacks that run: it is freed when they have returned
    bool dead;
};

static void release(struct guard_link *link)
{
    arena_free(&link->arena);
    free(link->queue);
    free(link->folder);
    free(link->buffer);
    free(link);
}

static void leave(struct guard_link *link)
{
    if (--link->inside == 0 && link->dead)
        release(link);
}

static void try_again(struct guard_link *link)
{
    if (link->dead)
        return;
    loop_timer_set(link->retry, clock_boottime_ns() + link->retry_ms * NS_PER_MS);
    link->retry_ms = link->retry_ms * 2 < RETRY_MOST_MS ? link->retry_ms * 2 : RETRY_MOST_MS;
}

static void disconnect(struct guard_link *link)
{
    loop_remove(&link->source);
    if (link->fd >= 0)
        close(link->fd);
    link->fd = -1;
    for (size_t i = 0; i < link->queue_count; i++)
        free(link->queue[i].data);
    link->queue_count = link->queue_bytes = 0;
}

static void detach(struct guard_link *link)
{
    bool was_attached = link->attached;
    link->attached = false;
    disconnect(link);
    try_again(link);
    if (was_attached)
        link->callbacks.on_detached(link->context);
}

// ---- sending

static bool send_packet(struct guard_link *link, const void *data, size_t bytes)
{
    return send(link->fd, data, bytes, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

static void enqueue(struct guard_link *link, uint8_t *data, size_t bytes)
{
    APPEND(link->queue, link->queue_count, link->queue_capacity) = (struct packet){data, bytes};
    link->queue_bytes += bytes;
    loop_watch_change(link->source, EPOLLIN | EPOLLOUT);
}

static void flush(struct guard_link *link)
{
    size_t sent = 0;
    while (sent < link->queue_count && send_packet(link, link->queue[sent].data, link->queue[sent].bytes)) {
        link->queue_bytes -= link->queue[sent].bytes;
        free(link->queue[sent++].data);
    }
    if (sent == 0)
        return;
    link->queue_count -= sent;
    memmove(link->queue, link->queue + sent, link->queue_count * sizeof *link->queue);
    if (link->queue_count == 0)
        loop_watch_change(link->source, EPOLLIN);
}

static void send_request(struct guard_link *link, const Pb__GuardRequest *request)
{
    size_t bytes;
    uint8_t *data = wire_pack(request, NULL, &bytes);
    if (link->queue_count == 0 && send_packet(link, data, bytes)) {
        free(data);
    } else if (errno == EAGAIN || link->queue_count > 0) {
        enqueue(link, data, bytes);
    } else {
        free(data); // it is gone: the reading side tells
    }
    if (link->queue_bytes > QUEUE_MAX_BYTES) {
        log_warning("the guard of instance %llu.%u does not read; attaching anew", (unsigned long long)link->instance, link->generation);
        detach(link);
    }
}

void guard_link_send(struct guard_link *link, const Pb__GuardRequest *request)
{
    if (link->attached)
        send_request(link, request);
}

static void send_attach(struct guard_link *link)
{
    Pb__GuardRequest request;
    Pb__GuardAttach attach;
    pb__guard_request__init(&request);
    pb__guard_attach__init(&attach);
    attach.version = GUARD_PROTOCOL_VERSION;
    attach.agent = arena_string(link->arena, link->agent);
    request.body_case = PB__GUARD_REQUEST__BODY_ATTACH;
    request.attach = &attach;
    send_request(link, &request);
}

// ---- receiving

static void refuse(struct guard_link *link, const char *why)
{
    link->attached = false;
    disconnect(link);
    link->retry_ms = RETRY_MOST_MS;
    try_again(link);
    link->callbacks.on_refused(link->context, why);
}

static const char *state_problem(const struct guard_link *link, const Pb__GuardState *state)
{
    if (state->instance != link->instance || state->generation != link->generation)
        return "it guards another instance";
    if (state->version + 1 < GUARD_PROTOCOL_VERSION || state->version > GUARD_PROTOCOL_VERSION + 1)
        return "it speaks a version of the guard protocol that is not ours";
    return NULL;
}

static void take_state(struct guard_link *link, const Pb__GuardState *state)
{
    const char *problem = state_problem(link, state);
    if (problem) {
        refuse(link, problem);
        return;
    }
    link->attached = true;
    link->retry_ms = RETRY_FIRST_MS;
    link->callbacks.on_attached(link->context, state);
}

static void take_packet(struct guard_link *link, size_t bytes)
{
    struct panther_error error = {0};
    arena_reset(link->arena);
    const Pb__GuardNotice *notice = wire_guard_notice(link->buffer, bytes, link->arena, &error);
    if (!notice)
        log_warning("a notice from the guard of instance %llu.%u is refused: %s", (unsigned long long)link->instance, link->generation,
                    error.message);
    else if (notice->body_case == PB__GUARD_NOTICE__BODY_STATE)
        take_state(link, notice->state);
    else if (link->attached)
        link->callbacks.on_notice(link->context, notice);
}

static void read_packets(struct guard_link *link)
{
    for (unsigned i = 0; i < ROUND_PACKETS_MAX && link->fd >= 0; i++) {
        ssize_t bytes = recv(link->fd, link->buffer, GUARD_PACKET_MAX_BYTES, MSG_DONTWAIT);
        if (bytes < 0 && errno == EINTR)
            continue;
        if (bytes < 0 && errno == EAGAIN)
            break;
        if (bytes <= 0)
            detach(link);
        else
            take_packet(link, (size_t)bytes);
    }
}

void guard_link_drain(struct guard_link *link)
{
    link->inside++;
    read_packets(link);
    leave(link);
}

static void on_io(void *context, int fd, uint32_t epoll_events)
{
    struct guard_link *link = context;
    (void)fd;
    link->inside++;
    if (epoll_events & EPOLLOUT)
        flush(link);
    if (epoll_events & ~(uint32_t)EPOLLOUT)
        read_packets(link);
    leave(link);
}

// ---- connecting

// By the folder's descriptor: the path of a socket must fit into 108 bytes, that of a state folder need not.
static int connect_in(const char *folder)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int folder_fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder_fd < 0)
        return -1;
    snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/guard.sock", folder_fd);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) < 0) {
        close(fd);
        fd = -1;
    }
    close(folder_fd);
    return fd;
}

static bool is_the_guard(const struct guard_link *link, int fd)
{
    struct ucred peer;
    socklen_t bytes = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) == 0 && peer.pid == link->pid && peer.uid == geteuid();
}

static void on_retry(void *context)
{
    struct guard_link *link = context;
    int fd = connect_in(link->folder);
    if (fd >= 0 && !is_the_guard(link, fd)) {
        close(fd);
        link->inside++;
        refuse(link, "another process answers on its socket");
        leave(link);
        return;
    }
    if (fd < 0) {
        try_again(link);
        return;
    }
    link->fd = fd;
    link->source = loop_watch(link->loop, fd, EPOLLIN, on_io, link);
    send_attach(link);
}

struct guard_link *guard_link_new(struct loop *loop, const char *folder, pid_t pid, uint64_t instance, uint32_t generation,
                                  const char *agent, const struct guard_link_callbacks *callbacks, void *context)
{
    struct guard_link *link = NEW(struct guard_link);
    link->loop = loop;
    link->callbacks = *callbacks;
    link->context = context;
    link->folder = memory_string(folder);
    link->pid = pid;
    link->instance = instance;
    link->generation = generation;
    link->agent = agent;
    link->fd = -1;
    link->retry_ms = RETRY_FIRST_MS;
    link->arena = arena_new(UNPACK_MAX_BYTES);
    link->buffer = memory_new(GUARD_PACKET_MAX_BYTES);
    link->retry = loop_timer(loop, on_retry, link);
    loop_timer_set(link->retry, clock_boottime_ns());
    return link;
}

void guard_link_free(struct guard_link **address)
{
    struct guard_link *link = *address;
    if (!link)
        return;
    *address = NULL;
    link->dead = true;
    link->attached = false;
    disconnect(link);
    loop_remove(&link->retry);
    if (link->inside == 0)
        release(link);
}

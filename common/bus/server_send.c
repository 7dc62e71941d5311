// How a server sends: never waiting, with a bounded queue per peer behind libzmq's; and how it closes one peer.
#include <errno.h>
#include <string.h>
#include <zmq.h>

#include "common/base/limits.h"
#include "common/bus/server.h"
#include "common/bus/socket.h"

// A closed peer of ours closes its link when told; who does not is cut off.
#define SERVER_CLOSE_GRACE_NS (1000u * 1000 * 1000)
// libzmq wakes us when a full pipe has room; this is the net below.
#define SERVER_RETRY_NS (50u * 1000 * 1000)

// ---- sending

// 0 or an errno; with EAGAIN the messages are still the caller's.
static int server_transmit(struct bus_server *server, const struct peer *peer, zmq_msg_t *data, zmq_msg_t *payload)
{
    int status = socket_send(server->router, peer->identity, PEER_IDENTITY_BYTES, true);
    if (status)
        return status;
    // The identity was taken, so the rest is too: libzmq counts whole messages.
    status = socket_send_message(server->router, data, payload != NULL);
    INVARIANT(status == 0);
    status = payload ? socket_send_message(server->router, payload, false) : 0;
    INVARIANT(status == 0);
    return 0;
}

static void server_flush_peer(struct bus_server *server, struct peer *peer)
{
    int status = 0;
    while (peer->first && status == 0) {
        struct peer_queued *queued = peer->first;
        status = server_transmit(server, peer, &queued->data, queued->has_payload ? &queued->payload : NULL);
        if (status == 0)
            peer_queue_drop_first(peer);
    }
    if (status != 0 && status != EAGAIN)
        peer_queue_clear(peer); // unroutable: the monitor says the rest
    if (!peer->first)
        peer_list_move(peer, NULL);
}

void server_flush(struct bus_server *server)
{
    struct peer *next;
    for (struct peer *peer = server->blocked.first; peer; peer = next) {
        next = peer->next;
        server_flush_peer(server, peer);
    }
    loop_timer_set(server->retry_timer, server->blocked.first ? clock_boottime_ns() + SERVER_RETRY_NS : 0);
    if (socket_has_input(server->router))
        server_check_soon(server);
}

void server_on_retry(void *context)
{
    server_flush(context);
}

static void server_cut(struct peer *peer)
{
    peer->closed = true;
    peer_queue_clear(peer);
    peer_list_move(peer, NULL);
    peer_cut(peer);
}

static int server_queue(struct bus_server *server, struct peer *peer, zmq_msg_t *data, zmq_msg_t *payload)
{
    size_t bytes = zmq_msg_size(data) + (payload ? zmq_msg_size(payload) : 0);
    if (peer->queued_bytes + bytes > server->queue_bytes_max) {
        server->counters.slow_peers++;
        server_cut(peer);
        return PANTHER_ELIMIT;
    }
    peer_queue_add(peer, data, payload);
    if (!peer->list) {
        if (!server->blocked.first)
            loop_timer_set(server->retry_timer, clock_boottime_ns() + SERVER_RETRY_NS);
        peer_list_move(peer, &server->blocked);
    }
    return 0;
}

static int server_send_to(struct bus_server *server, struct peer *peer, zmq_msg_t *data, zmq_msg_t *payload)
{
    int status = peer->first ? EAGAIN : server_transmit(server, peer, data, payload);
    server_check_soon(server);
    if (status == EAGAIN)
        return server_queue(server, peer, data, payload);
    return status ? PANTHER_EUNAVAILABLE : 0;
}

static void message_fill(zmq_msg_t *message, const void *data, size_t bytes)
{
    if (zmq_msg_init_size(message, bytes) != 0)
        PANIC("no memory for a message of %zu bytes", bytes);
    if (bytes)
        memcpy(zmq_msg_data(message), data, bytes);
}

int bus_server_send(struct bus_server *server, bus_route route, const void *data, size_t bytes, const void *payload, size_t payload_bytes)
{
    if (bytes == 0 || bytes > ZMQ_FRAME_MAX_BYTES || payload_bytes > ZMQ_FRAME_MAX_BYTES)
        return PANTHER_EINVALID;
    struct peer *peer = peer_by_route(server->peers, route);
    if (!peer || peer->closed || peer->leaving)
        return PANTHER_EUNAVAILABLE;
    zmq_msg_t first, second;
    message_fill(&first, data, bytes);
    message_fill(&second, payload, payload ? payload_bytes : 0);
    int status = server_send_to(server, peer, &first, payload ? &second : NULL);
    zmq_msg_close(&first);
    zmq_msg_close(&second);
    return status;
}

// ---- closing one peer

void server_on_cut(void *context)
{
    struct bus_server *server = context;
    uint64_t now = clock_boottime_ns();
    while (server->closing.first && server->closing.first->cut_ns <= now)
        server_cut(server->closing.first);
    if (server->closing.first)
        loop_timer_set(server->cut_timer, server->closing.first->cut_ns);
}

void bus_server_close_route(struct bus_server *server, bus_route route)
{
    struct peer *peer = peer_by_route(server->peers, route);
    if (!peer || peer->owner_knows)
        return;
    peer->owner_knows = true;
    if (peer->closed || peer->leaving)
        return;
    peer->closed = true;
    zmq_msg_t empty, empty_too; // two empty frames: "closed"; see link.c
    zmq_msg_init(&empty);
    zmq_msg_init(&empty_too);
    if (peer->first || server_transmit(server, peer, &empty, &empty_too) != 0) {
        server_cut(peer); // it does not even read what it was sent before
    } else {
        peer->cut_ns = clock_boottime_ns() + SERVER_CLOSE_GRACE_NS;
        if (!server->closing.first)
            loop_timer_set(server->cut_timer, peer->cut_ns);
        peer_list_move(peer, &server->closing);
    }
    zmq_msg_close(&empty);
    zmq_msg_close(&empty_too);
    server_check_soon(server);
}

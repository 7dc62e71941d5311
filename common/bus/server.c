// A server: one ROUTER, its monitor, and the table of who is connected. The loop's thread alone touches it.
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <zmq.h>

#include "common/base/memory.h"
#include "common/bus/server.h"
#include "common/bus/socket.h"
#include "common/bus/zap.h"

// libzmq's 100 makes a storm of 5,000 agents take 31 s instead of 2.6.
#define SERVER_BACKLOG 4096
// A connection that does not finish its handshake is dropped. All of a storm are accepted at once and shake hands one after the other, a
// thousand in a second of an idle machine: long enough for the last of 5,000 on a busy one, else the first try costs and brings nothing.
#define SERVER_HANDSHAKE_MS 30000
// What was sent to the peers before the server ends may take this long to leave.
#define SERVER_LINGER_MS 100
#define SERVER_UNBIND_MS 1000
// Metadata of each message, put there by zap.c. (zmq.h names it among its drafts only.)
#define SERVER_USER_ID "User-Id"
#define SERVER_EVENTS (ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CLOSED)

void server_check_soon(struct bus_server *server)
{
    if (server->reading || server->check_is_set)
        return;
    server->check_is_set = true;
    loop_timer_set(server->check_timer, clock_boottime_ns());
}

static void server_unframed(struct bus_server *server, bus_route route, const char *why)
{
    server->counters.unframed++;
    if (server->callbacks.on_unframed)
        server->callbacks.on_unframed(server->context, route, why);
}

// ---- who comes and goes

static void server_leave(struct bus_server *server, struct peer *peer)
{
    if (!peer || peer->leaving)
        return;
    peer->leaving = true;
    peer_queue_clear(peer);
    peer_list_move(peer, &server->leaving);
}

static void server_read_monitor(struct bus_server *server)
{
    struct socket_event event;
    while (socket_monitor_read(server->monitor, &event)) {
        int fd = (int)event.value;
        if (event.name == ZMQ_EVENT_ACCEPTED) {
            peer_descriptor_accepted(server->peers, fd);
        } else if (event.name == ZMQ_EVENT_DISCONNECTED) {
            struct peer *peer = peer_by_descriptor(server->peers, fd);
            server->counters.unheard += peer == NULL;
            server_leave(server, peer);
            peer_descriptor_ended(server->peers, fd);
        }
    }
}

// Only when the ROUTER was read empty after the monitor said so: what a peer sent before it left comes before on_gone.
static void server_finish_leaving(struct bus_server *server)
{
    while (server->leaving.first) {
        struct peer *peer = server->leaving.first;
        bus_route route = peer->route;
        bool tell = !peer->owner_knows;
        peer_remove(server->peers, &peer);
        if (tell)
            server->callbacks.on_gone(server->context, route);
    }
}

// The first message of a connection. NULL: it is not one that we accept.
static struct peer *server_meet(struct bus_server *server, zmq_msg_t *identity, zmq_msg_t *data)
{
    const uint8_t *name = zmq_msg_data(identity);
    const char *public_key = zmq_msg_gets(data, SERVER_USER_ID);
    int fd = zmq_msg_get(data, ZMQ_SRCFD);
    // Without a key nobody has asked ZAP: never let in.
    if (!bus_key_is_valid(public_key) || fd < 0)
        return server_unframed(server, 0, "a peer without a key"), NULL;
    if (zmq_msg_size(identity) != PEER_IDENTITY_BYTES || name[0] != 0)
        return server_unframed(server, 0, "a peer that names itself"), NULL;
    // All that happened to this descriptor before this connection got it stands in the monitor already, so that it is not
    // taken for this connection's end.
    server_read_monitor(server);
    server_leave(server, peer_by_descriptor(server->peers, fd));
    struct peer *peer = peer_add(server->peers, name, fd, public_key);
    if (!peer_descriptor_is_live(server->peers, fd)) { // it sent and left: the message counts, then it is gone
        server->counters.unheard -= server->counters.unheard > 0;
        server_leave(server, peer);
    }
    return peer;
}

// ---- reading

static void server_dispatch(struct bus_server *server, const struct peer *peer, zmq_msg_t *data, zmq_msg_t *payload, bool has_payload)
{
    struct bus_message message = {
        .route = peer->route,
        .public_key = peer->public_key,
        .data = zmq_msg_data(data),
        .bytes = zmq_msg_size(data),
        .payload = has_payload ? zmq_msg_data(payload) : NULL,
        .payload_bytes = has_payload ? zmq_msg_size(payload) : 0,
    };
    server->counters.messages++;
    server->callbacks.on_message(server->context, &message);
}

static void server_take(struct bus_server *server, zmq_msg_t *identity, zmq_msg_t *data, zmq_msg_t *payload)
{
    bool has_payload = false, has_more = false;
    if (socket_more(data)) {
        has_payload = socket_receive(server->router, payload);
        has_more = has_payload && socket_more(payload);
    }
    if (has_more)
        socket_skip(server->router);
    struct peer *peer = peer_by_identity(server->peers, zmq_msg_data(identity), zmq_msg_size(identity));
    if (!peer)
        peer = server_meet(server, identity, data);
    if (!peer)
        return;
    if (peer->closed)
        server->counters.unwanted++;
    else if (has_more)
        server_unframed(server, peer->route, "more than two frames");
    else if (zmq_msg_size(data) == 0)
        server_unframed(server, peer->route, "an empty first frame");
    else
        server_dispatch(server, peer, data, payload, has_payload);
}

// Returns false when nothing was there.
static bool server_receive(struct bus_server *server)
{
    zmq_msg_t identity, data, payload;
    zmq_msg_init(&identity);
    zmq_msg_init(&data);
    zmq_msg_init(&payload);
    bool there = socket_receive(server->router, &identity);
    if (there) {
        if (socket_more(&identity) && socket_receive(server->router, &data))
            server_take(server, &identity, &data, &payload);
        else
            server_unframed(server, 0, "no frame");
    }
    zmq_msg_close(&identity);
    zmq_msg_close(&data);
    zmq_msg_close(&payload);
    return there;
}

static void server_read(struct bus_server *server)
{
    server->reading = true;
    server_read_monitor(server);
    unsigned count = 0;
    bool there = true;
    while (there && count < SOCKET_ROUND_MESSAGES_MAX) {
        there = server_receive(server);
        count++;
    }
    server->reading = false;
    if (there)
        server_check_soon(server);
    else
        server_finish_leaving(server);
    if (server->blocked.first)
        server_flush(server);
}

static void on_readable(void *context, int fd, uint32_t events)
{
    (void)fd;
    (void)events;
    server_read(context);
}

static void on_check(void *context)
{
    struct bus_server *server = context;
    server->check_is_set = false;
    server_read(server);
}

// ---- life

// One descriptor per peer, and the usual soft limit is 1024.
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

// One of libzmq's threads for all of a server's connections: it accepts and reads in one order, so the monitor says "accepted"
// before the first message, and "ended" after the last. Servers take turns, so bulk does not hold up control.
static void router_choose_thread(void *router)
{
    static unsigned serial;
    uint64_t threads = UINT64_C(1) << serial++ % ZAP_IO_THREADS;
    int status = zmq_setsockopt(router, ZMQ_AFFINITY, &threads, sizeof threads);
    INVARIANT(status == 0);
}

static void *router_open(const struct bus_server_options *options)
{
    void *router = socket_open(ZMQ_ROUTER);
    router_choose_thread(router);
    socket_set_liveness(router);
    socket_set_pipe(router, options->pipe_messages);
    socket_set_number(router, ZMQ_CURVE_SERVER, 1);
    socket_set_text(router, ZMQ_CURVE_SECRETKEY, options->secret_key);
    socket_set_text(router, ZMQ_ZAP_DOMAIN, ZAP_DOMAIN);
    socket_set_number(router, ZMQ_ROUTER_MANDATORY, 1);
    socket_set_number(router, ZMQ_ROUTER_HANDOVER, 0);
    socket_set_number(router, ZMQ_BACKLOG, SERVER_BACKLOG);
    socket_set_number(router, ZMQ_HANDSHAKE_IVL, SERVER_HANDSHAKE_MS);
    socket_set_number(router, ZMQ_LINGER, SERVER_LINGER_MS);
    socket_set_number(router, ZMQ_IPV6, strchr(options->endpoint, '[') != NULL);
    return router;
}

static void server_watch(struct bus_server *server)
{
    server->router_source = loop_watch(server->loop, socket_descriptor(server->router), EPOLLIN, on_readable, server);
    server->monitor_source = loop_watch(server->loop, socket_descriptor(server->monitor), EPOLLIN, on_readable, server);
    server->check_timer = loop_timer(server->loop, on_check, server);
    server->retry_timer = loop_timer(server->loop, server_on_retry, server);
    server->cut_timer = loop_timer(server->loop, server_on_cut, server);
    server_check_soon(server);
}

int bus_server_new(struct bus_server **out, struct loop *loop, const struct bus_server_options *options,
                   const struct bus_server_callbacks *callbacks, void *context, struct panther_error *error)
{
    INVARIANT(callbacks->on_message && callbacks->on_gone);
    if (!bus_key_is_valid(options->secret_key))
        return error_set(error, PANTHER_EINVALID, "the server's secret key is not a CURVE key of 40 characters");
    raise_descriptor_limit();
    zap_begin();
    struct bus_server *server = NEW(struct bus_server);
    server->loop = loop;
    server->callbacks = *callbacks;
    server->context = context;
    server->queue_bytes_max = options->queue_bytes_max ? options->queue_bytes_max : BUS_QUEUE_BYTES_DEFAULT;
    server->peers = peer_table_new();
    server->router = router_open(options);
    server->monitor = socket_monitor(server->router, SERVER_EVENTS);
    size_t bytes = sizeof server->endpoint;
    if (zmq_bind(server->router, options->endpoint) != 0 ||
        zmq_getsockopt(server->router, ZMQ_LAST_ENDPOINT, server->endpoint, &bytes) != 0) {
        int number = zmq_errno();
        bus_server_free(&server);
        return error_set(error, number == EINVAL ? PANTHER_EINVALID : PANTHER_EUNAVAILABLE, "cannot listen on %s: %s", options->endpoint,
                         zmq_strerror(number));
    }
    server_watch(server);
    *out = server;
    return 0;
}

// libzmq closes the listening socket later, in its own thread; until then the port is taken and connections are accepted.
static void server_stop_listening(struct bus_server *server)
{
    if (!server->endpoint[0] || zmq_unbind(server->router, server->endpoint) != 0)
        return;
    struct socket_event event = {0};
    while (event.name != ZMQ_EVENT_CLOSED) {
        if (!socket_wait(server->monitor, SERVER_UNBIND_MS))
            return;
        while (event.name != ZMQ_EVENT_CLOSED && socket_monitor_read(server->monitor, &event))
            ;
    }
}

void bus_server_free(struct bus_server **server)
{
    struct bus_server *dead = *server;
    if (!dead)
        return;
    INVARIANT(!dead->reading);
    loop_remove(&dead->router_source);
    loop_remove(&dead->monitor_source);
    loop_remove(&dead->check_timer);
    loop_remove(&dead->retry_timer);
    loop_remove(&dead->cut_timer);
    server_stop_listening(dead);
    if (dead->router)
        zmq_socket_monitor(dead->router, NULL, 0);
    socket_close(&dead->monitor);
    socket_close(&dead->router);
    peer_table_free(&dead->peers);
    free(dead);
    *server = NULL;
}

const char *bus_server_endpoint(const struct bus_server *server)
{
    return server->endpoint;
}

unsigned bus_server_port(const struct bus_server *server)
{
    const char *colon = strrchr(server->endpoint, ':');
    return colon ? (unsigned)strtoul(colon + 1, NULL, 10) : 0;
}

void bus_server_counters(const struct bus_server *server, struct bus_server_counters *counters)
{
    *counters = server->counters;
    counters->peers = peer_count(server->peers);
}

// A link: one DEALER that lives for one session. Whatever ends it ends it for good; the owner makes a new one.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <zmq.h>

#include "common/base/limits.h"
#include "common/base/memory.h"
#include "common/bus/bus.h"
#include "common/bus/socket.h"
#include "common/system/descriptors.h"

#define LINK_EVENTS                                                                                                                        \
    (ZMQ_EVENT_CLOSED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |                    \
     ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)
// Two sockets with a mailbox each, a monitor's pair, a connection: six, and some for libzmq's own moments.
#define LINK_DESCRIPTORS 12
#define LINK_ENDPOINT_BYTES 512
#define LINK_WHY_BYTES 640

enum link_state { LINK_CONNECTING, LINK_UP, LINK_LOST };

struct bus_link {
    struct loop *loop;
    void *dealer, *monitor;
    struct loop_source *dealer_source, *monitor_source, *check_timer, *connect_timer;
    struct bus_link_callbacks callbacks;
    void *context;
    char endpoint[LINK_ENDPOINT_BYTES];
    uint32_t connect_timeout_ms;
    enum link_state state;
    bool check_is_set;
    unsigned inside; // callbacks that we are in: freed only when they have returned
    bool freed;
};

static void link_check_soon(struct bus_link *link)
{
    if (link->inside || link->check_is_set)
        return;
    link->check_is_set = true;
    loop_timer_set(link->check_timer, clock_boottime_ns());
}

static void link_close(struct bus_link *link)
{
    loop_remove(&link->dealer_source);
    loop_remove(&link->monitor_source);
    loop_remove(&link->check_timer);
    loop_remove(&link->connect_timer);
    if (link->dealer)
        zmq_socket_monitor(link->dealer, NULL, 0);
    socket_close(&link->monitor);
    socket_close(&link->dealer);
}

static void link_enter(struct bus_link *link)
{
    link->inside++;
}

// Returns false when the link is gone: touch it no more.
static bool link_leave(struct bus_link *link)
{
    bool lives = !link->freed;
    if (--link->inside == 0 && !lives)
        free(link);
    return lives;
}

static void link_lost(struct bus_link *link, const char *reason)
{
    if (link->state == LINK_LOST || link->freed)
        return;
    char why[LINK_WHY_BYTES];
    snprintf(why, sizeof why, "%s: %s", link->endpoint, reason);
    link->state = LINK_LOST;
    link_close(link);
    link->callbacks.on_lost(link->context, why);
}

// ---- reading; each of these returns with the link possibly lost or freed, which ends all loops

static void link_take(struct bus_link *link, zmq_msg_t *data, zmq_msg_t *payload)
{
    bool has_payload = false;
    if (socket_more(data)) {
        has_payload = socket_receive(link->dealer, payload);
        if (has_payload && socket_more(payload))
            socket_skip(link->dealer);
    }
    if (zmq_msg_size(data) == 0)
        link_lost(link, "closed by the server"); // bus_server_close_route: two empty frames
    else
        link->callbacks.on_message(link->context, zmq_msg_data(data), zmq_msg_size(data), has_payload ? zmq_msg_data(payload) : NULL,
                                   has_payload ? zmq_msg_size(payload) : 0);
}

static bool link_receive(struct bus_link *link)
{
    zmq_msg_t data, payload;
    zmq_msg_init(&data);
    zmq_msg_init(&payload);
    bool there = socket_receive(link->dealer, &data);
    if (there)
        link_take(link, &data, &payload);
    zmq_msg_close(&data);
    zmq_msg_close(&payload);
    return there;
}

// Returns true when the round's share was read and more may be there.
static bool link_read_messages(struct bus_link *link)
{
    unsigned count = 0;
    while (link->dealer && count < SOCKET_ROUND_MESSAGES_MAX && link_receive(link))
        count++;
    return link->dealer && count == SOCKET_ROUND_MESSAGES_MAX;
}

static const char *event_reason(const struct bus_link *link, uint16_t event)
{
    switch (event) {
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
        return "the server refused our key";
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
        return "the handshake failed: the server has another key than ours of it, or is no panther";
    case ZMQ_EVENT_CLOSED:
        return "nobody listens there";
    default:
        return link->state == LINK_UP ? "connection lost" : "connection lost in the handshake";
    }
}

static void link_event(struct bus_link *link, uint16_t event)
{
    if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) {
        link->state = LINK_UP;
        loop_timer_set(link->connect_timer, 0);
        link->callbacks.on_up(link->context);
        return;
    }
    // What was said before comes first, as far as libzmq has not thrown it away with the pipe.
    while (link_read_messages(link))
        ;
    link_lost(link, event_reason(link, event));
}

static void link_read(struct bus_link *link)
{
    link_enter(link);
    bool more = link_read_messages(link);
    struct socket_event event;
    while (link->monitor && socket_monitor_read(link->monitor, &event))
        link_event(link, event.name);
    // What the callbacks sent may have swallowed a signal after the last look.
    more = link->dealer && (more || socket_has_input(link->dealer));
    if (link_leave(link) && more)
        link_check_soon(link);
}

static void on_readable(void *context, int fd, uint32_t events)
{
    (void)fd;
    (void)events;
    link_read(context);
}

static void on_check(void *context)
{
    struct bus_link *link = context;
    link->check_is_set = false;
    link_read(link);
}

static void on_connect_timeout(void *context)
{
    struct bus_link *link = context;
    char why[64];
    snprintf(why, sizeof why, "no answer within %u ms", (unsigned)link->connect_timeout_ms);
    link_enter(link);
    link_lost(link, why);
    link_leave(link);
}

// ---- life

static int link_check_options(const struct bus_link_options *options, struct panther_error *error)
{
    if (!bus_key_is_valid(options->server_key))
        return error_set(error, PANTHER_EINVALID, "the key of the server is not a CURVE key of 40 characters");
    if (!bus_key_is_valid(options->secret_key))
        return error_set(error, PANTHER_EINVALID, "our secret key is not a CURVE key of 40 characters");
    if (strncmp(options->endpoint, "tcp://", 6) != 0 || strlen(options->endpoint) >= LINK_ENDPOINT_BYTES / 2)
        return error_set(error, PANTHER_EINVALID, "not an endpoint: \"%s\"; write tcp://ADDRESS:PORT", options->endpoint);
    return 0;
}

static void *dealer_open(const struct bus_link_options *options)
{
    char public_key[BUS_KEY_TEXT_BYTES];
    int status = bus_key_public(options->secret_key, public_key);
    INVARIANT(status == 0);
    void *dealer = socket_open(ZMQ_DEALER);
    socket_set_liveness(dealer);
    socket_set_ping(dealer);
    socket_set_pipe(dealer, options->pipe_messages);
    socket_set_number(dealer, ZMQ_RECONNECT_IVL, -1); // it would come back under another id, with old messages before our Hello
    socket_set_number(dealer, ZMQ_LINGER, (int)options->linger_ms);
    socket_set_number(dealer, ZMQ_IPV6, strchr(options->endpoint, '[') != NULL);
    socket_set_text(dealer, ZMQ_CURVE_PUBLICKEY, public_key);
    socket_set_text(dealer, ZMQ_CURVE_SECRETKEY, options->secret_key);
    socket_set_text(dealer, ZMQ_CURVE_SERVERKEY, options->server_key);
    return dealer;
}

static int link_connect(struct bus_link *link, const char *source_address)
{
    char endpoint[LINK_ENDPOINT_BYTES];
    const char *address = link->endpoint + strlen("tcp://");
    if (source_address)
        snprintf(endpoint, sizeof endpoint, "tcp://%.200s:0;%s", source_address, address);
    else
        snprintf(endpoint, sizeof endpoint, "tcp://%s", address);
    return zmq_connect(link->dealer, endpoint) == 0 ? 0 : zmq_errno();
}

static void link_watch(struct bus_link *link)
{
    link->dealer_source = loop_watch(link->loop, socket_descriptor(link->dealer), EPOLLIN, on_readable, link);
    link->monitor_source = loop_watch(link->loop, socket_descriptor(link->monitor), EPOLLIN, on_readable, link);
    link->check_timer = loop_timer(link->loop, on_check, link);
    link->connect_timer = loop_timer(link->loop, on_connect_timeout, link);
    loop_timer_set(link->connect_timer, clock_boottime_ns() + link->connect_timeout_ms * UINT64_C(1000000));
    link_check_soon(link);
}

int bus_link_new(struct bus_link **out, struct loop *loop, const struct bus_link_options *options,
                 const struct bus_link_callbacks *callbacks, void *context, struct panther_error *error)
{
    INVARIANT(callbacks->on_up && callbacks->on_message && callbacks->on_lost);
    int status = link_check_options(options, error);
    if (status)
        return status;
    // libzmq aborts the program when it finds none in the middle of making a socket.
    if (!descriptors_have(LINK_DESCRIPTORS))
        return error_set(error, PANTHER_ELIMIT, "cannot connect to %s: too many open files", options->endpoint);
    struct bus_link *link = NEW(struct bus_link);
    link->loop = loop;
    link->callbacks = *callbacks;
    link->context = context;
    link->connect_timeout_ms = options->connect_timeout_ms ? options->connect_timeout_ms : BUS_CONNECT_TIMEOUT_MS_DEFAULT;
    snprintf(link->endpoint, sizeof link->endpoint, "%s", options->endpoint);
    link->dealer = dealer_open(options);
    link->monitor = socket_monitor(link->dealer, LINK_EVENTS);
    int number = link_connect(link, options->source_address);
    if (number) {
        bus_link_free(&link);
        return error_set(error, PANTHER_EINVALID, "cannot connect to %s: %s", options->endpoint, zmq_strerror(number));
    }
    link_watch(link);
    *out = link;
    return 0;
}

void bus_link_free(struct bus_link **link)
{
    struct bus_link *dead = *link;
    *link = NULL;
    if (!dead)
        return;
    INVARIANT(!dead->freed);
    link_close(dead);
    dead->freed = true;
    if (!dead->inside)
        free(dead);
}

bool bus_link_is_up(const struct bus_link *link)
{
    return link && link->state == LINK_UP;
}

int bus_link_send(struct bus_link *link, const void *data, size_t bytes, const void *payload, size_t payload_bytes)
{
    if (bytes == 0 || bytes > ZMQ_FRAME_MAX_BYTES || payload_bytes > ZMQ_FRAME_MAX_BYTES)
        return PANTHER_EINVALID;
    if (link->state != LINK_UP)
        return PANTHER_EUNAVAILABLE;
    int status = socket_send(link->dealer, data, bytes, payload != NULL);
    if (status == 0 && payload)
        status = socket_send(link->dealer, payload, payload_bytes, false);
    link_check_soon(link);
    return status ? PANTHER_EUNAVAILABLE : 0;
}

#include "agent/shell/uplink.h"

#include "common/base/limits.h"
#include "common/system/log.h"

// How long Goodbye may take to leave when the link is closed.
#define UPLINK_LINGER_MS 500
// As long as a whole lab may take to shake hands with a coordinator that was started again: who gives up sooner begins at the end of
// the queue.
#define UPLINK_CONNECT_MS 25000

struct uplink {
    struct loop *loop;
    struct reactor *reactor;
    const struct bus_peer_file *peer;
    struct uplink_callbacks callbacks;
    void *context;
    struct bus_link *link;
    struct arena *arena; // of the frame that is being read or written
    uint64_t refused_frames;
};

// What came and cannot be read ends the session: the next one starts with a clean slate on both sides.
static void lost(struct uplink *uplink, const char *why)
{
    bus_link_free(&uplink->link);
    struct agent_input input = {.kind = AGENT_INPUT_LINK_LOST};
    input.link_lost.why = arena_string(reactor_arena(uplink->reactor), why);
    reactor_later(uplink->reactor, &input);
}

static void on_up(void *context)
{
    struct uplink *uplink = context;
    struct agent_input input = {.kind = AGENT_INPUT_LINK_UP};
    reactor_feed(uplink->reactor, &input);
}

static void on_message(void *context, const uint8_t *data, size_t bytes, const uint8_t *payload, size_t payload_bytes)
{
    struct uplink *uplink = context;
    (void)payload;
    (void)payload_bytes;
    struct panther_error error = {0};
    arena_reset(uplink->arena);
    struct agent_input input = {.kind = AGENT_INPUT_MESSAGE};
    input.message.envelope = wire_envelope(data, bytes, uplink->arena, &error);
    if (!input.message.envelope) {
        uplink->refused_frames++;
        log_error("a frame of %zu bytes from the coordinator is refused: %s", bytes, error.message);
        lost(uplink, error.message);
        return;
    }
    if (input.message.envelope->body_case == PB__ENVELOPE__BODY_WELCOME)
        uplink->callbacks.on_bulk_port(uplink->context, input.message.envelope->welcome->bulk_port);
    reactor_feed(uplink->reactor, &input);
}

static void on_lost(void *context, const char *why)
{
    lost(context, why);
}

struct uplink *uplink_new(struct loop *loop, struct reactor *reactor, const struct bus_peer_file *peer,
                          const struct uplink_callbacks *callbacks, void *context)
{
    struct uplink *uplink = NEW(struct uplink);
    uplink->loop = loop;
    uplink->reactor = reactor;
    uplink->peer = peer;
    uplink->callbacks = *callbacks;
    uplink->context = context;
    uplink->arena = arena_new(UNPACK_MAX_BYTES);
    return uplink;
}

void uplink_free(struct uplink **uplink)
{
    if (!*uplink)
        return;
    bus_link_free(&(*uplink)->link);
    arena_free(&(*uplink)->arena);
    free(*uplink);
    *uplink = NULL;
}

void uplink_open(struct uplink *uplink)
{
    const struct bus_link_options options = {
        .endpoint = uplink->peer->coordinator,
        .server_key = uplink->peer->server_key,
        .secret_key = uplink->peer->secret_key,
        .connect_timeout_ms = UPLINK_CONNECT_MS,
        .linger_ms = UPLINK_LINGER_MS,
    };
    const struct bus_link_callbacks callbacks = {on_up, on_message, on_lost};
    struct panther_error error = {0};
    bus_link_free(&uplink->link);
    if (bus_link_new(&uplink->link, uplink->loop, &options, &callbacks, uplink, &error) < 0)
        lost(uplink, error.message);
}

void uplink_close(struct uplink *uplink)
{
    bus_link_free(&uplink->link);
}

// The window keeps far below what the link can queue, so a send that fails is a link that has ended.
static void send(struct uplink *uplink, const uint8_t *data, size_t bytes)
{
    if (!uplink->link)
        return; // its loss is on the way to the core
    if (bus_link_send(uplink->link, data, bytes, NULL, 0) < 0)
        lost(uplink, "the link takes nothing more");
}

void uplink_send(struct uplink *uplink, const Pb__Envelope *envelope)
{
    size_t bytes;
    uint8_t *data = wire_pack(envelope, NULL, &bytes);
    send(uplink, data, bytes);
    free(data);
}

void uplink_send_events(struct uplink *uplink, uint64_t first, uint32_t count)
{
    struct arena *arena = arena_new(0);
    struct wire_bytes *events = ARENA_ARRAY(arena, struct wire_bytes, count);
    if (reactor_events(uplink->reactor, first, count, arena, events)) {
        size_t bytes;
        const struct agent_core *core = reactor_core(uplink->reactor);
        uint8_t *data =
            wire_pack_events(PROTOCOL_VERSION, agent_core_session(core), agent_core_epoch(core), first, events, count, arena, &bytes);
        send(uplink, data, bytes);
    } else {
        log_error("events %llu to %llu are not in the outbox", (unsigned long long)first, (unsigned long long)(first + count - 1));
        lost(uplink, "the outbox cannot be read");
    }
    arena_free(&arena);
}

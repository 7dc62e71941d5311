#include "peer.h"

#include <stdio.h>
#include <string.h>

#include "common/base/limits.h"
#include "common/base/memory.h"

#define TEXT(literal) ((char *)(uintptr_t)(literal))

void peer_begin(struct peer *peer, struct loop *loop, const char *name, char digit)
{
    *peer = (struct peer){.loop = loop, .arena = arena_new(UNPACK_MAX_BYTES)};
    snprintf(peer->name, sizeof peer->name, "%s", name);
    snprintf(peer->address, sizeof peer->address, "10.9.8.%d", digit % 10 + 1);
    memset(peer->host_id, digit, ID128_TEXT_BYTES - 1);
    memset(peer->boot_id, digit, ID128_TEXT_BYTES - 1);
    memset(peer->epoch, digit, ID128_TEXT_BYTES - 1);
}

void peer_end(struct peer *peer)
{
    bus_link_free(&peer->link);
    arena_free(&peer->arena);
}

static void on_up(void *context)
{
    struct peer *peer = context;
    peer->up = true;
}

static void take(struct peer *peer, const Pb__Envelope *envelope)
{
    switch (envelope->body_case) {
    case PB__ENVELOPE__BODY_WELCOME:
        peer->welcomes++;
        peer->session = envelope->welcome->session;
        peer->last_seen = envelope->welcome->last_seen;
        break;
    case PB__ENVELOPE__BODY_REFUSED:
        peer->refusals++;
        peer->refusal = (int)envelope->refused->code;
        snprintf(peer->why, sizeof peer->why, "%s", envelope->refused->text);
        break;
    case PB__ENVELOPE__BODY_HEARTBEAT_REPLY:
        peer->beats++;
        break;
    case PB__ENVELOPE__BODY_EVENTS_ACKNOWLEDGED:
        peer->acknowledgements++;
        peer->acknowledged = envelope->events_acknowledged->last;
        break;
    default:
        break;
    }
}

static void on_message(void *context, const uint8_t *data, size_t bytes, const uint8_t *payload, size_t payload_bytes)
{
    struct peer *peer = context;
    struct panther_error error = {0};
    (void)payload, (void)payload_bytes;
    arena_reset(peer->arena);
    const Pb__Envelope *envelope = wire_envelope(data, bytes, peer->arena, &error);
    if (!envelope)
        fail_msg("%s", error.message);
    take(peer, envelope);
}

static void on_lost(void *context, const char *why)
{
    struct peer *peer = context;
    (void)why;
    peer->lost = true;
}

void peer_connect(struct peer *peer, const struct bus_peer_file *key, const char *endpoint)
{
    static const struct bus_link_callbacks callbacks = {on_up, on_message, on_lost};
    const struct bus_link_options options = {.endpoint = endpoint,
                                             .server_key = key->server_key,
                                             .secret_key = key->secret_key,
                                             .connect_timeout_ms = PATIENCE_MS,
                                             .linger_ms = 500};
    struct panther_error error = {0};
    bus_link_free(&peer->link);
    peer->up = peer->lost = false;
    peer->session = 0;
    if (bus_link_new(&peer->link, peer->loop, &options, &callbacks, peer, &error) < 0)
        fail_msg("%s", error.message);
    WAIT_FOR(peer->loop, peer->up || peer->lost);
    assert_true(peer->up);
}

static void send(struct peer *peer, Pb__Envelope *envelope, uint64_t session)
{
    size_t bytes;
    envelope->version = PROTOCOL_VERSION;
    envelope->session = session;
    uint8_t *data = wire_pack(envelope, NULL, &bytes);
    bus_link_send(peer->link, data, bytes, NULL, 0);
    free(data);
}

void peer_hello(struct peer *peer)
{
    Pb__TestAddress address = PB__TEST_ADDRESS__INIT, *addresses[] = {&address};
    address.network = TEXT("default");
    address.address = peer->address;
    Pb__Hello hello = PB__HELLO__INIT;
    hello.name = peer->name;
    hello.host_id = peer->host_id;
    hello.boot_id = peer->boot_id;
    hello.outbox_epoch = peer->epoch;
    hello.outbox_first = 1;
    hello.outbox_last = peer->last;
    hello.agent_version = TEXT("0.1.0");
    hello.boottime_ns = clock_boottime_ns();
    hello.slots = 1;
    hello.addresses = addresses;
    hello.n_addresses = 1;
    Pb__Envelope envelope = PB__ENVELOPE__INIT;
    envelope.body_case = PB__ENVELOPE__BODY_HELLO;
    envelope.hello = &hello;
    send(peer, &envelope, 0);
}

void peer_welcomed(struct peer *peer)
{
    unsigned before = peer->welcomes;
    peer_hello(peer);
    WAIT_FOR(peer->loop, peer->welcomes > before || peer->refusals || peer->lost);
    if (peer->welcomes == before)
        fail_msg("%s is not welcomed: %s", peer->name, peer->why);
}

void peer_beat(struct peer *peer)
{
    Pb__Heartbeat heartbeat = PB__HEARTBEAT__INIT;
    heartbeat.agent_sent_ns = clock_boottime_ns();
    Pb__Envelope envelope = PB__ENVELOPE__INIT;
    envelope.body_case = PB__ENVELOPE__BODY_HEARTBEAT;
    envelope.heartbeat = &heartbeat;
    send(peer, &envelope, peer->session);
}

void peer_event(struct peer *peer, uint64_t session, uint64_t sequence)
{
    Pb__Note note = PB__NOTE__INIT;
    note.text = TEXT("seen");
    Pb__Event event = PB__EVENT__INIT, *items[] = {&event};
    event.instance = 4711;
    event.generation = 1;
    event.sequence = sequence;
    event.boottime_ns = clock_boottime_ns();
    event.service = TEXT("load");
    event.body_case = PB__EVENT__BODY_NOTE;
    event.note = &note;
    Pb__Events events = PB__EVENTS__INIT;
    events.epoch = peer->epoch;
    events.first = sequence;
    events.events = items;
    events.n_events = 1;
    Pb__Envelope envelope = PB__ENVELOPE__INIT;
    envelope.body_case = PB__ENVELOPE__BODY_EVENTS;
    envelope.events = &events;
    send(peer, &envelope, session);
    peer->last = sequence > peer->last ? sequence : peer->last;
}

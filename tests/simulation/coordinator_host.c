// See coordinator_host.h. What coordinator/shell does with the core's effects, in the same order; coordinator_life.c has its starts and
// ends.
#include <string.h>

#include "common/base/limits.h"
#include "common/wire/wire.h"
#include "coordinator/core/core.h"
#include "tests/simulation/agent_host.h"
#include "tests/simulation/client.h"
#include "tests/simulation/coordinator_inside.h"
#include "tests/simulation/network.h"
#include "tests/simulation/oracle.h"

#define WHO "coordinator"
#define ROUND_NS (50 * NS_PER_US)
// A full disk is tried again.
#define FULL_RETRY_NS NS_PER_S
// Replay is compared with the live state this often, by chance: it costs as much as the whole journal.
#define REPLAY_ONCE_IN_ROUNDS 400

// ---- rounds

static void want_round(struct coordinator_host *host)
{
    struct world *world = host->world;
    uint64_t when_ns = world->now_ns + ROUND_NS;
    if (host->up && !timer_is_set(&host->round))
        agenda_set(&world->agenda, &host->round, when_ns < host->paused_until_ns ? host->paused_until_ns : when_ns);
}

static struct item *item_new(struct coordinator_host *host, enum item_kind kind)
{
    APPEND(host->inbox, host->inbox_count, host->inbox_capacity) = (struct item){.kind = kind};
    want_round(host);
    return &host->inbox[host->inbox_count - 1];
}

// True: this was the moment it died at, and the caller has nothing to do any more.
static bool dies_now(struct coordinator_host *host)
{
    if (host->dies_in == 0 || --host->dies_in > 0)
        return false;
    world_saw(host->world, RARITY_COORDINATOR_CRASH);
    coordinator_crash(host->world, "is killed");
    return true;
}

static void core_takes(struct coordinator_host *host, struct core_event *event)
{
    struct world *world = host->world;
    event->now_ns = host_clock_boottime_ns(&host->clock, world->now_ns);
    event->wall_ns = host_clock_wall_ns(&host->clock, world->now_ns);
    event->random = dice_roll(&world->dice.ids);
    core_step(host->core, event, &host->effects);
}

static void take_frame(struct coordinator_host *host, const struct item *item)
{
    struct world *world = host->world;
    struct core_event event = {.kind = CORE_MESSAGE, .route = item->route, .public_key = "", .role = PB__ROLE__ROLE_AGENT};
    struct panther_error error = {0};
    arena_reset(host->unpacked);
    event.envelope = wire_envelope(item->data, item->bytes, host->unpacked, &error);
    event.peer_name = agent_name(link_agent(item->link));
    if (!event.envelope) {
        world_fail(world, "frames are valid", "%s sent a frame that the coordinator refuses: %s", event.peer_name, error.message);
        return;
    }
    oracle_agent_said(world, item->link, event.envelope);
    core_takes(host, &event);
}

static void take_request(struct coordinator_host *host, const struct item *item)
{
    Pb__Envelope envelope;
    pb__envelope__init(&envelope);
    envelope.version = PROTOCOL_VERSION;
    envelope.body_case = PB__ENVELOPE__BODY_REQUEST;
    envelope.request = (Pb__Request *)(uintptr_t)item->client_request;
    struct core_event event = {.kind = CORE_MESSAGE, .route = item->route, .public_key = "", .role = PB__ROLE__ROLE_OPERATOR};
    event.peer_name = "ann";
    event.envelope = &envelope;
    core_takes(host, &event);
}

static void take(struct coordinator_host *host, const struct item *item)
{
    switch (item->kind) {
    case ITEM_FRAME:
        take_frame(host, item);
        break;
    case ITEM_GONE:
        core_takes(host, &(struct core_event){.kind = CORE_GONE, .route = item->route});
        break;
    case ITEM_SUBMIT:
        core_takes(host, &(struct core_event){.kind = CORE_SUBMIT,
                                              .route = item->route,
                                              .peer_name = "ann",
                                              .role = PB__ROLE__ROLE_OPERATOR,
                                              .request = item->request,
                                              .submit = item->submit,
                                              .experiment = item->experiment,
                                              .content_hash = item->content_hash});
        break;
    case ITEM_REQUEST:
        take_request(host, item);
        break;
    case ITEM_CONTENT:
        core_takes(host, &(struct core_event){.kind = CORE_CONTENT, .content = item->content, .ticket = item->ticket});
        break;
    case ITEM_TICK:
        core_takes(host, &(struct core_event){.kind = CORE_TICK});
        break;
    case ITEM_SPACE:
        core_takes(host, &(struct core_event){.kind = CORE_SPACE, .is_full = item->is_full, .why = "no space left on device"});
        break;
    }
}

// ---- speaking

static void say(struct coordinator_host *host, uint64_t route, const uint8_t *data, size_t bytes)
{
    struct world *world = host->world;
    struct panther_error error = {0};
    arena_reset(host->unpacked);
    const Pb__Envelope *envelope = wire_envelope(data, bytes, host->unpacked, &error);
    if (!envelope) {
        world_fail(world, "frames are valid", "the coordinator sends a frame that no peer takes: %s", error.message);
        return;
    }
    struct link *link = network_link(world, route);
    oracle_coordinator_says(world, link, envelope);
    if (route >= CLIENT_ROUTES)
        client_hears(world, route, envelope);
    else if (link && link_is_open(link, TO_COORDINATOR))
        network_send(link, TO_AGENT, data, bytes);
}

static void say_now(struct coordinator_host *host, const struct core_send *send)
{
    if (send->envelope->body_case == PB__ENVELOPE__BODY_HEARTBEAT_REPLY)
        send->envelope->heartbeat_reply->coordinator_sent_ns = host_clock_boottime_ns(&host->clock, host->world->now_ns);
    size_t bytes;
    uint8_t *data = wire_pack(send->envelope, host->world->arena, &bytes);
    say(host, send->route, data, bytes);
}

// Nothing that needs no commit overtakes these on its way to the same agent (outbound_leads).
static bool leads(const Pb__Envelope *envelope)
{
    return envelope->body_case == PB__ENVELOPE__BODY_COMMANDS || envelope->body_case == PB__ENVELOPE__BODY_WELCOME;
}

static bool holds_back(const struct coordinator_host *host, uint64_t route)
{
    for (const struct held_batch *batch = host->first_held; batch; batch = batch->next)
        for (size_t i = 0; i < batch->message_count; i++)
            if (batch->messages[i].leads && batch->messages[i].route == route)
                return true;
    return false;
}

// As the reactor decides it.
static bool goes_now(const struct coordinator_host *host, size_t index)
{
    const struct core_send *sends = host->effects.sends;
    if (!sends[index].prompt)
        return sends[index].urgent;
    for (size_t i = 0; i < index; i++)
        if (!sends[i].urgent && sends[i].route == sends[index].route && leads(sends[i].envelope))
            return false;
    return !holds_back(host, sends[index].route);
}

static void hold(struct coordinator_host *host, uint64_t number)
{
    struct arena *arena = host->world->arena;
    const struct core_effects *effects = &host->effects;
    struct held_batch *batch = ARENA_NEW(arena, struct held_batch);
    batch->number = number;
    batch->messages = ARENA_ARRAY(arena, struct held_message, effects->send_count + 1);
    for (size_t i = 0; i < effects->send_count; i++) {
        if (effects->sends[i].urgent)
            continue;
        struct held_message *message = &batch->messages[batch->message_count++];
        message->route = effects->sends[i].route;
        message->data = wire_pack(effects->sends[i].envelope, arena, &message->bytes);
        message->leads = leads(effects->sends[i].envelope);
    }
    batch->closed_count = effects->closed_count;
    batch->closed = ARENA_ARRAY(arena, uint64_t, effects->closed_count + 1);
    batch->ticket_count = effects->ticket_count;
    batch->tickets = ARENA_ARRAY(arena, uint64_t, effects->ticket_count + 1);
    for (size_t i = 0; i < effects->closed_count; i++)
        batch->closed[i] = effects->closed[i];
    for (size_t i = 0; i < effects->ticket_count; i++)
        batch->tickets[i] = effects->tickets[i];
    *(host->first_held ? &host->last_held->next : &host->first_held) = batch;
    host->last_held = batch;
}

// False: it died.
static bool release_one(struct coordinator_host *host, const struct held_batch *batch)
{
    for (size_t i = 0; i < batch->message_count; i++) {
        if (dies_now(host))
            return false;
        say(host, batch->messages[i].route, batch->messages[i].data, batch->messages[i].bytes);
    }
    for (size_t i = 0; i < batch->closed_count; i++) {
        struct link *link = network_link(host->world, batch->closed[i]);
        if (link)
            network_close(link, TO_AGENT);
    }
    for (size_t i = 0; i < batch->ticket_count; i++)
        content_committed(host->world, batch->tickets[i]);
    return true;
}

static void release(struct coordinator_host *host)
{
    struct held_batch *batch;
    while ((batch = host->first_held) && batch->number <= host->journal.committed_batches) {
        host->first_held = batch->next;
        if (!release_one(host, batch))
            return;
    }
}

// ---- records

static void trace_records(struct coordinator_host *host)
{
    for (size_t i = 0; i < host->effects.record_count && trace_is_on(host->world); i++)
        trace_write(host->world, WHO, "records %s", describe_record(host->world, host->effects.records[i]));
}

static uint64_t keep_records(struct coordinator_host *host)
{
    const struct core_effects *effects = &host->effects;
    if (effects->record_count == 0)
        return 0;
    trace_records(host);
    for (size_t i = 0; i < effects->record_count; i++) {
        const char *why = record_invalid(effects->records[i]);
        if (why)
            world_fail(host->world, "P7 a record replays", "%s: %s", describe_record(host->world, effects->records[i]), why);
    }
    return journal_append(&host->journal, (const Pb__Record *const *)effects->records, effects->record_count);
}

static void begin_commit(struct coordinator_host *host)
{
    struct world *world = host->world;
    if (!host->up || !journal_begin_commit(&host->journal))
        return;
    uint32_t most_us = host->slow_us ? host->slow_us : world->pace.commit_most_us;
    agenda_set(&world->agenda, &host->commit, world->now_ns + world_delay_ns(&world->dice.disk, world->pace.commit_least_us, most_us));
}

static void tell_space(struct coordinator_host *host, bool full)
{
    if (host->told_full == full)
        return;
    host->told_full = full;
    TRACE(host->world, WHO, full ? "disk full: admission stops" : "the disk has room again");
    item_new(host, ITEM_SPACE)->is_full = full;
}

static void commit_is_due(void *context)
{
    struct coordinator_host *host = context;
    struct world *world = host->world;
    if (world->now_ns < host->paused_until_ns) {
        agenda_set(&world->agenda, &host->commit, host->paused_until_ns);
        return;
    }
    if (host->disk_fails) {
        world_saw(world, RARITY_COORDINATOR_DISK_ERROR);
        host->disk_fails = false;
        coordinator_crash(world, "ends: the store failed (EIO)");
        return;
    }
    if (host->disk_full) {
        tell_space(host, true);
        agenda_set(&world->agenda, &host->commit, world->now_ns + FULL_RETRY_NS);
        return;
    }
    if (dies_now(host))
        return;
    tell_space(host, false);
    journal_end_commit(&host->journal);
    oracle_committed(world);
    release(host);
    begin_commit(host);
}

static void flush(struct coordinator_host *host)
{
    struct core_effects *effects = &host->effects;
    for (size_t i = 0; i < effects->send_count; i++) {
        effects->sends[i].urgent = goes_now(host, i);
        if (!effects->sends[i].urgent)
            continue;
        if (dies_now(host))
            return;
        say_now(host, &effects->sends[i]);
    }
    if (effects->record_count || effects->send_count || effects->closed_count || effects->ticket_count) {
        hold(host, keep_records(host));
        effects_clear(effects);
    }
    begin_commit(host);
    release(host);
}

static void round_is_due(void *context)
{
    struct coordinator_host *host = context;
    struct world *world = host->world;
    if (world->now_ns < host->paused_until_ns) {
        agenda_set(&world->agenda, &host->round, host->paused_until_ns);
        return;
    }
    struct item *items = host->inbox;
    size_t count = host->inbox_count;
    host->inbox = NULL;
    host->inbox_count = host->inbox_capacity = 0;
    bool died = false;
    for (size_t i = 0; i < count && !died && !world->broken_property; i++) {
        died = dies_now(host);
        if (!died)
            take(host, &items[i]);
    }
    free(items);
    if (died || world->broken_property)
        return;
    uint64_t life = host->life;
    flush(host);
    if (host->life == life && host->up && dice_below(&world->dice.shape, REPLAY_ONCE_IN_ROUNDS) == 0)
        coordinator_check_replay(host);
}

static void tick_is_due(void *context)
{
    struct coordinator_host *host = context;
    struct world *world = host->world;
    if (world->now_ns < host->paused_until_ns) {
        agenda_set(&world->agenda, &host->tick, host->paused_until_ns);
        return;
    }
    item_new(host, ITEM_TICK);
    agenda_set(&world->agenda, &host->tick, world->now_ns + COORDINATOR_TICK_NS);
}

void coordinator_set_up(struct coordinator_host *host)
{
    host->round = (struct timer){.call = round_is_due, .context = host};
    host->commit = (struct timer){.call = commit_is_due, .context = host};
    host->tick = (struct timer){.call = tick_is_due, .context = host};
}

void coordinator_first_step(struct coordinator_host *host, const char *store_id)
{
    char home[32];
    snprintf(home, sizeof home, "home-%u", host->restores);
    core_takes(host, &(struct core_event){.kind = CORE_STORE_OPENED, .store_id = store_id, .home = home});
    want_round(host);
}

// ---- what it hears

void coordinator_frame(struct world *world, struct link *link, const void *data, size_t bytes)
{
    struct item *item = item_new(world->coordinator, ITEM_FRAME);
    item->link = link;
    item->route = link_route(link);
    item->data = data;
    item->bytes = bytes;
}

void coordinator_gone(struct world *world, uint64_t route)
{
    if (world->coordinator->up)
        item_new(world->coordinator, ITEM_GONE)->route = route;
}

void coordinator_submit(struct world *world, uint64_t route, uint64_t request, const Pb__Submit *submit, const Pb__Experiment *experiment,
                        const char *content_hash)
{
    if (!world->coordinator->up)
        return;
    struct item *item = item_new(world->coordinator, ITEM_SUBMIT);
    item->route = route;
    item->request = request;
    item->submit = submit;
    item->experiment = experiment;
    item->content_hash = content_hash;
}

void coordinator_request(struct world *world, uint64_t route, const Pb__Request *request)
{
    if (!world->coordinator->up)
        return;
    struct item *item = item_new(world->coordinator, ITEM_REQUEST);
    item->route = route;
    item->client_request = request;
}

void coordinator_content(struct world *world, const Pb__ContentStored *content, uint64_t ticket)
{
    if (!world->coordinator->up)
        return;
    struct item *item = item_new(world->coordinator, ITEM_CONTENT);
    item->content = content;
    item->ticket = ticket;
}

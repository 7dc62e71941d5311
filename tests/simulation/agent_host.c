// See agent_host.h. The reactor: inputs to the core, its effects, its batches. agent_life.c has starts and ends, agent_wards.c the guards.
#include <string.h>

#include "common/base/limits.h"
#include "common/wire/wire.h"
#include "tests/simulation/agent_inside.h"

// As agent/shell/reactor.h has it.
#define GATHER_NS (200 * NS_PER_MS)
#define FULL_RETRY_NS NS_PER_S
#define DISK_FREE_BYTES (UINT64_C(100) << 30)

void agent_batch_free(struct agent_batch **batch)
{
    if (!*batch)
        return;
    agent_output_clear(&(*batch)->output);
    arena_free(&(*batch)->arena);
    free(*batch);
    *batch = NULL;
}

void agent_start_gathering(struct agent_host *host)
{
    host->gathering = NEW(struct agent_batch);
    host->gathering->arena = arena_new(0);
    host->gathering->output.arena = host->gathering->arena;
    host->gathered_ns = 0;
}

// True: this was the moment it died at.
static bool dies_now(struct agent_host *host)
{
    if (host->dies_in == 0 || --host->dies_in > 0)
        return false;
    world_saw(host->world, RARITY_AGENT_CRASH);
    agent_crash(host, "is killed");
    return true;
}

// ---- effects

static void send_envelope(struct agent_host *host, const Pb__Envelope *envelope)
{
    size_t bytes;
    if (!host->link)
        return;
    uint8_t *data = wire_pack(envelope, host->world->scratch, &bytes);
    network_send(host->link, TO_COORDINATOR, data, bytes);
}

static void send_events(struct agent_host *host, uint64_t first, uint32_t count)
{
    const struct disk_event *events = agent_disk_events(&host->disk, first, count);
    struct arena *arena = host->world->scratch;
    size_t bytes;
    if (!events) {
        world_fail(host->world, "P2 what is sent is stored", "%s sends events %llu to %llu, which are not on its disk", host->name,
                   (unsigned long long)first, (unsigned long long)(first + count - 1));
        return;
    }
    struct wire_bytes *packed = ARENA_ARRAY(arena, struct wire_bytes, count);
    for (uint32_t i = 0; i < count; i++)
        packed[i] = (struct wire_bytes){events[i].data, events[i].bytes};
    uint8_t *data = wire_pack_events(PROTOCOL_VERSION, agent_core_session(host->core), agent_core_epoch(host->core), first, packed, count,
                                     arena, &bytes);
    if (host->link)
        network_send(host->link, TO_COORDINATOR, data, bytes);
}

struct errand {
    struct agent_host *host;
    uint64_t life;
};

static void probed(void *context)
{
    const struct errand *errand = context;
    if (errand->host->life == errand->life)
        catalogue_found(errand->host, true);
}

static void probe(struct agent_host *host)
{
    struct errand *errand = ARENA_NEW(host->world->arena, struct errand);
    *errand = (struct errand){host, host->life};
    agenda_add(&host->world->agenda, host->world->now_ns + 100 * NS_PER_MS, probed, errand);
}

static void log_line(struct agent_host *host, const struct agent_effect *effect)
{
    if (effect->log.level >= AGENT_LOG_WARNING)
        TRACE(host->world, host->name, "says: %s", effect->log.text);
}

static void perform(struct agent_host *host, const struct agent_effect *effect)
{
    switch (effect->kind) {
    case AGENT_EFFECT_OPEN_LINK:
        host->link = network_open(host);
        break;
    case AGENT_EFFECT_CLOSE_LINK:
        if (host->link)
            network_close(host->link, TO_COORDINATOR);
        host->link = NULL;
        break;
    case AGENT_EFFECT_SEND:
        send_envelope(host, effect->envelope);
        break;
    case AGENT_EFFECT_SEND_EVENTS:
        send_events(host, effect->events.first, effect->events.count);
        break;
    case AGENT_EFFECT_PROBE:
        probe(host);
        break;
    case AGENT_EFFECT_FETCH_FILE:
        files_fetch(host, effect->hash);
        break;
    case AGENT_EFFECT_LOG:
        log_line(host, effect);
        break;
    case AGENT_EFFECT_STOPPED:
        agent_crash(host, "has left");
        break;
    default:
        wards_perform(host, effect);
    }
}

// False: it died on the way.
static bool perform_all(struct agent_host *host, const struct agent_output *output, size_t first, bool held)
{
    uint64_t life = host->life;
    host->feeding = true;
    for (size_t i = first; i < output->effect_count; i++) {
        struct agent_effect effect = output->effects[i];
        if (effect.after_commit != held)
            continue;
        if (effect.kind != AGENT_EFFECT_LOG && dies_now(host))
            return false;
        perform(host, &effect);
        if (host->life != life)
            return false;
    }
    host->feeding = false;
    return true;
}

// ---- feeding

static void settle_at(struct agent_host *host, uint64_t when_ns)
{
    if (host->settle_ns != 0 && host->settle_ns <= when_ns)
        return;
    host->settle_ns = when_ns;
    agenda_set(&host->world->agenda, &host->settle, when_ns);
}

static void trace_records(struct agent_host *host, size_t first)
{
    const struct agent_output *output = &host->gathering->output;
    for (size_t i = first; i < output->record_count && trace_is_on(host->world); i++) {
        const char *text = describe_agent_record(host->world, &output->records[i]);
        if (text)
            trace_write(host->world, host->name, "keeps %s", text);
    }
}

void agent_feed(struct agent_host *host, struct agent_input *input)
{
    struct world *world = host->world;
    if (!host->up || world->broken_property || dies_now(host))
        return;
    INVARIANT(!host->feeding);
    input->now_ns = host_clock_boottime_ns(&host->clock, world->now_ns);
    input->wall_ns = host_clock_wall_ns(&host->clock, world->now_ns);
    input->random = dice_roll(&world->dice.ids);
    struct agent_output *output = &host->gathering->output;
    size_t first = output->effect_count, first_record = output->record_count;
    host->feeding = true;
    agent_core_step(host->core, input, output);
    host->feeding = false;
    trace_records(host, first_record);
    oracle_agent_stepped(host);
    if (!perform_all(host, output, first, false))
        return;
    uint64_t due_ns = agent_core_deadline(host->core);
    if (due_ns)
        agenda_set(&world->agenda, &host->tick, host_clock_when_ns(&host->clock, due_ns));
    else
        agenda_stop(&host->tick);
    if (output->record_count > 0 && host->gathered_ns == 0)
        host->gathered_ns = world->now_ns;
    if (output->record_count == 0 && !output->urgent && host->later_count == 0) {
        output->effect_count = 0;
        arena_reset(output->arena);
    } else if (!host->committing) {
        settle_at(host, output->urgent ? world->now_ns : host->gathered_ns + GATHER_NS);
    }
}

void agent_feed_later(struct agent_host *host, const struct agent_input *input)
{
    if (!host->up)
        return;
    APPEND(host->later, host->later_count, host->later_capacity) = *input;
    settle_at(host, host->world->now_ns);
}

// ---- batches

static bool postponed(struct agent_host *host, struct timer *timer)
{
    if (host->world->now_ns >= host->paused_until_ns)
        return false;
    agenda_set(&host->world->agenda, timer, host->paused_until_ns);
    return true;
}

static void submit(struct agent_host *host)
{
    struct world *world = host->world;
    const struct agent_output *output = &host->gathering->output;
    if (host->committing || !(output->urgent || (output->record_count > 0 && world->now_ns >= host->gathered_ns + GATHER_NS)))
        return;
    host->committing = host->gathering;
    agent_start_gathering(host);
    uint32_t most_us = host->slow_us ? host->slow_us : world->pace.commit_most_us;
    agenda_set(&world->agenda, &host->commit, world->now_ns + world_delay_ns(&world->dice.disk, world->pace.commit_least_us, most_us));
}

static void settle_is_due(void *context)
{
    struct agent_host *host = context;
    uint64_t life = host->life;
    if (!host->up || postponed(host, &host->settle))
        return;
    host->settle_ns = 0;
    for (size_t i = 0; i < host->later_count && host->life == life; i++) {
        struct agent_input input = host->later[i];
        agent_feed(host, &input);
    }
    if (host->life != life || !host->up)
        return;
    host->later_count = 0;
    submit(host);
    if (host->gathered_ns && !host->committing)
        settle_at(host, host->gathered_ns + GATHER_NS);
}

static void tell_space(struct agent_host *host, bool full)
{
    if (host->told_full == full)
        return;
    host->told_full = full;
    TRACE(host->world, host->name, full ? "disk full: nothing new is taken" : "the disk has room again");
    agent_feed(host, &(struct agent_input){.kind = AGENT_INPUT_STORAGE_FULL, .storage.full = full});
}

static void tell_committed(struct agent_host *host, const struct agent_output *output)
{
    struct agent_input input = {.kind = AGENT_INPUT_COMMITTED};
    input.committed.outbox_last = output->outbox_last;
    input.committed.outbox_life = output->outbox_life;
    if (output->outbox_last)
        agent_feed(host, &input);
}

static void committed(struct agent_host *host)
{
    uint64_t life = host->life;
    struct agent_batch *batch = host->committing;
    const char *problem = agent_disk_apply(&host->disk, &batch->output);
    if (problem)
        world_fail(host->world, "P2 what an agent keeps makes sense", "%s: %s", host->name, problem);
    oracle_agent_committed(host, &batch->output);
    host->committing = NULL;
    tell_committed(host, &batch->output);
    if (host->life == life)
        perform_all(host, &batch->output, 0, true);
    agent_batch_free(&batch);
    if (host->life == life)
        settle_is_due(host);
}

static void commit_is_due(void *context)
{
    struct agent_host *host = context;
    uint64_t life = host->life;
    if (postponed(host, &host->commit))
        return;
    if (host->disk_fails) {
        world_saw(host->world, RARITY_AGENT_DISK_ERROR);
        host->disk_fails = false;
        agent_crash(host, "ends: its database failed (EIO)");
        return;
    }
    if (host->disk_full) {
        agenda_set(&host->world->agenda, &host->commit, host->world->now_ns + FULL_RETRY_NS);
        tell_space(host, true);
        return;
    }
    tell_space(host, false);
    if (host->life == life && !dies_now(host))
        committed(host);
}

static void tick_is_due(void *context)
{
    struct agent_host *host = context;
    if (postponed(host, &host->tick))
        return;
    agent_feed(host, &(struct agent_input){.kind = AGENT_INPUT_TICK, .tick.disk_free_bytes = DISK_FREE_BYTES});
}

void agent_set_up(struct agent_host *host)
{
    host->tick = (struct timer){.call = tick_is_due, .context = host};
    host->settle = (struct timer){.call = settle_is_due, .context = host};
    host->commit = (struct timer){.call = commit_is_due, .context = host};
}

// ---- the network

void agent_link_up(struct agent_host *host, struct link *link)
{
    if (host->link == link)
        agent_feed(host, &(struct agent_input){.kind = AGENT_INPUT_LINK_UP});
}

void agent_link_lost(struct agent_host *host, struct link *link, const char *why)
{
    if (host->link != link)
        return;
    host->link = NULL;
    struct agent_input input = {.kind = AGENT_INPUT_LINK_LOST};
    input.link_lost.why = why;
    agent_feed_later(host, &input);
}

static void take_frame(struct agent_host *host, const struct link *link, const void *data, size_t bytes)
{
    struct panther_error error = {0};
    struct agent_input input = {.kind = AGENT_INPUT_MESSAGE};
    if (host->link != link)
        return;
    arena_reset(host->unpacked);
    input.message.envelope = wire_envelope(data, bytes, host->unpacked, &error);
    if (!input.message.envelope) {
        world_fail(host->world, "frames are valid", "%s refuses a frame of the coordinator: %s", host->name, error.message);
        return;
    }
    if (trace_shows(host->world, input.message.envelope))
        trace_write(host->world, host->name, "gets %s", describe_envelope(host->world, input.message.envelope));
    agent_feed(host, &input);
}

void agent_frame(struct agent_host *host, struct link *link, const void *data, size_t bytes)
{
    if (host->world->now_ns >= host->paused_until_ns) {
        take_frame(host, link, data, bytes);
        return;
    }
    APPEND(host->waiting, host->waiting_count, host->waiting_capacity).link = link;
    host->waiting[host->waiting_count - 1].data = data;
    host->waiting[host->waiting_count - 1].bytes = bytes;
}

void agent_read_waiting(struct agent_host *host)
{
    for (size_t i = 0; i < host->waiting_count && host->up; i++)
        take_frame(host, host->waiting[i].link, host->waiting[i].data, host->waiting[i].bytes);
    host->waiting_count = 0;
}

// The spool of a guard: what is said, written, told to the agent, synced, and what of it a death takes. A model of agent/guard/events.c and
// common/system/spool.c. See guard.h.
#include "common/base/limits.h"
#include "common/base/message.h"
#include "common/wire/wire.h"
#include "tests/simulation/guard_inside.h"
#include "tests/simulation/host_clock.h"

#define FULL_RETRY_NS NS_PER_S
// What was told before its sync is synced then (agent/guard/events.c).
#define SYNC_LATER_NS (5 * NS_PER_MS)
// Power that goes just after a result was told goes before or after its sync and the agent's commit.
#define POWER_LASTS_MOST_NS (8 * NS_PER_MS)
// A record of the spool: length and check sum before the event.
#define SPOOL_HEAD_BYTES 8

uint64_t guard_spool_bytes(const struct guard *guard, size_t events)
{
    return events ? guard->spool[events - 1].end : 0;
}

size_t guard_kept(const struct guard *guard)
{
    return guard->taken > guard->spool_count ? guard->taken : guard->spool_count;
}

// ---- written, told, synced

static void tell(struct guard *guard, size_t events)
{
    guard->told = events;
    if (guard->attachment)
        agent_spool_grown(guard->host, guard, guard->attachment, guard_spool_bytes(guard, events));
}

static uint64_t sync_takes_ns(struct guard *guard)
{
    struct world *world = guard->world;
    uint32_t most_us = agent_disk_slow_us(guard->host) ? agent_disk_slow_us(guard->host) : world->pace.commit_most_us;
    return world_delay_ns(&world->dice.disk, world->pace.commit_least_us, most_us);
}

static void power_goes(void *context)
{
    struct agent_host *host = context;
    if (!agent_world(host)->is_calm)
        agent_reboot(host);
}

static void tell_before_sync(struct guard *guard)
{
    struct world *world = guard->world;
    tell(guard, guard->spool_count);
    if (!timer_is_set(&guard->sync)) {
        guard->sync_is_late = true;
        agenda_set(&world->agenda, &guard->sync, world->now_ns + SYNC_LATER_NS + sync_takes_ns(guard));
    }
    if (faults_strike(world, RARITY_POWER_AFTER_RESULT))
        agenda_add(&world->agenda, world->now_ns + dice_below(&world->dice.work, POWER_LASTS_MOST_NS), power_goes, guard->host);
}

static void sync_soon(struct guard *guard)
{
    if (timer_is_set(&guard->sync) && !guard->sync_is_late)
        return;
    guard->sync_is_late = false;
    agenda_set(&guard->world->agenda, &guard->sync, guard->world->now_ns + sync_takes_ns(guard));
}

static void wait_for_room(struct guard *guard)
{
    guard->lacks_room = true;
    guard->sync_is_late = false;
    agenda_set(&guard->world->agenda, &guard->sync, guard->world->now_ns + FULL_RETRY_NS);
}

void guard_sync_is_due(void *context)
{
    struct guard *guard = context;
    if (!guard_runs(guard))
        return;
    if (agent_disk_is_full(guard->host)) {
        wait_for_room(guard);
        return;
    }
    guard->lacks_room = guard->sync_is_late = false;
    guard->written = guard->synced = guard->spool_count;
    tell(guard, guard->synced);
    guard_go_if_synced(guard);
}

// Behind something that has to be synced first, all waits for that sync.
static bool may_be_told_now(const struct guard *guard, const Pb__Event *event)
{
    bool is_result = event->body_case == PB__EVENT__BODY_CASE_RESULT || event->body_case == PB__EVENT__BODY_CASE_STARTED;
    return is_result && guard->told == guard->spool_count - 1;
}

static void write_last(struct guard *guard, const Pb__Event *event)
{
    if (guard->lacks_room)
        return;
    if (agent_disk_is_full(guard->host)) {
        wait_for_room(guard);
        return;
    }
    guard->written = guard->spool_count;
    if (may_be_told_now(guard, event))
        tell_before_sync(guard);
    else
        sync_soon(guard);
}

Pb__Event *guard_event(struct guard *guard, Pb__Event__BodyCase body)
{
    Pb__Event *event = ARENA_NEW(guard->world->arena, Pb__Event);
    pb__event__init(event);
    event->instance = guard->instance;
    event->generation = guard->generation;
    event->sequence = guard->spool_count + 1;
    event->boottime_ns = guard_boottime_ns(guard);
    event->wall_ns = host_clock_wall_ns(agent_clock(guard->host), guard->world->now_ns);
    event->service = guard->spec->initialize->service;
    event->body_case = body;
    return event;
}

void guard_say(struct guard *guard, const Pb__Event *event)
{
    struct spooled spooled;
    const char *why = event_invalid(event);
    if (why)
        world_fail(guard->world, "the model is sound", "a simulated guard says what wire refuses: %s", why);
    spooled.data = wire_pack(event, guard->world->arena, &spooled.bytes);
    spooled.end = guard_spool_bytes(guard, guard->spool_count) + SPOOL_HEAD_BYTES + spooled.bytes;
    APPEND(guard->spool, guard->spool_count, guard->spool_capacity) = spooled;
    TRACE(guard->world, guard_name(guard), "spools %s", describe_event(guard->world, event));
    write_last(guard, event);
}

// ---- what a death takes

void guard_loses_memory(struct guard *guard)
{
    if (guard->written == guard->spool_count)
        return;
    guard_spoil(guard, "its guard was killed with what it could not write");
    guard->spool_count = guard->written;
}

// Of the spool stays what was synced, and of the rest some beginning.
void guard_loses_power(struct guard *guard)
{
    size_t said = guard->spool_count, told = guard->told;
    guard_loses_memory(guard);
    if (guard->written > guard->synced)
        guard->spool_count = (size_t)dice_between(&guard->world->dice.disk, guard->synced, guard->written - 1);
    if (guard->spool_count == said)
        return;
    world_saw(guard->world, RARITY_SPOOL_TORN);
    TRACE(guard->world, guard_name(guard), "has %zu of %zu events in its spool, %zu of them were told", guard->spool_count, said, told);
    guard->written = guard->told = guard->synced = guard->spool_count;
    oracle_spool_cut(guard, said, told);
}

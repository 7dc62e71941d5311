// What happens to hosts, cables and people. See faults.h.
#include "tests/simulation/agent_host.h"
#include "tests/simulation/client.h"
#include "tests/simulation/coordinator_host.h"
#include "tests/simulation/faults_inside.h"
#include "tests/simulation/guard.h"
#include "tests/simulation/host_clock.h"
#include "tests/simulation/journal.h"
#include "tests/simulation/network.h"

// A crash comes after so many effects: any two of them have it between them in some seed.
#define EFFECTS_MOST 80

struct agent_host *faults_some_agent(struct world *world)
{
    size_t count = world->agent_count - (world->faults->copy ? 1 : 0); // the copy is the last
    return world->agents[dice_below(&world->dice.faults, count)];
}

uint64_t faults_later(struct world *world, uint64_t least_ms, uint64_t most_ms)
{
    return world->now_ns + dice_between(&world->dice.faults, least_ms, most_ms) * NS_PER_MS;
}

static struct guard *some_guard(struct world *world)
{
    struct guard *const *guards, *found = NULL;
    size_t count = agent_guards(faults_some_agent(world), &guards), living = 0;
    for (size_t i = 0; i < count; i++)
        if (guard_runs(guards[i]) && guards[i]->stage != GUARD_STARTING && dice_below(&world->dice.faults, ++living) == 0)
            found = guards[i];
    return found;
}

// ---- the coordinator

static void coordinator_crashes(struct world *world)
{
    coordinator_crash_in(world, (unsigned)dice_between(&world->dice.faults, 1, EFFECTS_MOST));
    if (!world->is_gentle && dice_chance(&world->dice.faults, 200))
        coordinator_downtime(world, dice_between(&world->dice.faults, 3000, 50000));
}

static void coordinator_room(void *context)
{
    coordinator_disk_full(context, false);
}

static void coordinator_is_full(struct world *world)
{
    world_saw(world, RARITY_COORDINATOR_DISK_FULL);
    coordinator_disk_full(world, true);
    agenda_add(&world->agenda, faults_later(world, 1000, 20000), coordinator_room, world);
}

static void coordinator_broken_disk(struct world *world)
{
    coordinator_disk_fails(world, true); // counted when it does
}

static void coordinator_fast(void *context)
{
    coordinator_disk_slow(context, 0);
}

static void coordinator_is_slow(struct world *world)
{
    world_saw(world, RARITY_COORDINATOR_DISK_SLOW);
    coordinator_disk_slow(world, (uint32_t)dice_between(&world->dice.faults, 50000, 3000000));
    agenda_add(&world->agenda, faults_later(world, 2000, 15000), coordinator_fast, world);
}

static void coordinator_stops(struct world *world)
{
    world_saw(world, RARITY_COORDINATOR_PAUSED);
    coordinator_pause(world, faults_later(world, 500, 20000));
}

// ---- agents

static void agent_crashes(struct world *world)
{
    struct agent_host *agent = faults_some_agent(world);
    agent_crash_in(agent, (unsigned)dice_between(&world->dice.faults, 1, EFFECTS_MOST / 2));
    if (!world->is_gentle && dice_chance(&world->dice.faults, 200))
        agent_downtime(agent, dice_between(&world->dice.faults, 5000, 60000));
}

static void agent_room(void *context)
{
    agent_set_disk_full(context, false);
}

static void agent_is_full(struct world *world)
{
    struct agent_host *agent = faults_some_agent(world);
    world_saw(world, RARITY_AGENT_DISK_FULL);
    agent_set_disk_full(agent, true);
    agenda_add(&world->agenda, faults_later(world, 1000, 20000), agent_room, agent);
}

static void agent_broken_disk(struct world *world)
{
    agent_disk_fails(faults_some_agent(world), true);
}

static void agent_fast(void *context)
{
    agent_set_disk_slow(context, 0);
}

static void agent_is_slow(struct world *world)
{
    struct agent_host *agent = faults_some_agent(world);
    world_saw(world, RARITY_AGENT_DISK_SLOW);
    agent_set_disk_slow(agent, (uint32_t)dice_between(&world->dice.faults, 50000, 3000000));
    agenda_add(&world->agenda, faults_later(world, 2000, 15000), agent_fast, agent);
}

static void agent_stops(struct world *world)
{
    struct agent_host *agent = faults_some_agent(world);
    if (!agent_is_up(agent))
        return;
    world_saw(world, RARITY_AGENT_PAUSED);
    agent_pause(agent, faults_later(world, 500, 20000));
}

static void agent_leaves(struct world *world)
{
    agent_leave(faults_some_agent(world), dice_between(&world->dice.faults, 100, 20000) * NS_PER_MS);
}

static void power_fails(void *context)
{
    struct agent_host *agent = context;
    if (agent_world(agent)->is_calm)
        return;
    agent_set_disk_slow(agent, 0);
    agent_reboot(agent);
}

// At times with much that is not synced yet.
static void host_reboots(struct world *world)
{
    struct agent_host *agent = faults_some_agent(world);
    if (dice_chance(&world->dice.faults, 400)) {
        agent_set_disk_slow(agent, 3000000);
        agenda_add(&world->agenda, faults_later(world, 200, 3000), power_fails, agent);
        return;
    }
    agent_downtime(agent, dice_between(&world->dice.faults, 1000, 30000));
    agent_reboot(agent);
}

static void outbox_wiped(struct world *world)
{
    struct agent_host *agent = faults_some_agent(world);
    agent_crash(agent, "is killed");
    agent_wipe(agent, dice_chance(&world->dice.faults, 400));
}

static void key_copied(struct world *world)
{
    if (world->faults->copy || world->agent_count == AGENTS_MAX)
        return;
    world_saw(world, RARITY_KEY_COPIED);
    world->has_copy = true;
    const struct agent_host *agent = faults_some_agent(world);
    world->faults->copy = agent_host_new(world, agent_name(agent), agent_slots(agent));
    TRACE(world, "faults", "a second host comes with the key of %s", agent_name(agent));
    agent_start(world->faults->copy);
}

// ---- guards

static void guard_is_killed(struct world *world)
{
    struct guard *guard = some_guard(world);
    if (!guard)
        return;
    world_saw(world, RARITY_GUARD_KILLED);
    guard_kill(guard);
}

static void guard_is_detached(struct world *world)
{
    struct guard *guard = some_guard(world);
    if (guard)
        agent_detach_guard(guard->host, guard);
}

// ---- cables

static void link_is_reset(struct world *world)
{
    struct link *link = network_link_of(faults_some_agent(world));
    if (!link)
        return;
    world_saw(world, RARITY_LINK_RESET);
    network_reset(link);
}

static void heal_to_coordinator(void *context)
{
    network_cut(context, TO_COORDINATOR, false);
}

static void heal_to_agent(void *context)
{
    network_cut(context, TO_AGENT, false);
}

static void cut_to_coordinator(struct world *world)
{
    struct agent_host *agent = faults_some_agent(world);
    world_saw(world, RARITY_CUT_TO_COORDINATOR);
    TRACE(world, "faults", "cut from %s to the coordinator", agent_name(agent));
    network_cut(agent, TO_COORDINATOR, true);
    agenda_add(&world->agenda, faults_later(world, 1000, 60000), heal_to_coordinator, agent);
}

static void cut_to_agent(struct world *world)
{
    struct agent_host *agent = faults_some_agent(world);
    world_saw(world, RARITY_CUT_TO_AGENT);
    TRACE(world, "faults", "cut from the coordinator to %s", agent_name(agent));
    network_cut(agent, TO_AGENT, true);
    agenda_add(&world->agenda, faults_later(world, 1000, 60000), heal_to_agent, agent);
}

static void partition(struct world *world)
{
    struct agent_host *agent = faults_some_agent(world);
    uint64_t until_ns = faults_later(world, 1000, 60000);
    world_saw(world, RARITY_PARTITION);
    TRACE(world, "faults", "partition of %s", agent_name(agent));
    network_cut(agent, TO_AGENT, true);
    network_cut(agent, TO_COORDINATOR, true);
    agenda_add(&world->agenda, until_ns, heal_to_agent, agent);
    agenda_add(&world->agenda, until_ns, heal_to_coordinator, agent);
}

static void stall(struct world *world)
{
    struct agent_host *agent = faults_some_agent(world);
    enum way way = dice_chance(&world->dice.faults, 500) ? TO_AGENT : TO_COORDINATOR;
    world_saw(world, RARITY_STALL);
    TRACE(world, "faults", "stall %s %s", way == TO_AGENT ? "towards" : "from", agent_name(agent));
    network_stall(agent, way, faults_later(world, 500, 12000));
}

// The agent's end is gone and the coordinator's is not told, or the other way round.
static void half_open(struct world *world)
{
    struct agent_host *agent = faults_some_agent(world);
    struct link *link = network_link_of(agent);
    if (!link)
        return;
    if (dice_chance(&world->dice.faults, 500)) {
        network_vanish(link, TO_AGENT);
        coordinator_gone(world, link_route(link));
    } else {
        network_vanish(link, TO_COORDINATOR);
        agent_link_lost(agent, link, "no route to host");
    }
}

static void storm(struct world *world)
{
    world_saw(world, RARITY_STORM);
    for (size_t i = 0; i < world->agent_count; i++) {
        struct link *link = network_link_of(world->agents[i]);
        if (link)
            network_reset(link);
    }
}

static void wall_jumps(struct world *world)
{
    int64_t jump_ns = (int64_t)(dice_between(&world->dice.faults, 0, 20000) * NS_PER_S) - (int64_t)(10000 * NS_PER_S);
    world_saw(world, RARITY_WALL_JUMP);
    if (dice_chance(&world->dice.faults, 500))
        coordinator_clock(world)->wall_ns += jump_ns;
    else
        agent_clock(faults_some_agent(world))->wall_ns += jump_ns;
}

// ---- people

static void cancel(struct world *world)
{
    if (client_runs(world))
        client_cancel(world, dice_between(&world->dice.faults, 1, client_runs(world)));
}

static void resume(void *context)
{
    client_drain(agent_world(context), agent_name(context), true);
}

static void drain(struct world *world)
{
    struct agent_host *agent = faults_some_agent(world);
    world_saw(world, RARITY_DRAINED);
    client_drain(world, agent_name(agent), false);
    agenda_add(&world->agenda, faults_later(world, 100, 30000), resume, agent);
}

// ---- the store, from a backup

static void restore(void *context)
{
    struct world *world = context;
    if (world->is_calm || coordinator_journal(world)->synced <= world->faults->backup_records)
        return;
    world_saw(world, RARITY_COORDINATOR_RESTORED);
    coordinator_restore(world, world->faults->backup_records);
}

static void back_up(void *context)
{
    struct world *world = context;
    world->faults->backup_records = coordinator_journal(world)->synced;
    TRACE(world, "faults", "the store is backed up, %llu records", (unsigned long long)world->faults->backup_records);
    agenda_add(&world->agenda, faults_later(world, 2000, 25000), restore, world);
}

void faults_plan_restore(struct world *world)
{
    agenda_add(&world->agenda, faults_later(world, 0, 8000), back_up, world);
}

static const struct happening happenings[] = {
    {RARITY_COORDINATOR_CRASH, coordinator_crashes},
    {RARITY_COORDINATOR_DISK_FULL, coordinator_is_full},
    {RARITY_COORDINATOR_DISK_ERROR, coordinator_broken_disk},
    {RARITY_COORDINATOR_DISK_SLOW, coordinator_is_slow},
    {RARITY_COORDINATOR_PAUSED, coordinator_stops},
    {RARITY_AGENT_CRASH, agent_crashes},
    {RARITY_AGENT_CRASH, agent_crashes}, // oftener than the others
    {RARITY_AGENT_DISK_FULL, agent_is_full},
    {RARITY_AGENT_DISK_ERROR, agent_broken_disk},
    {RARITY_AGENT_DISK_SLOW, agent_is_slow},
    {RARITY_AGENT_PAUSED, agent_stops},
    {RARITY_AGENT_LEAVES, agent_leaves},
    {RARITY_HOST_REBOOTED, host_reboots},
    {RARITY_OUTBOX_WIPED, outbox_wiped},
    {RARITY_KEY_COPIED, key_copied},
    {RARITY_GUARD_KILLED, guard_is_killed},
    {RARITY_GUARD_DETACHED, guard_is_detached},
    {RARITY_LINK_RESET, link_is_reset},
    {RARITY_CUT_TO_COORDINATOR, cut_to_coordinator},
    {RARITY_CUT_TO_AGENT, cut_to_agent},
    {RARITY_PARTITION, partition},
    {RARITY_STALL, stall},
    {RARITY_HALF_OPEN, half_open},
    {RARITY_STORM, storm},
    {RARITY_FRAME_OF_OLD_SESSION, happen_old_frame},
    {RARITY_COMMAND_REPEATED, happen_repeated_command},
    {RARITY_GENERATION_NEWER, happen_newer_generation},
    {RARITY_GRANT_STALE, happen_stale_grant},
    {RARITY_WALL_JUMP, wall_jumps},
    {RARITY_CANCELLED, cancel},
    {RARITY_SUBMIT_REPEATED, client_submit_again},
    {RARITY_DRAINED, drain},
};

size_t faults_happenings(const struct happening **list)
{
    *list = happenings;
    return sizeof happenings / sizeof *happenings;
}

// See faults.h. This file: which kinds are on, and when the next one happens; faults_happen.c and faults_frames.c have what they do.
#include "tests/simulation/faults.h"

#include "tests/simulation/agent_host.h"
#include "tests/simulation/coordinator_host.h"
#include "tests/simulation/faults_inside.h"
#include "tests/simulation/network.h"

// Those that strike where something is done, and how often at the most, in a thousand.
static const struct {
    enum rarity rarity;
    unsigned most;
} strikes[] = {
    {RARITY_PLUGIN_CRASH, 60},       {RARITY_PLUGIN_HANG, 40},         {RARITY_PLUGIN_FAILS, 40},  {RARITY_PROCESS_CRASH, 150},
    {RARITY_PROCESS_LATE_EXIT, 200}, {RARITY_PROCESS_SLOW_START, 200}, {RARITY_CASE_FAILS, 60},    {RARITY_CASE_INCONC, 60},
    {RARITY_OUTPUT_MATCHES, 500},    {RARITY_FAULT_FAILS, 150},        {RARITY_RUN_FAILS, 300},    {RARITY_CASE_TIMEOUT, 40},
    {RARITY_STREAM_DROPPED, 100},    {RARITY_SPAWN_FAILED, 60},        {RARITY_FILE_MISSING, 200}, {RARITY_POWER_AFTER_RESULT, 100},
};
// Until what begins goes well, once everything is up again: sessions are made anew; an instance that was injected takes a slot until its
// lease is over.
#define SETTLE_MS 12000
#define SETTLE_INJECTED_MS 100000
#define STRIKES (sizeof strikes / sizeof *strikes)

struct faults *faults_new(struct world *world)
{
    struct faults *faults = ARENA_NEW(world->arena, struct faults);
    faults->world = world;
    for (size_t i = 0; i < RARITY_COUNT; i++)
        dice_begin(&faults->dice[i], world->seed, rarity_name((enum rarity)i));
    return faults;
}

bool faults_strike(struct world *world, enum rarity rarity)
{
    struct faults *faults = world->faults;
    bool does = !world->is_calm && faults->per_mille[rarity] && dice_chance(&faults->dice[rarity], faults->per_mille[rarity]);
    if (does)
        world_saw(world, rarity);
    return does;
}

static void next_is_due(void *context)
{
    struct faults *faults = context;
    struct world *world = faults->world;
    if (world->is_calm || faults->on_count == 0)
        return;
    faults->on[dice_below(&world->dice.faults, faults->on_count)]->happen(world);
    agenda_set(&world->agenda, &faults->next, world->now_ns + dice_between(&world->dice.faults, faults->pace_ns / 20, faults->pace_ns));
}

// What costs no trial: sessions, the coordinator's process, the agents' processes and guards' sockets come and go, and instances do not
// notice.
static void draw_gentle(struct world *world)
{
    static const enum rarity gentle[] = {RARITY_LINK_RESET,     RARITY_STORM,     RARITY_COORDINATOR_CRASH,   RARITY_AGENT_CRASH,
                                         RARITY_GUARD_DETACHED, RARITY_WALL_JUMP, RARITY_FRAME_OF_OLD_SESSION};
    struct faults *faults = world->faults;
    const struct happening *list;
    size_t count = faults_happenings(&list);
    for (size_t i = 0; i < count; i++)
        for (size_t g = 0; g < sizeof gentle / sizeof *gentle; g++)
            if (list[i].rarity == gentle[g] && dice_chance(&world->dice.faults, 400))
                faults->on[faults->on_count++] = &list[i];
    faults->pace_ns = dice_between(&world->dice.faults, 3000, 12000) * NS_PER_MS;
}

// One world in four has one kind alone; the others have about a third of all.
void faults_draw(struct world *world)
{
    struct faults *faults = world->faults;
    struct dice *dice = &world->dice.faults;
    const struct happening *list;
    size_t count = faults_happenings(&list);
    faults->next = (struct timer){.call = next_is_due, .context = faults};
    if (world->is_gentle) {
        draw_gentle(world);
        agenda_set(&world->agenda, &faults->next, world->now_ns + faults->pace_ns);
        return;
    }
    if (world->may_be_restored)
        faults_plan_restore(world);
    if (dice_chance(dice, 250)) {
        faults->on[faults->on_count++] = &list[dice_below(dice, count)];
    } else {
        unsigned share = (unsigned)dice_between(dice, 100, 500);
        for (size_t i = 0; i < count; i++)
            if (dice_chance(dice, share))
                faults->on[faults->on_count++] = &list[i];
    }
    unsigned share = (unsigned)dice_below(dice, 600);
    for (size_t i = 0; i < STRIKES; i++)
        if (dice_chance(dice, share))
            faults->per_mille[strikes[i].rarity] = (unsigned)dice_between(dice, 1, strikes[i].most);
    faults->pace_ns = dice_between(dice, 200, 8000) * NS_PER_MS;
    agenda_set(&world->agenda, &faults->next, world->now_ns + dice_between(dice, 1, faults->pace_ns));
}

// In a harsh world a frame that was dropped is missing from a connection that stands: only a new one mends it.
void faults_stop(struct world *world)
{
    struct faults *faults = world->faults;
    TRACE(world, "faults", "stop: all is calm");
    world->is_calm = true;
    coordinator_disk_full(world, false);
    coordinator_disk_slow(world, 0);
    coordinator_crash_in(world, 0);
    coordinator_disk_fails(world, false);
    for (size_t i = 0; i < world->agent_count; i++) {
        struct agent_host *agent = world->agents[i];
        network_cut(agent, TO_AGENT, false);
        network_cut(agent, TO_COORDINATOR, false);
        agent_set_disk_full(agent, false);
        agent_set_disk_slow(agent, 0);
        agent_crash_in(agent, 0);
        agent_disk_fails(agent, false);
        struct link *link = network_link_of(agent);
        if (world->is_harsh && link)
            network_reset(link);
    }
    if (faults->copy)
        agent_power_off(faults->copy);
}

uint64_t faults_settle_ns(const struct world *world)
{
    return (world->has_injected ? SETTLE_INJECTED_MS : SETTLE_MS) * NS_PER_MS;
}

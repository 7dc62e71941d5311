// See scenario.h.
#include "tests/simulation/scenario.h"

#include "common/base/limits.h"
#include "tests/simulation/agent_host.h"
#include "tests/simulation/client.h"
#include "tests/simulation/coordinator_host.h"
#include "tests/simulation/faults.h"
#include "tests/simulation/oracle.h"
#include "tests/simulation/world.h"

#define RUNS_MOST 4
#define LOOK_MS 500
// What an experiment of ours may ask for at the most (plugins.c): one trial that is wedged takes its time, the time to wind down, its
// lease.
#define TRIAL_MOST_MS 60000
#define WIND_DOWN_MOST_MS (6 * 2000 + 30000)
#define LEASE_MOST_MS 60000
#define QUEUE_MOST_MS 60000
// A trial of which nothing goes wrong, with the longest case list.
#define TRIAL_USUAL_MS 8000
#define ATTEMPTS_MOST 3
// Time enough for a trial whose processes around it come and go.
#define GENTLE_MS 300000U
// Refused agents come back, sessions are made anew, half-open ones are noticed.
#define SLACK_MS 120000

static const char *const names[] = {"lab-a", "lab-b", "lab-c", "lab-d", "lab-e", "lab-f", "lab-g", "lab-h"};

struct call {
    struct world *world;
    struct agent_host *agent;
};

static void start_agent(void *context)
{
    const struct call *call = context;
    agent_start(call->agent);
}

static void release(void *context)
{
    struct world *world = context;
    if (client_runs(world))
        client_release(world, dice_between(&world->dice.holds, 1, client_runs(world)));
}

static void submit(void *context)
{
    struct world *world = context;
    struct experiment_wish wish = experiment_wish_drawn(&world->dice.shape, world->is_gentle || world->is_calm);
    if (world->is_gentle) {
        wish.trial_ms = wish.queue_ms = GENTLE_MS;
        wish.lease_ms = 0;
        wish.with_file = false;
    }
    experiment_wish_hold(&wish, &world->dice.holds);
    if (wish.hold_on && dice_chance(&world->dice.holds, 500))
        agenda_add(&world->agenda, world->now_ns + dice_below(&world->dice.holds, 60 * NS_PER_S), release, world);
    world->hold_ms = wish.hold_ms > world->hold_ms ? wish.hold_ms : world->hold_ms;
    client_submit(world, &wish);
}

static void draw_hosts(struct world *world)
{
    struct dice *dice = &world->dice.shape;
    size_t agents = (size_t)dice_between(dice, 1, dice_chance(dice, 50) ? 8 : 3);
    coordinator_start(world);
    for (size_t i = 0; i < agents; i++) {
        struct call *call = ARENA_NEW(world->arena, struct call);
        *call = (struct call){world, agent_host_new(world, names[i], (uint32_t)dice_between(dice, 1, 4))};
        agenda_add(&world->agenda, world->now_ns + dice_below(dice, 3 * NS_PER_S), start_agent, call);
    }
}

static uint64_t draw_runs(struct world *world)
{
    struct dice *dice = &world->dice.shape;
    uint64_t last_ns = dice_between(dice, 8, dice_chance(dice, 200) ? 120 : 40) * NS_PER_S;
    size_t runs = (size_t)dice_between(dice, 1, RUNS_MOST);
    for (size_t i = 0; i < runs; i++)
        agenda_add(&world->agenda, world->now_ns + dice_below(dice, last_ns), submit, world);
    return world->now_ns + last_ns;
}

static uint64_t bound_ns(const struct world *world)
{
    uint64_t trials = oracle_cells_open(world) * ATTEMPTS_MOST;
    uint64_t ms = TRIAL_MOST_MS + WIND_DOWN_MOST_MS + (world->is_gentle ? GENTLE_MS : 0U) + LEASE_MOST_MS + KILL_LADDER_MS + QUEUE_MOST_MS +
                  trials * TRIAL_USUAL_MS + oracle_cells_open(world) * world->hold_ms + SLACK_MS;
    return world->now_ns + ms * NS_PER_MS;
}

// True: everything has ended.
static bool run_until_all_ended(struct world *world, uint64_t until_ns)
{
    while (!world->broken_property && world->now_ns < until_ns) {
        world_run_until(world, world->now_ns + LOOK_MS * NS_PER_MS);
        if (oracle_all_has_ended(world))
            return true;
    }
    return false;
}

static bool all_are_up(const struct world *world)
{
    if (!coordinator_is_up(world) || coordinator_is_paused(world))
        return false;
    for (size_t i = 0; i < world->agent_count; i++)
        if (!agent_is_gone(world->agents[i]) && agent_has_been_up_ns(world->agents[i]) == 0)
            return false;
    return true;
}

static void calm(struct world *world)
{
    world->settled_ns = UINT64_MAX;
    faults_stop(world);
    uint64_t until_ns = bound_ns(world);
    while (!all_are_up(world) && !world->broken_property && world->now_ns < until_ns)
        world_run_until(world, world->now_ns + LOOK_MS * NS_PER_MS);
    world->settled_ns = world->now_ns + faults_settle_ns(world);
    world_run_until(world, world->settled_ns);
    submit(world); // and what comes now goes well
    if (!run_until_all_ended(world, until_ns) && !world->broken_property)
        world_fail(world, "P1 every run ends in bounded time", "%.0f s after the last fault there is still %s",
                   (double)(world->now_ns - world->settled_ns) / (double)NS_PER_S, oracle_what_is_left(world));
}

struct world *scenario_run(uint64_t seed, uint64_t *rarities, FILE *trace)
{
    struct world *world = world_new(seed, rarities, trace);
    struct dice *dice = &world->dice.shape;
    world->is_gentle = dice_chance(dice, 150);
    world->is_harsh = !world->is_gentle && dice_chance(dice, 170);
    world->may_be_restored = !world->is_gentle && dice_chance(dice, 100);
    draw_hosts(world);
    uint64_t until_ns = draw_runs(world);
    world_run_until(world, world->now_ns + dice_below(dice, 4 * NS_PER_S));
    if (!dice_chance(dice, 30))
        faults_draw(world);
    world_run_until(world, until_ns);
    if (!world->broken_property)
        calm(world);
    return world;
}

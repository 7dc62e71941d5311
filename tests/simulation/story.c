// See story.h.
#include "tests/simulation/story.h"

#include <string.h>

#include "tests/simulation/agent_host.h"
#include "tests/simulation/client.h"
#include "tests/simulation/coordinator_host.h"
#include "tests/simulation/faults_inside.h"
#include "tests/simulation/host_clock.h"
#include "tests/simulation/network.h"
#include "tests/simulation/oracle.h"
#include "tests/simulation/world.h"

#define STORY_SEED 1
#define END_MOST_S 400

static const struct pace steady = {1000, 1000, 1000, 1000, 20000, 20000};
static const char *const names[] = {"lab-a", "lab-b", "lab-c"};

// ---- how stories are told

#define TELL(...) TRACE(world, "---", __VA_ARGS__)

static void pass_ms(struct world *world, uint64_t ms)
{
    world_run_until(world, world->now_ns + ms * NS_PER_MS);
}

static void begin_with(struct world *world, size_t agents, uint32_t slots)
{
    world->pace = steady;
    coordinator_start(world);
    for (size_t i = 0; i < agents; i++) {
        struct agent_host *agent = agent_host_new(world, names[i], slots);
        agent_clock(agent)->drift_ppm = 0;
        agent_start(agent);
        pass_ms(world, 100);
    }
    pass_ms(world, 900);
}

static void begin(struct world *world, size_t agents)
{
    begin_with(world, agents, 2);
}

static void submit(struct world *world, uint32_t cells, uint32_t cases, uint32_t retries)
{
    struct experiment_wish wish = {.cells = cells, .cases = cases, .retries = retries, .retries_all = true};
    client_submit(world, &wish);
}

static void end(struct world *world)
{
    for (uint64_t i = 0; i < 2 * END_MOST_S && !world->broken_property; i++) {
        pass_ms(world, 500);
        if (oracle_all_has_ended(world))
            return;
    }
    if (!world->broken_property)
        world_fail(world, "a story ends", "there is still %s", oracle_what_is_left(world));
}

// ---- stories

static void join(struct world *world)
{
    world->trace.with_heartbeats = true;
    begin(world, 1);
    TELL("the coordinator asked for the descriptions that it did not know, once; heartbeats follow each second");
    pass_ms(world, 2000);
}

static void trial_passes(struct world *world)
{
    begin(world, 2);
    TELL("a server on one host, a tester with two cases on the other");
    submit(world, 1, 2, 0);
    end(world);
}

static void lease_lost(struct world *world)
{
    begin(world, 2);
    struct experiment_wish wish = {.cells = 1, .cases = 40, .lease_ms = 15000};
    client_submit(world, &wish);
    pass_ms(world, 400);
    TELL("the cables of lab-a are pulled: its guard works on until its lease is over, and ends itself");
    network_cut(world->agents[0], TO_AGENT, true);
    network_cut(world->agents[0], TO_COORDINATOR, true);
    pass_ms(world, 40000);
    TELL("and come back");
    network_cut(world->agents[0], TO_AGENT, false);
    network_cut(world->agents[0], TO_COORDINATOR, false);
    end(world);
}

static void agent_readopts(struct world *world)
{
    begin(world, 1);
    submit(world, 1, 12, 0);
    pass_ms(world, 300);
    TELL("the agent is killed; its guards work on");
    agent_downtime(world->agents[0], 2000);
    agent_crash(world->agents[0], "is killed");
    end(world);
}

static void coordinator_restarts(struct world *world)
{
    begin(world, 1);
    submit(world, 1, 12, 0);
    pass_ms(world, 300);
    TELL("the coordinator is killed; what it committed is replayed");
    coordinator_downtime(world, 2000);
    coordinator_crash(world, "is killed");
    end(world);
}

static void cancel(struct world *world)
{
    begin(world, 1);
    submit(world, 3, 30, 0);
    pass_ms(world, 300);
    client_cancel(world, 1);
    end(world);
}

static void drain(struct world *world)
{
    begin(world, 2);
    submit(world, 1, 8, 0);
    pass_ms(world, 250);
    client_drain(world, "lab-a", false);
    TELL("what runs on lab-a goes on to its end; the next run is placed on lab-b alone");
    pass_ms(world, 100);
    submit(world, 1, 1, 0);
    end(world);
    client_drain(world, "lab-a", true);
    pass_ms(world, 100);
    TELL("and now on both again");
    submit(world, 1, 1, 0);
    end(world);
}

static void duplicate_command(struct world *world)
{
    begin(world, 1);
    submit(world, 1, 6, 0);
    pass_ms(world, 250);
    TELL("commands that were taken come again, while the instance lives");
    happen_repeated_command(world);
    end(world);
    TELL("and once more, when it is only a tombstone");
    happen_repeated_command(world);
    pass_ms(world, 1000);
}

static void partition_heals(struct world *world)
{
    begin(world, 1);
    submit(world, 1, 12, 0);
    pass_ms(world, 300);
    TELL("both directions are cut for four seconds: what was sent is held, nobody gives up");
    network_cut(world->agents[0], TO_AGENT, true);
    network_cut(world->agents[0], TO_COORDINATOR, true);
    pass_ms(world, 4000);
    network_cut(world->agents[0], TO_AGENT, false);
    network_cut(world->agents[0], TO_COORDINATOR, false);
    end(world);
}

static void disk_full(struct world *world)
{
    begin(world, 1);
    submit(world, 1, 6, 0);
    pass_ms(world, 250);
    TELL("the coordinator's disk is full: what was decided waits, nothing new is admitted, leases go on");
    coordinator_disk_full(world, true);
    pass_ms(world, 500);
    submit(world, 1, 1, 0);
    pass_ms(world, 4000);
    TELL("and has room again");
    coordinator_disk_full(world, false);
    end(world);
}

static void storm(struct world *world)
{
    begin(world, 3);
    submit(world, 3, 2, 0);
    pass_ms(world, 200);
    TELL("every connection is reset at once");
    for (size_t i = 0; i < world->agent_count; i++)
        network_reset(network_link_of(world->agents[i]));
    end(world);
}

static void fenced_session(struct world *world)
{
    begin(world, 1);
    submit(world, 1, 6, 0);
    pass_ms(world, 250);
    TELL("the agent's end of the connection is gone, and the coordinator was not told");
    struct link *link = network_link_of(world->agents[0]);
    network_vanish(link, TO_COORDINATOR);
    agent_link_lost(world->agents[0], link, "no route to host");
    end(world);
}

static void timeline(struct world *world)
{
    begin(world, 2);
    TELL("half a second after all are ready the server is killed, which is no crash; a command runs beside it; it is made again;");
    TELL("a pause of 300 ms, and a case behind it; the output is watched from the kill to the end of the case");
    struct experiment_wish wish = {.cells = 1, .cases = 1, .asserts_exit = true};
    wish.timeline = (struct wished_timeline){
        .entries = {{.deed = WISHED_KILL, .plus_ms = 500},
                    {.deed = WISHED_RUN},
                    {.deed = WISHED_RESTART},
                    {.deed = WISHED_PAUSE, .for_ms = 300},
                    {.deed = WISHED_CASE}},
        .count = 5,
        .watches_first = true,
    };
    client_submit(world, &wish);
    end(world);
}

static void setups(struct world *world)
{
    begin_with(world, 1, 4);
    TELL("in a network: a case as things are, one that wants a profile of the server, one that wants it fresh, one with a delay,");
    TELL("and one that executes the client before");
    client_submit(world, &(struct experiment_wish){.cells = 1,
                                                   .cases = 1,
                                                   .with_client = true,
                                                   .case_retry = true,
                                                   .case_fresh = true,
                                                   .case_slow = true,
                                                   .case_call = true,
                                                   .network = WISHED_EMULATED});
    end(world);
}

static const struct {
    const char *name;
    void (*tell)(struct world *world);
} stories[] = {
    {"join", join},
    {"trial-passes", trial_passes},
    {"lease-lost", lease_lost},
    {"agent-readopts", agent_readopts},
    {"coordinator-restarts", coordinator_restarts},
    {"cancel", cancel},
    {"drain", drain},
    {"duplicate-command", duplicate_command},
    {"partition-heals", partition_heals},
    {"disk-full", disk_full},
    {"storm", storm},
    {"fenced-session", fenced_session},
    {"timeline", timeline},
    {"setups", setups},
};
#define STORIES (sizeof stories / sizeof *stories)

static void list(void)
{
    for (size_t i = 0; i < STORIES; i++)
        puts(stories[i].name);
}

struct world *story_run(const char *name, uint64_t *rarities, FILE *trace)
{
    for (size_t i = 0; i < STORIES; i++) {
        if (strcmp(stories[i].name, name) != 0)
            continue;
        struct world *world = world_new(STORY_SEED, rarities, trace);
        stories[i].tell(world);
        return world;
    }
    list();
    return NULL;
}

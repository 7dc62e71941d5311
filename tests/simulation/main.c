// panther-sim: runs simulated labs, one per seed, until a promise breaks. See --help and README.md.
#include <stdio.h>

#include "tests/simulation/agent_host.h"
#include "tests/simulation/client.h"
#include "tests/simulation/coordinator_host.h"
#include "tests/simulation/oracle.h"
#include "tests/simulation/world.h"

int main(int argc, char **argv)
{
    static uint64_t rarities[RARITY_COUNT];
    struct world *world = world_new(argc > 1 ? (uint64_t)atoi(argv[1]) : 1, rarities, stdout);
    agent_host_new(world, "lab-a", 2);
    coordinator_start(world);
    agent_start(world->agents[0]);
    world_run_until(world, world->now_ns + 2 * NS_PER_S);
    struct experiment_wish wish = {.cells = 1, .cases = 2};
    client_submit(world, &wish);
    for (int i = 0; i < 600 && !world->broken_property; i++) {
        world_run_until(world, world->now_ns + 100 * NS_PER_MS);
        if (i > 3 && oracle_all_has_ended(world))
            break;
    }
    const char *left = oracle_what_is_left(world);
    printf("left: %s\n", left ? left : "nothing");
    if (world->broken_property)
        printf("%s: %s\n", world->broken_property, world->broken_text);
    world_free(&world);
    return 0;
}

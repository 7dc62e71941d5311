// See world.h.
#include "tests/simulation/world.h"

#include <stdarg.h>

#include "tests/simulation/agent_host.h"
#include "tests/simulation/client.h"
#include "tests/simulation/coordinator_host.h"
#include "tests/simulation/faults.h"
#include "tests/simulation/network.h"
#include "tests/simulation/oracle.h"

#define BEGIN_NS (1000 * NS_PER_S)
// How often everything that lives is looked at.
#define LOOK_NS (500 * NS_PER_MS)

static const struct pace usual = {100, 3000, 300, 6000, 500, 80000};

static void look_again(void *context)
{
    struct world *world = context;
    oracle_look(world);
    agenda_add(&world->agenda, world->now_ns + LOOK_NS, look_again, world);
}

struct world *world_new(uint64_t seed, uint64_t *rarities, FILE *trace)
{
    struct world *world = NEW(struct world);
    world->seed = seed;
    world->now_ns = BEGIN_NS;
    world->arena = arena_new(0);
    world->scratch = arena_new(0);
    world->rarities = rarities;
    world->pace = usual;
    trace_begin(&world->trace, trace, BEGIN_NS);
    dice_begin(&world->dice.shape, seed, "shape");
    dice_begin(&world->dice.faults, seed, "faults");
    dice_begin(&world->dice.network, seed, "network");
    dice_begin(&world->dice.disk, seed, "disk");
    dice_begin(&world->dice.work, seed, "work");
    dice_begin(&world->dice.ids, seed, "ids");
    dice_begin(&world->dice.holds, seed, "holds");
    world->oracle = oracle_new(world);
    world->network = network_new(world);
    world->coordinator = coordinator_host_new(world);
    world->client = client_new(world);
    world->faults = faults_new(world);
    agenda_add(&world->agenda, world->now_ns, look_again, world);
    return world;
}

void world_free(struct world **address)
{
    struct world *world = *address;
    coordinator_host_free(&world->coordinator);
    for (size_t i = 0; i < world->agent_count; i++)
        agent_host_free(&world->agents[i]);
    network_free(&world->network);
    oracle_free(&world->oracle);
    agenda_end(&world->agenda);
    trace_end(&world->trace);
    arena_free(&world->scratch);
    arena_free(&world->arena);
    free(world);
    *address = NULL;
}

void world_run_until(struct world *world, uint64_t until_ns)
{
    struct agenda_entry entry;
    while (!world->broken_property && world->agenda.count > 0 && world->agenda.heap[0].when_ns <= until_ns &&
           agenda_take(&world->agenda, &entry)) {
        world->now_ns = entry.when_ns > world->now_ns ? entry.when_ns : world->now_ns; // what is overdue is due now
        entry.call(entry.context);
        arena_reset(world->scratch);
    }
    if (!world->broken_property && world->now_ns < until_ns)
        world->now_ns = until_ns;
}

void world_fail(struct world *world, const char *property, const char *format, ...)
{
    if (world->broken_property)
        return;
    char text[4096];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    world->broken_property = property;
    world->broken_text = arena_string(world->arena, text);
    TRACE(world, "oracle", "BROKEN: %s: %s", property, text);
}

void world_saw(struct world *world, enum rarity rarity)
{
    world->rarities[rarity]++;
}

uint64_t world_delay_ns(struct dice *dice, uint32_t least_us, uint32_t most_us)
{
    return dice_between(dice, least_us, most_us < least_us ? least_us : most_us) * NS_PER_US;
}

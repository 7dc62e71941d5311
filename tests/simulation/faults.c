// See faults.h. This file: which kinds are on; faults_happen.c has what they do.
#include "tests/simulation/faults.h"

#include "tests/simulation/faults_inside.h"

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
    bool strikes = !world->is_calm && faults->per_mille[rarity] && dice_chance(&faults->dice[rarity], faults->per_mille[rarity]);
    if (strikes)
        world_saw(world, rarity);
    return strikes;
}

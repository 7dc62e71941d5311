// See dice.h. splitmix64: small, and any seed is a good one.
#include "tests/simulation/dice.h"

void dice_begin(struct dice *dice, uint64_t seed, const char *stream)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325); // FNV-1a of the stream's name
    for (const char *c = stream; *c; c++)
        hash = (hash ^ (uint8_t)*c) * UINT64_C(0x100000001b3);
    dice->state = hash ^ (seed * UINT64_C(0x9e3779b97f4a7c15));
    dice_roll(dice);
}

uint64_t dice_roll(struct dice *dice)
{
    uint64_t z = dice->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t dice_below(struct dice *dice, uint64_t below)
{
    return dice_roll(dice) % below;
}

uint64_t dice_between(struct dice *dice, uint64_t least, uint64_t greatest)
{
    return least + dice_below(dice, greatest - least + 1);
}

bool dice_chance(struct dice *dice, unsigned per_mille)
{
    return dice_below(dice, 1000) < per_mille;
}

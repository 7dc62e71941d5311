// The simulation's only source of chance. One seed makes many independent streams, one per purpose, so that a change in what one of them is
// asked for does not shift the others. Used by every part of tests/simulation.
#ifndef PANTHER_TESTS_SIMULATION_DICE_H
#define PANTHER_TESTS_SIMULATION_DICE_H

#include <stdbool.h>
#include <stdint.h>

struct dice {
    uint64_t state;
};

void dice_begin(struct dice *dice, uint64_t seed, const char *stream);
uint64_t dice_roll(struct dice *dice);
uint64_t dice_below(struct dice *dice, uint64_t below);                      // 0 .. below - 1
uint64_t dice_between(struct dice *dice, uint64_t least, uint64_t greatest); // both may come
bool dice_chance(struct dice *dice, unsigned per_mille);

#endif

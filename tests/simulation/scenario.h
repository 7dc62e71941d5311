// One seed: a lab is drawn, lives through its faults, and then through a calm in which everything has to end.
#ifndef PANTHER_TESTS_SIMULATION_SCENARIO_H
#define PANTHER_TESTS_SIMULATION_SCENARIO_H

#include <stdint.h>
#include <stdio.h>

struct world;

// The world as it ended; `broken_property` says whether a promise broke.
struct world *scenario_run(uint64_t seed, uint64_t *rarities, FILE *trace);

#endif

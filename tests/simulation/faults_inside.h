// Shared by faults*.c only.
#ifndef PANTHER_TESTS_SIMULATION_FAULTS_INSIDE_H
#define PANTHER_TESTS_SIMULATION_FAULTS_INSIDE_H

#include "tests/simulation/dice.h"
#include "tests/simulation/faults.h"
#include "tests/simulation/world.h"

struct faults {
    struct world *world;
    struct dice dice[RARITY_COUNT];
    unsigned per_mille[RARITY_COUNT]; // of those that strike where something is done
};

#endif

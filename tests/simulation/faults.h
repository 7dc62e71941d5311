// What goes wrong, when and how often. Each seed draws which kinds of fault it has and how hard (so that some worlds have one kind alone),
// and each kind has a dice of its own.
#ifndef PANTHER_TESTS_SIMULATION_FAULTS_H
#define PANTHER_TESTS_SIMULATION_FAULTS_H

#include <stdbool.h>

#include "tests/simulation/rarities.h"

struct world;

struct faults *faults_new(struct world *world);              // none are on
void faults_draw(struct world *world);                       // as the seed wants them, from now on
void faults_stop(struct world *world);                       // everything heals
uint64_t faults_settle_ns(const struct world *world);        // after that what begins goes well, when every host is up
bool faults_strike(struct world *world, enum rarity rarity); // does this one happen here? Counted when it does.

#endif

// The canonical stories: one thing each, at a steady pace, so that their traces read as documentation. golden/ holds them.
#ifndef PANTHER_TESTS_SIMULATION_STORY_H
#define PANTHER_TESTS_SIMULATION_STORY_H

#include <stdint.h>
#include <stdio.h>

struct world;

// NULL: there is no such story; "list" writes their names.
struct world *story_run(const char *name, uint64_t *rarities, FILE *trace);

#endif

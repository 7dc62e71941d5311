// From a resolved test to the plan of one cell.
#ifndef PANTHER_COORDINATOR_EXPERIMENT_CELLS_H
#define PANTHER_COORDINATOR_EXPERIMENT_CELLS_H

#include "coordinator/experiment/experiment.h"

// repetition counts from 1. What no axis changes is borrowed from the test.
Pb__CellPlan *cells_plan(const Pb__Test *test, uint64_t combination, uint32_t repetition, struct arena *arena);
// Parts of it, for checks that look at one service or assertion in many combinations.
Pb__ServicePlan *cells_service(const Pb__Test *test, size_t service, uint64_t combination, uint32_t repetition, struct arena *arena);
Pb__Assertion *cells_assertion(const Pb__Test *test, size_t assertion, uint64_t combination, uint32_t repetition, struct arena *arena);
Pb__Network *cells_network(const Pb__Test *test, uint64_t combination, uint32_t repetition, struct arena *arena);
Pb__ExecutionEnvironment *cells_environment(const Pb__Test *test, size_t environment, uint64_t combination, uint32_t repetition,
                                            struct arena *arena); // not yet normalised
Pb__TimelineEntry *cells_entry(const Pb__Test *test, size_t entry, uint64_t combination, uint32_t repetition, struct arena *arena);
char *cells_protocol_version(const Pb__Test *test, uint64_t combination, struct arena *arena);
// A number that the cell draws, as good as random and always the same.
uint64_t cells_lot(const Pb__Test *test, uint64_t index);
uint64_t cells_seed(const Pb__Test *test, uint64_t combination, uint32_t repetition);

#endif

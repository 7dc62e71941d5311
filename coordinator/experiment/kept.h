// `exclude`, `include` and `cover` of a test: which combinations of its axes run.
#ifndef PANTHER_COORDINATOR_EXPERIMENT_KEPT_H
#define PANTHER_COORDINATOR_EXPERIMENT_KEPT_H

#include "coordinator/experiment/scope.h"

// Fills test->kept and counts test->combinations; `combinations_left`: how many may still be looked at, of all tests together.
void kept_read(const struct document *document, const struct value *test_map, Pb__Test *test, size_t *combinations_left);

#endif

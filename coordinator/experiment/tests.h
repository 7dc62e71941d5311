// One entry of `tests:`: its own keys, and the parts in their order.
#ifndef PANTHER_COORDINATOR_EXPERIMENT_TESTS_H
#define PANTHER_COORDINATOR_EXPERIMENT_TESTS_H

#include "coordinator/experiment/document.h"
#include "coordinator/experiment/experiment.h"

// Reads `tests:` into experiment->tests; files are known by now.
void tests_read(const struct document *document, const struct experiment_plugins *plugins, const struct value *tests,
                Pb__Experiment *experiment);

#endif

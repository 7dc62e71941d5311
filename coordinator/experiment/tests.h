// One entry of `tests:`: its own keys, and the parts in their order.
#ifndef PANTHER_COORDINATOR_EXPERIMENT_TESTS_H
#define PANTHER_COORDINATOR_EXPERIMENT_TESTS_H

#include "coordinator/experiment/document.h"
#include "coordinator/experiment/experiment.h"

extern const struct document_key tests_keys[], tests_protocol_keys[];

// Reads `tests:` into experiment->tests, each on top of `defaults` (NULL: none); files are known by now.
void tests_read(const struct document *document, const struct experiment_plugins *plugins, const struct value *tests,
                const struct value *defaults, Pb__Experiment *experiment);

#endif

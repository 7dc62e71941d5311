// `only:` of an experiment, which `submit --only` writes: the part of it that runs this time.
#ifndef PANTHER_COORDINATOR_EXPERIMENT_ONLY_H
#define PANTHER_COORDINATOR_EXPERIMENT_ONLY_H

#include "coordinator/experiment/scope.h"

// What does not run is checked all the same, so this comes when the tests are read: combinations, cases and whole tests are taken out.
void only_apply(const struct document *document, const struct value *only, Pb__Experiment *experiment);

#endif

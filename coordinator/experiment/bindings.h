// Services meet their plugins: kind, protocol, role, version, drives, cases and options, for the combinations of the axes.
#ifndef PANTHER_COORDINATOR_EXPERIMENT_BINDINGS_H
#define PANTHER_COORDINATOR_EXPERIMENT_BINDINGS_H

#include "coordinator/experiment/scope.h"

// Reports what does not fit, in every combination (up to EXPERIMENT_CHECKED_COMBINATIONS; beyond, one axis at a time).
// protocol: where the test names it.
void bindings_check(struct scope *scope, const struct value *protocol);

#endif

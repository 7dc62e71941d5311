// Which combinations of a test have to be looked at before all of them can be believed.
#ifndef PANTHER_COORDINATOR_EXPERIMENT_COMBINATIONS_H
#define PANTHER_COORDINATOR_EXPERIMENT_COMBINATIONS_H

#include "coordinator/experiment/scope.h"

// Checks each service and assertion in every combination of the axes that it mentions; where these are more than
// EXPERIMENT_CHECKED_COMBINATIONS, with one axis at a time. protocol: where the test names it.
void combinations_check(struct scope *scope, const struct value *protocol);

#endif

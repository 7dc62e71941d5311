// What a file leaves to the plugins: the protocol's version, the only role a plugin has, all cases.
#ifndef PANTHER_COORDINATOR_EXPERIMENT_DEFAULTS_H
#define PANTHER_COORDINATOR_EXPERIMENT_DEFAULTS_H

#include "coordinator/experiment/scope.h"

// Fills it in, and refuses cases that a tester does not have; before bindings_check.
void defaults_fill(struct scope *scope);

#endif

// A service meets its plugin: kind, protocol, role, version, drives and options.
#ifndef PANTHER_COORDINATOR_EXPERIMENT_BINDINGS_H
#define PANTHER_COORDINATOR_EXPERIMENT_BINDINGS_H

#include "coordinator/experiment/scope.h"

// Reports what does not fit in one combination. arena: for what is not kept.
void bindings_check(struct scope *scope, size_t service, uint64_t combination, uint32_t repetition, struct arena *arena);

#endif

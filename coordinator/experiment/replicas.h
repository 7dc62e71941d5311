// `replicas: N` of a service: N services NAME-1 ... NAME-N of the same template.
#ifndef PANTHER_COORDINATOR_EXPERIMENT_REPLICAS_H
#define PANTHER_COORDINATOR_EXPERIMENT_REPLICAS_H

#include "coordinator/experiment/scope.h"

void replicas_read(struct scope *scope, const char *name, const struct value *place, const struct value *replicas);
// What the test says of a service with replicas holds for each of them from here on. The last that is done to a test: all of it was read
// and checked with one service in their place.
void replicas_expand(struct scope *scope);

#endif

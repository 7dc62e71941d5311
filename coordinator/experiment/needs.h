// Which services must be ready before another starts: as written, and as follows from what it drives and refers to.
#ifndef PANTHER_COORDINATOR_EXPERIMENT_NEEDS_H
#define PANTHER_COORDINATOR_EXPERIMENT_NEEDS_H

#include "coordinator/experiment/scope.h"

void needs_add(struct scope *scope, Pb__ServiceTemplate *service, const char *name); // once; service->needs has room for all services
// Adds driven services and those that options refer to, and refuses needs that go in a circle.
void needs_complete(struct scope *scope);

#endif

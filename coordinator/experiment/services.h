// The services of a test as the file has them; whether their plugins fit is bindings.h.
#ifndef PANTHER_COORDINATOR_EXPERIMENT_SERVICES_H
#define PANTHER_COORDINATOR_EXPERIMENT_SERVICES_H

#include "coordinator/experiment/scope.h"

extern const struct document_key services_keys[];

// Reads scope->services into scope->test->services, in the file's order. A service that is broken is there with what could be
// read, so that what refers to it is not reported too.
void services_read(struct scope *scope);

#endif

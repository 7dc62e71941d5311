// `assertions:` of a test: what must hold beside the cases' own verdicts.
#ifndef PANTHER_COORDINATOR_EXPERIMENT_ASSERTIONS_H
#define PANTHER_COORDINATOR_EXPERIMENT_ASSERTIONS_H

#include "coordinator/experiment/scope.h"

void assertions_read(struct scope *scope, const struct value *assertions); // into scope->test; services are known
// With the axes of a combination put in: patterns that can no longer be used.
void assertions_check(const struct document *document, Pb__Assertion *const *assertions, size_t count);

#endif

// `assertions:` of a test: what must hold beside the cases' own verdicts.
#ifndef PANTHER_COORDINATOR_EXPERIMENT_ASSERTIONS_H
#define PANTHER_COORDINATOR_EXPERIMENT_ASSERTIONS_H

#include "coordinator/experiment/scope.h"

extern const struct document_key assertions_keys[], assertions_output_keys[];

void assertions_read(struct scope *scope, const struct value *assertions); // into scope->test; services and timeline are known
// An output assertion with the axes of a combination put in: its pattern may no longer be usable.
void assertions_check(const struct document *document, const Pb__Assertion *assertion);

#endif

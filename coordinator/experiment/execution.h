// `execution_environment` of a test: what programs are started under. The types and their options: common/schema/environments.h.
#ifndef PANTHER_COORDINATOR_EXPERIMENT_EXECUTION_H
#define PANTHER_COORDINATOR_EXPERIMENT_EXECUTION_H

#include "coordinator/experiment/scope.h"

extern const struct document_key execution_keys[]; // without the options of the types

void execution_read(struct scope *scope, const struct value *list); // into scope->test; services are known
// With the axes of a combination put in.
void execution_check(const struct document *document, const Pb__ExecutionEnvironment *environment, struct arena *arena);
// The one spelling of each value, once nothing is open any more; what was checked cannot fail.
Pb__ExecutionEnvironment *execution_normalised(const Pb__ExecutionEnvironment *environment, struct arena *arena);

#endif

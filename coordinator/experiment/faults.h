// A `fault` of the timeline: its kind, what belongs to it, and what a partition means for links.
#ifndef PANTHER_COORDINATOR_EXPERIMENT_FAULTS_H
#define PANTHER_COORDINATOR_EXPERIMENT_FAULTS_H

#include "coordinator/experiment/scope.h"

extern const char *const faults_kinds[], *const faults_signals[], *const faults_clocks[];

bool faults_are_of_network(const char *kind);
// The fault of a map `{fault: KIND, ...}`; NULL after a mistake. `keys`: of a whole entry.
Pb__Fault *faults_read(struct scope *scope, const struct value *map, const struct document_key *keys);

#endif

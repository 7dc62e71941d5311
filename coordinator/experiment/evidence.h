// Assertions about what a trial leaves behind: its capture, files of services, findings. Read by assertions.c.
#ifndef PANTHER_COORDINATOR_EXPERIMENT_EVIDENCE_H
#define PANTHER_COORDINATOR_EXPERIMENT_EVIDENCE_H

#include "coordinator/experiment/scope.h"

extern const char *const evidence_states[];
extern const struct document_key evidence_artifact_keys[], evidence_finding_keys[];

void evidence_read_capture(const struct document *document, const struct value *value, Pb__Assertion *assertion);
void evidence_read_artifact(const struct document *document, const struct value *value, Pb__Assertion *assertion);
void evidence_read_finding(const struct document *document, const struct value *value, Pb__Assertion *assertion);

#endif

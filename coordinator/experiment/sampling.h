// Which cells that pass keep their captures and artifacts: `evidence: {passed: 1 in 10}` of a test, or the coordinator's own rule.
#ifndef PANTHER_COORDINATOR_EXPERIMENT_SAMPLING_H
#define PANTHER_COORDINATOR_EXPERIMENT_SAMPLING_H

#include "coordinator/experiment/document.h"
#include "panther/v1/experiment.pb-c.h"

extern const struct document_key sampling_keys[];

// "all", "none" or "1 in N": one in so many; none is 0. false: it is nothing of that.
bool sampling_parse(const char *text, uint32_t *one_in);
void sampling_read(const struct document *document, const struct value *evidence, Pb__Test *test);
// By the cell's seed and place alone: the same experiment keeps the same cells.
bool sampling_keeps(const Pb__Test *test, uint64_t cell, uint32_t one_in);

#endif

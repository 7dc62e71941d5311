// How often, how long, and whether again: `repeat`, `timeouts`, `retry` of a test.
#ifndef PANTHER_COORDINATOR_EXPERIMENT_RULES_H
#define PANTHER_COORDINATOR_EXPERIMENT_RULES_H

#include "coordinator/experiment/document.h"
#include "panther/v1/experiment.pb-c.h"

extern const struct document_key rules_repeat_keys[], rules_seed_keys[], rules_timeout_keys[], rules_retry_keys[];

// Each takes NULL for what the file does not say, and gives the defaults.
void rules_read_repeat(const struct document *document, const struct value *repeat, Pb__Test *test);
Pb__Timeouts *rules_read_timeouts(const struct document *document, const struct value *timeouts);
Pb__RetryRule *rules_read_retry(const struct document *document, const struct value *retry);

#endif

// What a run is held against when it has ended: `baseline` of an experiment; `expect`, `cases` and `no_worse_than` of a test.
#ifndef PANTHER_COORDINATOR_EXPERIMENT_GATES_H
#define PANTHER_COORDINATOR_EXPERIMENT_GATES_H

#include "coordinator/experiment/scope.h"

extern const char *const gates_against[]; // what may stand behind no_worse_than
extern const struct document_key gates_baseline_keys[], gates_expect_keys[], gates_cases_keys[];

void gates_read_baseline(const struct document *document, const struct value *baseline, Pb__Experiment *experiment);
// Of one test, whose services are known.
void gates_read(struct scope *scope, const struct value *test_map);
// `{metric: S.NAME, no_worse_than: baseline, by: 5%}` among the assertions: it is no assertion of a trial, but of the run.
void gates_read_metric(struct scope *scope, const struct value *map, const char *service);
// What needs all of the file: a baseline for those who want one, and somebody who wants it.
void gates_check(const struct document *document, const struct value *root, Pb__Experiment *experiment);

#endif

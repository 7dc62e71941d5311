// Gates: a run whose last cell has ended, held against its experiment's known failures and against an earlier run. Pure; the coordinator's
// shell gathers the tables, and what comes out is in the record of the run's end.
#ifndef PANTHER_COORDINATOR_REPORT_GATES_H
#define PANTHER_COORDINATOR_REPORT_GATES_H

#include "coordinator/report/run_report.h"
#include "panther/v1/journal.pb-c.h"

// The row of the baseline in the table of all runs, of those before `run`. False: there is none; why says so (static).
bool gates_find_baseline(const Pb__Experiment *experiment, uint64_t run, const struct table *runs, size_t *row, const char **why);
// baseline: NULL where there is none, and `missing` says why. The result lives in the arena.
Pb__RunGates *gates_judge(const Pb__Experiment *experiment, const struct run_report *run, const struct run_report *baseline,
                          const char *missing, struct arena *arena);
// What a run that could not be judged has instead.
Pb__RunGates *gates_undecided(int verdict, int reason, const char *text, struct arena *arena);

// "branch=main night=7" has the word.
bool run_has_label(const char *labels, const char *name_and_value);

#endif

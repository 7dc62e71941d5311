// The parts of a submission as JSON, for the table that says what a run was made of. query.c calls it.
#ifndef PANTHER_COORDINATOR_STORE_SUBMISSION_TEXT_H
#define PANTHER_COORDINATOR_STORE_SUBMISSION_TEXT_H

#include "common/base/memory.h"
#include "panther/v1/journal.pb-c.h"

void submission_files(const Pb__Experiment *experiment, struct text *out); // [{"name": ..., "path": ..., "hash": ..., "folder": ...}]
void submission_overrides(const Pb__RunAccepted *run, struct text *out);   // [["tests.load.repeat.times", "5"]]
void submission_labels(const Pb__RunAccepted *run, struct text *out);      // [["branch", "main"]]
void submission_cells(const Pb__Rerun *rerun, struct text *out);           // ["load/nginx,20ms/2"]; of NULL none

#endif

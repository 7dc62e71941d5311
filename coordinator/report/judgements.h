// Everything in a run that has a verdict: its cells, and the cases and assertions of their last attempts. `compare` and the gates look at
// it.
#ifndef PANTHER_COORDINATOR_REPORT_JUDGEMENTS_H
#define PANTHER_COORDINATOR_REPORT_JUDGEMENTS_H

#include "coordinator/report/run_report.h"

enum judged_kind { JUDGED_CELL, JUDGED_CASE, JUDGED_ASSERTION };

// All texts are the report's.
struct judgement {
    enum judged_kind kind;
    const char *cell, *test, *combination;
    const char *service, *name; // of the case; of the assertion: its text; of the cell: empty
    const char *verdict, *reason, *text;
};
struct judgements {
    struct judgement *items; // a cell, then what is of it
    size_t count, capacity;
};
void judgements_gather(const struct run_report *report, struct judgements *judgements);
void judgements_free(struct judgements *judgements);
// "load.throughput", "assert load.ratio >= 0.99"; "" of a cell.
char *judgement_part(const struct judgement *judgement);
bool judgement_is(const struct judgement *judgement, const char *verdict);

#endif

// A run for those who were not there: everything that was measured and judged, as one document. `report` gathers the tables and prints.
#ifndef PANTHER_COORDINATOR_REPORT_RUN_REPORT_H
#define PANTHER_COORDINATOR_REPORT_RUN_REPORT_H

#include "common/base/memory.h"
#include "coordinator/report/row_index.h"
#include "coordinator/report/table.h"

// The tables of the store, as they are; the run's has one row. All are there; trials lie in the order of their attempts.
struct run_report {
    struct table *run, *cells, *trials, *cases, *metrics, *assertions, *findings, *streams, *artifacts;
    struct table *gates; // no rows in a bundle
    struct table *notes; // NULL before run_report_index: there are none
    struct table *hosts; // report_hosts.h; as notes
    // by name of the cell or the trial
    struct row_index *trials_of, *cases_of, *metrics_of, *assertions_of, *streams_of, *artifacts_of;
    struct text throughput; // SVG, of captures; a page has it
    size_t captures_left_out;
    // Where evidence was written to, relative to the document; NULL: nowhere, links are commands.
    const char *evidence;
};
void run_report_index(struct run_report *report); // once the tables are there
void run_report_free(struct run_report *report);

const char *run_report_text(const struct table *table, size_t row, const char *column); // "" instead of NULL
// The last attempt at a cell: its row among the trials. False: none has begun.
bool run_report_last_trial(const struct run_report *report, const char *cell, size_t *row);
// "nginx,20ms/2" of "r142/load/nginx,20ms/2".
const char *run_report_short_name(const char *full_name);
// "running" for what has no verdict yet.
const char *run_report_verdict(const struct table *table, size_t row);

// A combination of a test of which some repetitions passed and some failed; what came to no verdict of its own counts as neither.
struct report_flaky {
    const char *test, *combination;
    size_t passed, failed;
};
// All of them in the order of the cells; the caller frees the list.
struct report_flaky *run_report_flaky(const struct run_report *report, size_t *count);

// Is the row of the table of gates a gate? Else it is one of its findings.
bool run_report_is_gate(const struct run_report *report, size_t row);

// The documents, each whole.
void run_report_junit(const struct run_report *report, struct text *out);
void run_report_tap(const struct run_report *report, struct text *out);
void run_report_csv(const struct run_report *report, struct text *out);
void run_report_markdown(const struct run_report *report, struct text *out);
void run_report_table(const struct run_report *report, struct text *out);
void run_report_json(const struct run_report *report, struct text *out);  // one object
void run_report_jsonl(const struct run_report *report, struct text *out); // an object a row, "table" says of which
void run_report_html(const struct run_report *report, struct text *out);

#endif

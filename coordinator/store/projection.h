// From a record to rows: one function per kind of record, behind a table. Called inside the transaction that writes the record to
// the journal, and by a rebuild; the rows depend on the records alone.
#ifndef PANTHER_COORDINATOR_STORE_PROJECTION_H
#define PANTHER_COORDINATOR_STORE_PROJECTION_H

#include <stdbool.h>

#include "common/database/database.h"
#include "panther/v1/journal.pb-c.h"

// Trials whose run is remembered: what is live at one time, mostly. A slot is overwritten, never wrong.
#define TRIALS_REMEMBERED 1024

struct projection {
    struct database *database;
    struct {
        uint64_t trial, run;
    } remembered[TRIALS_REMEMBERED];
    // of the record that is being applied
    uint64_t sequence, run, trial, instance;
    int64_t wall_ns;
    uint64_t steady_ns;
    uint32_t ordinal;
};

// What the record is about: fills run, trial, instance. Then its rows.
int projection_begin(struct projection *projection, uint64_t sequence, const Pb__Record *record, struct panther_error *error);
int projection_apply(struct projection *projection, const Pb__Record *record, struct panther_error *error);

// ---- for the projecting functions
typedef int project_fn(struct projection *projection, const Pb__Record *record, struct panther_error *error);
project_fn project_run_accepted, project_run_cancelled, project_run_ended, project_cell_ended;
project_fn project_run_annotated, project_evidence_removed;
project_fn project_trial_started, project_trial_stopping, project_trial_held, project_trial_ended;
project_fn project_command_issued, project_cases_released, project_instance_event, project_instance_lost, project_content_stored;

// The next value of id or changed.
int64_t projection_change(struct projection *projection);

struct value_bound {
    enum { BOUND_INTEGER, BOUND_REAL, BOUND_TEXT } type;
    int64_t integer;
    double real;
    const char *text;
};
#define INTEGER(value) ((struct value_bound){.type = BOUND_INTEGER, .integer = (int64_t)(value)})
#define REAL(value) ((struct value_bound){.type = BOUND_REAL, .real = (value)})
#define TEXT(value) ((struct value_bound){.type = BOUND_TEXT, .text = (value)})
#define CHANGE(projection) INTEGER(projection_change(projection))
// Three values: verdict, reason, text; of no outcome "none".
#define OUTCOME(outcome) TEXT(outcome_verdict(outcome)), TEXT(outcome_reason(outcome)), TEXT((outcome) ? (outcome)->text : "")
const char *outcome_verdict(const Pb__Outcome *outcome);
const char *outcome_reason(const Pb__Outcome *outcome);
// Runs the statement with parameters 1, 2, ...; returns the number of rows changed, or the error.
#define PROJECT(projection, sql, error, ...)                                                                                               \
    projection_execute((projection), (sql), (error), (const struct value_bound[]){__VA_ARGS__},                                            \
                       sizeof((const struct value_bound[]){__VA_ARGS__}) / sizeof(struct value_bound))
int projection_execute(struct projection *projection, const char *sql, struct panther_error *error, const struct value_bound *values,
                       size_t count);
// First column of the first row; 0 when there is none.
int projection_number(struct projection *projection, const char *sql, int64_t *number, struct panther_error *error,
                      const struct value_bound *values, size_t count);

#endif

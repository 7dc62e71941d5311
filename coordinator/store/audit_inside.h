// An audit's inside, for its files: audit.c goes through the journal, audit_run.c and audit_trial.c judge what records say, audit_table.c
// compares the tables, audit_content.c looks at the bytes.
#ifndef PANTHER_COORDINATOR_STORE_AUDIT_INSIDE_H
#define PANTHER_COORDINATOR_STORE_AUDIT_INSIDE_H

#include "common/base/map.h"
#include "common/base/verdict.h"
#include "coordinator/store/audit.h"
#include "coordinator/store/journal.h"

// Findings that are told: more of them are one cause, mostly.
#define AUDIT_FINDINGS_MAX 200

struct audited_run {
    Pb__AuditedRun *result;
    uint64_t accepted, ended, last; // sequences; ended 0: it is open; last: nothing is about it later
    size_t tests;
    uint64_t *first_cell; // of each test, among all; [tests]: how many there are
    bool *until;          // of each test: repetitions go on until confident, so a cell may not be needed
    uint8_t *verdicts;    // by cell; CELL_OPEN until it has ended
    uint64_t *ended_by;   // by cell: the record
    uint64_t counts[VERDICT_ERROR + 1];
    struct map *attempts; // cell among all -> struct attempt: those that have had a trial and have not ended
    uint64_t live_trials, pending, removed;
    bool pinned;
};
#define CELL_OPEN 0xff

struct attempt { // the last one of a cell
    uint32_t number;
    bool is_live;
    int verdict;
};

struct audited_instance {
    struct audited_trial *trial;
    uint64_t id;
    uint32_t index; // of its service in the plan
    bool is_tester, ended, cleaned, lost;
    uint32_t generation;       // the last one that was heard of
    uint32_t execute_for_case; // number of the command; 0: none
    uint32_t case_count;
    uint32_t *case_numbers; // of their commands, rising
    uint64_t *answered_by;  // by case: the record; 0: none
    char **cases;
    struct map *processes; // started and not exited
    uint32_t processes_started, streams_ended;
    int worst;         // of what it reported
    const char *wrong; // what forbids a pass; NULL: nothing
};

struct audited_trial {
    uint64_t id;
    struct audited_run *run;
    uint64_t cell; // among all of the run
    char *name;
    Pb__CellPlan *plan;
    struct audited_instance **instances; // one per service of the plan
    size_t count;
    bool is_held; // what its parts report from then on is no part of its verdict
};

struct audit {
    const char *folder;
    struct arena *arena; // the result's
    Pb__Audited *result;
    struct database *store;        // looked at, in one transaction
    struct database *rebuilt;      // the tables as the journal makes them
    struct projection *projection; // into rebuilt
    uint64_t wanted;               // 0: all runs
    struct map *runs, *trials, *instances;
    struct map *blobs; // hash -> struct blob_seen: each is read once
    uint64_t sequence; // of the record at hand
};

struct blob_seen {
    uint64_t bytes;
    const char *wrong; // in the arena; NULL: it is whole
};

// run NULL: it is the journal's.
void audit_find(struct audit *audit, struct audited_run *run, const char *place, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
// The same at the record at hand.
void audit_find_here(struct audit *audit, struct audited_run *run, const char *format, ...) __attribute__((format(printf, 3, 4)));

// ---- audit_run.c
void audit_run_accepted(struct audit *audit, const Pb__RunAccepted *record);
void audit_cell_ended(struct audit *audit, const Pb__CellEnded *record);
void audit_run_ended(struct audit *audit, const Pb__RunEnded *record);
void audit_run_annotated(struct audit *audit, const Pb__RunAnnotated *record);
void audit_evidence_removed(struct audit *audit, const Pb__EvidenceRemoved *record);
void audit_runs_conclude(struct audit *audit);
// The cell's number among all of the run's; false: there is none.
bool audit_cell(const struct audited_run *run, uint32_t test, uint64_t cell, uint64_t *among_all);
void audited_run_free(struct audited_run *run);

// ---- audit_trial.c
void audit_trial_started(struct audit *audit, const Pb__TrialStarted *record);
void audit_cases_released(struct audit *audit, const Pb__CasesReleased *record);
void audit_instance_event(struct audit *audit, const Pb__InstanceEvent *record);
void audit_command_issued(struct audit *audit, const Pb__CommandIssued *record);
void audit_instance_lost(struct audit *audit, const Pb__InstanceLost *record);
void audit_trial_held(struct audit *audit, const Pb__TrialHeld *record);
void audit_trial_ended(struct audit *audit, const Pb__TrialEnded *record);
void audited_trial_free(struct audited_trial *trial);

// ---- audit_table.c, audit_content.c: negative when the file cannot be read
int audit_tables(struct audit *audit, struct panther_error *error);
int audit_contents(struct audit *audit, struct panther_error *error);
// A file that the run's experiment names.
void audit_file(struct audit *audit, struct audited_run *run, const Pb__FileReference *file);

#endif

// Shared by the files oracle*.c only: the books.
#ifndef PANTHER_TESTS_SIMULATION_ORACLE_INSIDE_H
#define PANTHER_TESTS_SIMULATION_ORACLE_INSIDE_H

#include "common/base/map.h"
#include "common/base/verdict.h"
#include "tests/simulation/agent_host.h"
#include "tests/simulation/describe.h"
#include "tests/simulation/guard.h"
#include "tests/simulation/oracle.h"
#include "tests/simulation/world.h"

#define P1 "P1 every accepted cell and case ends in exactly one verdict"
#define P1_BOUND "P1 every run ends in bounded time"
#define P2 "P2 what was acknowledged is stored"
#define P2_LOST "P2 what a guard observed is not lost"
#define P3 "P3 at most one live generation"
#define P3_ORDER "P3 commands and events in order, each once"
#define P4 "P4 nothing outlives its lease"
#define P7 "P7 replay gives the live state"
#define P9 "P9 no pass without complete evidence"
#define P9_FAIL "P9 no fail without a failure"
#define RETRY "a fail is not tried again"
#define OLDER "an older store is refused"

struct run_book {
    uint64_t number, cells, ended;
    uint64_t counts[VERDICT_ERROR + 1];
    bool is_cancelled, has_ended;
};

struct cell_book {
    bool has_ended, has_failed;
    int last_verdict; // of its last attempt
    uint32_t attempts;
    uint64_t live_trial; // 0: none
};

struct instance_book {
    uint64_t id;
    struct trial_book *trial;
    const char *agent;
    uint32_t generation, wanted; // the last one that was begun, and the one that was decided
    bool has_ended;
    struct map *issued; // numbers of commands
    uint32_t last_issued;
    uint32_t execute_number; // of its main job; 0: none
    struct map *results;     // case number -> itself
};

struct moment_book {
    bool is_set;
    const char *agent;
    uint64_t boottime_ns, world_ns;
};

// Of a timeline: what was marked, and what guards told of it.
struct entry_book {
    struct moment_book start, end;
    bool has_failed;
    uint32_t steps, began, over;
    uint64_t first_start_ns, last_end_ns;
};

struct trial_book {
    uint64_t id, run;
    const char *cell;
    const Pb__TrialStarted *started;
    struct instance_book *instances;
    size_t results;
    bool goes_well, has_failed, has_ended, was_killed, was_stopped;
    struct moment_book zero;
    struct entry_book *entries;
    const Pb__TrialEnded *held; // what was said of it when it began to be held; NULL: it was not
};

// Of one (instance, generation): what of its spool is in the journal, and how long it may live.
struct life_book {
    uint64_t sequence;   // of its last event
    uint64_t granted_ns; // boottime of its host: the latest end of all leases given
    struct guard *guard; // NULL: never spawned
    unsigned spawns;
    bool end_is_kept;
};

struct agent_book {
    bool is_drained;
    uint64_t placed; // instances that have not ended
};

struct last_book {
    uint64_t last;
};

struct oracle {
    struct world *world;
    size_t seen; // records
    uint64_t incarnation;
    struct map *hellos; // route -> the last Hello that came there
    struct map *runs, *cells, *trials, *instances, *lives, *agents;
    struct map *contents; // what is stored, and the last event of each outbox, by words
    struct arena *arena;
    bool *wiped; // per agent's index: its books are not whole
    bool was_restored, is_reading_backup, any_wiped;
};

struct life_book *oracle_life(struct oracle *oracle, uint64_t instance, uint32_t generation);
struct agent_book *oracle_agent(struct oracle *oracle, const char *name);
struct last_book *oracle_last(struct oracle *oracle, const char *agent, const char *epoch);
uint32_t oracle_slots(const struct oracle *oracle, const char *agent);
struct instance_book *oracle_instance(const struct oracle *oracle, uint64_t id); // NULL: unknown

// oracle_verdicts.c
void oracle_trial_started(struct oracle *oracle, const Pb__TrialStarted *started);
void oracle_trial_held(struct oracle *oracle, const Pb__TrialHeld *held);
void oracle_trial_stopping(struct oracle *oracle, const Pb__TrialStopping *stopping);
void oracle_trial_ended(struct oracle *oracle, const Pb__TrialEnded *ended);
void oracle_cell_ended(struct oracle *oracle, const Pb__CellEnded *ended);
void oracle_run_ended(struct oracle *oracle, const Pb__RunEnded *ended);
void oracle_evidence(struct oracle *oracle, const Pb__InstanceEvent *kept);
// oracle_timeline.c
void oracle_timeline_mark(struct oracle *oracle, const Pb__TimelineMark *mark);
void oracle_timeline_evidence(struct oracle *oracle, struct trial_book *trial, const Pb__Event *event);
void oracle_timeline_ended(struct oracle *oracle, const struct trial_book *trial, const Pb__Outcome *outcome);
void oracle_fault_issued(struct oracle *oracle, const struct instance_book *instance, const Pb__Command *command);
struct entry_book *oracle_entry(const struct trial_book *trial, const char *id); // NULL: not of the timeline
// oracle_prepared.c
void oracle_case_is_told(struct oracle *oracle, const Pb__Command *command);
// oracle_lives.c
void oracle_instance_is_over(struct oracle *oracle, struct instance_book *instance, uint32_t generation, const char *says);

#endif

// Durable state: a fold over journal records. durable_apply() is its only writer.
// A record that cannot follow those before it is not folded in: see durable_apply().
#ifndef PANTHER_COORDINATOR_CORE_DURABLE_H
#define PANTHER_COORDINATOR_CORE_DURABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/identity.h"
#include "common/base/lifecycle.h"
#include "common/base/map.h"
#include "common/base/verdict.h"
#include "panther/v1/journal.pb-c.h"

// ---- lifecycles (coordinator/core/README.md has them drawn)
enum trial_state { TRIAL_INITIALIZING, TRIAL_STARTING, TRIAL_RUNNING, TRIAL_STOPPING, TRIAL_CLEANING, TRIAL_ENDED, TRIAL_STATES };
enum instance_state {
    INSTANCE_PLACED, // no command yet
    INSTANCE_INITIALIZING,
    INSTANCE_INITIALIZED,
    INSTANCE_STARTING,
    INSTANCE_READY,
    INSTANCE_RUNNING,  // cases or execute released
    INSTANCE_FINISHED, // all of them answered
    INSTANCE_STOPPING,
    INSTANCE_STOPPED,
    INSTANCE_CLEANING,
    INSTANCE_ENDED, // nothing of it lives
    INSTANCE_STATES
};
extern const struct lifecycle trial_lifecycle, instance_lifecycle;

struct outcome {
    int verdict, reason;
    char *text; // heap; NULL: none
};
// Takes the other when it is worse; of equals the first stays.
void outcome_worsen(struct outcome *outcome, int verdict, int reason, const char *text);
void outcome_clear(struct outcome *outcome);

struct key_entry {
    char *name, *public_key, *added_by, *enroll_for;
    int role;
    int64_t added_wall_ns;
    bool revoked;
};

struct agent_identity {
    char *name, *host_id, *boot_id, *epoch;
    uint64_t last_seen;          // sequence in epoch
    struct map *placed;          // instance id -> struct instance: live ones placed here
    uint32_t exclusive;          // of which want the host alone
    bool is_drained;             // nothing more is placed here
    uint64_t cpus, memory_bytes; // that live ones have reserved
};

struct metric_range {
    double least, most;
    uint64_t count;
};

// How processes ended: an assertion on a status holds for every one of them.
struct exit_range {
    uint32_t count;
    int32_t least, most; // a signal counts as its negative number
};

// What an assertion reads of an instance: how often, and when, as far as it asks. By number of the assertion, from 1.
struct sighting_sample {
    uint64_t boottime_ns;
    double value;
};
struct sighting {
    uint64_t count;
    double most;
    struct sighting_sample *samples; // of an assertion with a window, as they came
    uint32_t sample_count, sample_capacity;
    bool cut; // from cut_ns on not all of them are here
    uint64_t cut_ns;
};

struct instance {
    uint64_t id;
    uint32_t generation;
    struct trial *trial;
    uint32_t index;      // of its service in the plan
    const char *service; // in the plan
    const char *plugin;
    bool is_tester;
    char *agent, *description_hash;
    char **capabilities; // declared by its host
    size_t capability_count;
    unsigned state;
    uint32_t last_number;         // highest command number given out
    Pb__Command *open;            // the lifecycle command that is not answered yet; NULL: none
    Pb__Command *initialize;      // not answered when Stop was decided: an agent that never heard of it needs both
    Pb__CommandDone *initialized; // its answer to initialize: endpoints, version
    // cases
    uint32_t case_count, cases_answered;
    uint32_t next_case;     // index of the first one that is unanswered
    char **cases;           // names
    uint32_t *case_numbers; // of the commands, rising
    uint8_t *case_verdicts; // CASE_UNANSWERED until there is a result; first one stays
    uint32_t case_timeout_ms;
    uint32_t execute_number; // 0: no Execute was released
    bool execute_answered;
    uint32_t port;      // the first that a generation of it had; 0: none yet
    struct map *beside; // number -> Pb__Command: faults and runs that are not answered
    uint64_t moved_ns;  // boottime of its last answer to start or stop
    // evidence
    bool heard; // an event came from it, or may have been lost with its agent's outbox
    bool lost;
    bool host_died;
    bool broken;   // it cannot go on: the trial has to stop
    int end_cause; // Pb__EndCause once ended
    uint32_t processes_started;
    struct map *processes;   // number -> instance: started and not exited
    uint32_t streams_ended;  // of processes
    uint32_t files_cut;      // artifacts that were not kept
    bool exits_clean;        // every process so far ended clean by its rule
    struct exit_range exits; // of those that were not stopped by a trial cut short
    uint64_t gap_bytes;      // of its output that was not kept
    struct map *metrics;     // name -> struct metric_range: those that an assertion reads
    struct map *matches;     // rule id -> instance: rules of its assertions that were seen to match
    struct map *sightings;   // number of an assertion -> struct sighting
    struct outcome outcome;  // worst of what it reported
    uint64_t last_event;     // of its guard's: one that comes twice counts once, whatever became of its agent's outbox
    bool any_fail;
    bool elsewhere;    // another host has had the name of its agent since: what becomes of that one says nothing of it
    bool metrics_lost; // not every metric was kept: a bound that the others hold is not proven
    // ---- generations
    char *profile;                  // of this generation; "": the one that the experiment gives it
    uint32_t wanted_generation;     // above `generation`: this one is on its way out
    uint32_t incomplete_generation; // the first one of which evidence is missing; 0: none
    char *wanted_profile;
    // ---- what it was last told for a case (README, "Cases with setups")
    uint64_t for_tester; // whose case; 0: none
    uint32_t for_case;
    uint32_t cases_served; // that were answered while this generation was there
    Pb__Event *executed;   // what became of its execute() for a case
    // of a part of the network
    Pb__Command *conditions; // the last ones that a case wanted
    bool conditions_hold;
    struct map *skipped; // of a tester: index of a case -> struct outcome: why it could not be run
};
#define CASE_UNANSWERED 0xff

struct moment {
    const char *agent; // in whose clock; agents are known for ever. NULL: has not come
    uint64_t boottime_ns;
};

// A command of an entry: one, or one to every network.
struct entry_step {
    uint64_t instance;
    uint32_t number;
    bool began, ended;
};

// How far an entry of the timeline is.
struct entry {
    bool issued;
    struct moment start, end; // as told by its steps, or by the mark
    bool begun, ended;        // the marks of that are records
    bool failed;
    char *text; // why; NULL: nothing to say
    struct entry_step *steps;
    size_t step_count, step_capacity;
    uint32_t generation; // of a changed service when it was issued
};

struct trial {
    uint64_t id;
    struct durable *durable; // that it is part of
    struct run *run;
    uint32_t test;
    uint64_t cell;
    uint32_t attempt;
    char *name;
    Pb__CellPlan *plan;
    struct instance **instances; // one per service of the plan
    size_t instance_count;
    uint32_t lease_ms;
    unsigned state;
    bool cancelled;
    struct outcome outcome; // what made it stop early
    struct entry *entries;  // one per entry of the plan's timeline
    struct moment zero;     // all services were ready
    Pb__TrialHeld *held;    // its verdict, given before its services were stopped; NULL: it is given at the end
    bool hold_over;         // and they are not held any more
};

// What repetitions of a combination have said so far, where they go on until that is enough.
struct tally {
    uint32_t ended, passed, failed;
};

struct test_progress {
    uint64_t cells;        // all of this test
    uint64_t cursor;       // cells below have been started, ended, or are in skipped
    struct map *skipped;   // cell index -> itself
    struct tally *tallies; // by combination; NULL: the number of repetitions is fixed
};

struct cell_retry {
    uint32_t test;
    uint64_t cell;
    uint32_t attempts; // made so far
};

struct run {
    uint64_t number;
    char *key;
    Pb__Experiment *experiment;
    struct test_progress *tests;
    uint64_t cells, cells_ended, live_trials;
    uint64_t counts[VERDICT_ERROR + 1];
    struct map *retries; // "test/cell" -> struct cell_retry
    bool cancelled;
    char *cancel_why;
};

// Numbers above `incarnation` and below `next_incarnation`, and likewise of instances: given by a life of this store that is not in it.
struct lost_life {
    uint64_t incarnation, next_incarnation, instance, next_instance;
};

// Submissions whose keys are known: at one run a minute those of 11 days, 3 MB. Beside keys, agents and plugins they are all that is kept
// of what has ended.
#define SUBMISSIONS_KEPT_MAX 16384

struct submission {
    uint64_t run;
    char *content_hash;
};

struct durable {
    char store_id[ID128_TEXT_BYTES];
    uint64_t incarnation;
    char *home; // of the journal's file; NULL: not known
    struct lost_life *lost;
    size_t lost_count, lost_capacity;
    struct map *keys;           // name -> struct key_entry
    struct map *keys_by_public; // public key -> the same entry
    struct map *agents;         // name -> struct agent_identity
    struct map *descriptions;   // hash -> Pb__PluginDescription
    struct map *submissions;    // idempotency key -> struct submission
    struct map *runs;           // number -> struct run: open ones
    struct map *trials;         // id -> struct trial: live ones
    struct map *instances;      // id -> struct instance: of live trials
    struct map *pinned;         // number -> the map itself: runs whose evidence stays
    uint64_t last_run, last_trial, last_instance, records;
    uint64_t steady_ns; // of the last record, and its wall clock
    int64_t wall_ns;
    char *impossible; // NULL: every record so far could follow those before it
};

struct durable *durable_new(void);
void durable_free(struct durable **durable);
// NULL, or why the record cannot follow those before it: a mistake of this program when it is live, a journal that a faulty program wrote
// when it is replayed. The state is of no use then but to be freed. The text lives as long as the state.
const char *durable_apply(struct durable *durable, const Pb__Record *record);
// Are these numbers that this store can have given, and not a life of it that was lost with what it was restored over?
bool durable_gave_incarnation(const struct durable *durable, uint64_t incarnation);
bool durable_gave_instance(const struct durable *durable, uint64_t instance);
void durable_print(const struct durable *durable, struct text *out);

const Pb__ServicePlan *instance_plan(const struct instance *instance);
struct instance *trial_instance(const struct trial *trial, const char *service); // NULL: none
bool instance_can(const struct instance *instance, const char *capability);
bool instance_work_is_done(const struct instance *instance); // nothing released is unanswered
// Is (test, cell) neither started nor ended yet?
bool run_cell_is_pending(const struct run *run, uint32_t test, uint64_t cell);

struct entry *trial_entry(const struct trial *trial, const char *id); // NULL: none has this id

#endif

// Shared by durable.c, durable_trial.c, durable_event.c and snapshot.c only: the folds of single records, and the moves that they make.
#ifndef PANTHER_COORDINATOR_CORE_DURABLE_FOLD_H
#define PANTHER_COORDINATOR_CORE_DURABLE_FOLD_H

#include "coordinator/core/durable.h"

// What a fold finds wrong with its record: the first one stays (durable_apply). FOLD_NEEDS leaves the fold.
void durable_refuse(struct durable *durable, const char *format, ...) __attribute__((format(printf, 2, 3)));
#define FOLD_NEEDS(durable, condition, ...)                                                                                                \
    do {                                                                                                                                   \
        if (!(condition)) {                                                                                                                \
            durable_refuse((durable), __VA_ARGS__);                                                                                        \
            return;                                                                                                                        \
        }                                                                                                                                  \
    } while (0)

// ---- durable.c
struct agent_identity *durable_agent(struct durable *durable, const char *name); // a new one when it is not known
void durable_trial_free(void *value);
bool run_has_cell(const struct run *run, uint32_t test, uint64_t cell);
void run_cell_leaves_queue(struct run *run, uint32_t test, uint64_t cell);
void run_retry_put(struct run *run, uint32_t test, uint64_t cell, uint32_t attempts);
void run_retry_forget(struct run *run, uint32_t test, uint64_t cell);
// shared with snapshot.c, which puts in what these folds have put in before
struct key_entry *durable_key_put(struct durable *durable, const Pb__KeyRecord *record, int64_t wall_ns);
void durable_agent_seen(struct durable *durable, const Pb__AgentSeen *record);
void durable_pin(struct durable *durable, uint64_t run, Pb__Pin pin);
void durable_agent_drained(struct durable *durable, const Pb__AgentDrained *record);
void durable_description_put(struct durable *durable, const Pb__DescribedPlugin *described);
struct run *durable_run_put(struct durable *durable, uint64_t number, const char *key, const Pb__Experiment *experiment, uint64_t cells);
void durable_submission_put(struct durable *durable, const char *key, uint64_t run, const char *content_hash);

// ---- durable_lives.c
void fold_store_opened(struct durable *durable, const Pb__StoreOpened *record);
void durable_life_put(struct durable *durable, struct lost_life life);

// ---- durable_trial.c
struct instance *instance_new(struct durable *durable, struct trial *trial, const Pb__PlacedService *placed, uint32_t index);
void instance_enters_agent(struct durable *durable, struct instance *instance);
void fold_trial_started(struct durable *durable, const Pb__TrialStarted *record);
void fold_command_issued(struct durable *durable, const Pb__CommandIssued *record);
void fold_cases_released(struct durable *durable, const Pb__CasesReleased *record);
void fold_trial_held(struct durable *durable, const Pb__TrialHeld *record);
void fold_trial_stopping(struct durable *durable, const Pb__TrialStopping *record);
void fold_instance_lost(struct durable *durable, const Pb__InstanceLost *record);
void fold_trial_ended(struct durable *durable, const Pb__TrialEnded *record);
// False: it cannot move there, and that is told.
bool trial_move(struct trial *trial, unsigned to);
bool instance_move(struct instance *instance, unsigned to);
void instance_end(struct durable *durable, struct instance *instance); // leaves its agent

// ---- durable_event.c
void event_fold(struct durable *durable, struct instance *instance, const Pb__Event *event);

// ---- durable_generation.c
void fold_instance_renewed(struct durable *durable, const Pb__InstanceRenewed *record);
void fold_execute(struct instance *instance, const Pb__Command *command);
void instance_forget_commands(struct instance *instance);
void instance_begin_next(struct instance *instance); // generation, when the one before has ended
void instance_is_for(struct instance *instance, uint64_t tester, uint32_t case_number);
void instance_put_conditions(struct instance *instance, const Pb__Command *command);
// What it was being brought to for a case failed: that case cannot be run. False: it was for none, or is past that.
bool instance_preparation_failed(struct instance *instance, int verdict, int reason, const char *text);
void instance_case_concluded(struct instance *tester, uint32_t index, int verdict); // counted, and the tester finished when it was the last
void instance_put_skipped(struct instance *tester, uint32_t index, int verdict, int reason, const char *text);
void instances_have_served(const struct instance *tester);
// ---- durable_timeline.c
void entries_begin(struct trial *trial); // once its plan is there
void entries_free(struct trial *trial);
void entry_step_issued(struct trial *trial, const char *id, uint64_t instance, uint32_t number);
void entry_event(struct instance *instance, const Pb__Event *event); // one that may be of a step
void fold_timeline_mark(struct durable *durable, const Pb__TimelineMark *record);
// What an assertion reads of an event: matches, metrics, findings, artifacts.
void sightings_event(struct instance *instance, const Pb__Event *event);
void sighting_free(void *value);

#endif

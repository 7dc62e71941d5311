// Shared by durable.c, durable_trial.c, durable_event.c and snapshot.c only: the folds of single records, and the moves that they make.
#ifndef PANTHER_COORDINATOR_CORE_DURABLE_FOLD_H
#define PANTHER_COORDINATOR_CORE_DURABLE_FOLD_H

#include "coordinator/core/durable.h"

// ---- durable.c
struct agent_identity *durable_agent(struct durable *durable, const char *name); // a new one when it is not known
void durable_trial_free(void *value);
void run_cell_leaves_queue(struct run *run, uint32_t test, uint64_t cell);
void run_retry_put(struct run *run, uint32_t test, uint64_t cell, uint32_t attempts);
void run_retry_forget(struct run *run, uint32_t test, uint64_t cell);
// shared with snapshot.c, which puts in what these folds have put in before
struct key_entry *durable_key_put(struct durable *durable, const Pb__KeyRecord *record, int64_t wall_ns);
void durable_agent_seen(struct durable *durable, const Pb__AgentSeen *record);
void durable_agent_drained(struct durable *durable, const Pb__AgentDrained *record);
void durable_description_put(struct durable *durable, const Pb__DescribedPlugin *described);
struct run *durable_run_put(struct durable *durable, uint64_t number, const char *key, const Pb__Experiment *experiment, uint64_t cells);
void durable_submission_put(struct durable *durable, const char *key, uint64_t run, const char *content_hash);

// ---- durable_trial.c
struct instance *instance_new(struct durable *durable, struct trial *trial, const Pb__PlacedService *placed, uint32_t index);
void instance_enters_agent(struct durable *durable, struct instance *instance);
void fold_trial_started(struct durable *durable, const Pb__TrialStarted *record);
void fold_command_issued(struct durable *durable, const Pb__CommandIssued *record);
void fold_cases_released(struct durable *durable, const Pb__CasesReleased *record);
void fold_trial_stopping(struct durable *durable, const Pb__TrialStopping *record);
void fold_instance_lost(struct durable *durable, const Pb__InstanceLost *record);
void fold_trial_ended(struct durable *durable, const Pb__TrialEnded *record);
void instance_move(struct instance *instance, unsigned to);
void instance_end(struct durable *durable, struct instance *instance); // leaves its agent

// ---- durable_event.c
void event_fold(struct durable *durable, struct instance *instance, const Pb__Event *event);

#endif

// Shared by durable.c, durable_trial.c and durable_event.c only: the folds of single records, and the moves that they make.
#ifndef PANTHER_COORDINATOR_CORE_DURABLE_FOLD_H
#define PANTHER_COORDINATOR_CORE_DURABLE_FOLD_H

#include "coordinator/core/durable.h"

// ---- durable.c
struct agent_identity *durable_agent(struct durable *durable, const char *name); // a new one when it is not known
void durable_trial_free(void *value);
void run_cell_leaves_queue(struct run *run, uint32_t test, uint64_t cell);
void run_retry_key(char text[48], uint32_t test, uint64_t cell);
void run_retry_forget(struct run *run, uint32_t test, uint64_t cell);

// ---- durable_trial.c
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

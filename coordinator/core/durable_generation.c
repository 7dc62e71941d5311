// The fold of generations: an instance that is ended and made again under the same number, and what it is told for a single case.
// Called by durable_trial.c and durable_event.c.
#include <inttypes.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/base/message.h"
#include "coordinator/core/durable_fold.h"

void instance_forget_commands(struct instance *instance)
{
    message_free(instance->open);
    message_free(instance->initialize);
    instance->open = instance->initialize = NULL;
    for (struct map_entry *entry = map_first(instance->beside); entry; entry = map_next(instance->beside, entry)) {
        message_free(map_remove_number(instance->beside, map_entry_number(entry)));
    }
}

// ---- generations

void instance_begin_next(struct instance *instance)
{
    bool complete = map_count(instance->processes) == 0 && instance->streams_ended >= 2 * instance->processes_started;
    if (!complete && !instance->incomplete_generation) {
        instance->incomplete_generation = instance->generation;
    }
    if (!instance_move(instance, INSTANCE_PLACED)) {
        return;
    }
    instance_forget_commands(instance);
    message_free(instance->initialized);
    message_free(instance->executed);
    instance->initialized = NULL;
    instance->executed = NULL;
    free(instance->profile);
    instance->profile = memory_string(instance->wanted_profile);
    instance->generation = instance->wanted_generation;
    map_free(&instance->processes);
    instance->processes = map_new();
    instance->streams_ended = 2 * instance->processes_started; // what the next one has too many stands for none of this one
    instance->last_number = 0;
    instance->last_event = 0;
    instance->heard = instance->elsewhere = instance->host_died = false;
    instance->end_cause = 0;
    instance->execute_number = 0;
    instance->execute_answered = false;
    instance->cases_served = 0;
}

static void replace_text(char **place, const char *text)
{
    free(*place);
    *place = memory_string(text);
}

// A generation that nobody was told of yet, or that has not started, only takes over what it is for.
void fold_instance_renewed(struct durable *durable, const Pb__InstanceRenewed *record)
{
    struct instance *instance = map_get_number(durable->instances, record->instance);
    FOLD_NEEDS(durable, instance && instance->state != INSTANCE_ENDED, "instance %" PRIu64 " is renewed, which is not live",
               record->instance);
    FOLD_NEEDS(durable, record->generation >= instance->generation, "generation %u of instance %" PRIu64 " comes after generation %u",
               record->generation, instance->id, instance->generation);
    instance->wanted_generation = record->generation;
    replace_text(&instance->wanted_profile, record->profile);
    if (record->generation == instance->generation) {
        replace_text(&instance->profile, record->profile);
    }
    instance_is_for(instance, record->tester, record->case_number);
}

// ---- for a case

void instance_is_for(struct instance *instance, uint64_t tester, uint32_t case_number)
{
    instance->for_tester = tester;
    instance->for_case = case_number;
}

void fold_execute(struct instance *instance, const Pb__Command *command)
{
    instance->execute_number = command->number;
    instance->execute_answered = false;
    instance->case_timeout_ms = command->execute->timeout_ms;
    instance_move(instance, INSTANCE_RUNNING);
}

void instance_put_conditions(struct instance *instance, const Pb__Command *command)
{
    message_free(instance->conditions);
    instance->conditions = MESSAGE_COPY(command, NULL);
    instance->conditions_hold = false;
}

void instance_put_skipped(struct instance *tester, uint32_t index, int verdict, int reason, const char *text)
{
    struct outcome *outcome = NEW(struct outcome);
    outcome_worsen(outcome, verdict, reason, text);
    free(map_put_number(tester->skipped, index, outcome));
}

void instance_case_concluded(struct instance *tester, uint32_t index, int verdict)
{
    tester->case_verdicts[index] = (uint8_t)verdict;
    tester->cases_answered++;
    while (tester->next_case < tester->case_count && tester->case_verdicts[tester->next_case] != CASE_UNANSWERED) {
        tester->next_case++;
    }
}

static struct instance *its_tester(const struct instance *instance)
{
    const struct trial *trial = instance->trial;
    for (size_t i = 0; instance->for_tester && i < trial->instance_count; i++) {
        if (trial->instances[i]->id == instance->for_tester) {
            return trial->instances[i];
        }
    }
    return NULL;
}

bool instance_preparation_failed(struct instance *instance, int verdict, int reason, const char *text)
{
    struct instance *tester = its_tester(instance);
    bool is_network = instance_plan(instance)->is_network;
    if (!tester || (!is_network && instance->state >= INSTANCE_READY)) {
        return false;
    }
    uint32_t index = tester->next_case; // cases with setups are run one at a time
    bool is_open = index < tester->case_count && tester->case_numbers[index] == instance->for_case;
    if (is_open && tester->state == INSTANCE_RUNNING) {
        instance_put_skipped(tester, index, verdict, reason, text);
        instance_case_concluded(tester, index, verdict);
        if (instance_work_is_done(tester)) {
            instance_move(tester, INSTANCE_FINISHED);
        }
    }
    return true;
}

// Its cases leave their traces in what it drives: a fresh service is one without.
void instances_have_served(const struct instance *tester)
{
    const Pb__ServicePlan *plan = instance_plan(tester);
    for (size_t d = 0; d < plan->n_drives; d++) {
        for (size_t s = 0; s < plan->drives[d]->n_services; s++) {
            struct instance *driven = trial_instance(tester->trial, plan->drives[d]->services[s]);
            if (driven) {
                driven->cases_served++;
            }
        }
    }
}

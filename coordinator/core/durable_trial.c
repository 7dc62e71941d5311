// The fold of records of trials and their instances; what instances report is folded by durable_event.c.
#include <inttypes.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/base/message.h"
#include "coordinator/core/durable_fold.h"

struct instance *instance_new(struct durable *durable, struct trial *trial, const Pb__PlacedService *placed, uint32_t index)
{
    struct instance *instance = NEW(struct instance);
    instance->id = placed->instance;
    instance->generation = 1;
    instance->trial = trial;
    instance->index = index;
    instance->service = trial->plan->services[index]->name;
    instance->plugin = trial->plan->services[index]->plugin;
    instance->is_tester = placed->is_tester;
    instance->agent = memory_string(placed->agent);
    instance->description_hash = memory_string(placed->description_hash);
    instance->capabilities = memory_new(sizeof *instance->capabilities * (placed->n_capabilities + 1));
    for (size_t i = 0; i < placed->n_capabilities; i++) {
        instance->capabilities[instance->capability_count++] = memory_string(placed->capabilities[i]);
    }
    instance->metrics = map_new();
    instance->matches = map_new();
    instance->processes = map_new();
    instance->beside = map_new();
    instance->sightings = map_new();
    instance->exits_clean = true;
    instance->profile = memory_string("");
    instance->wanted_profile = memory_string("");
    instance->skipped = map_new();
    map_put_number(durable->instances, instance->id, instance);
    return instance;
}

void instance_enters_agent(struct durable *durable, struct instance *instance)
{
    struct agent_identity *agent = durable_agent(durable, instance->agent);
    map_put_number(agent->placed, instance->id, instance);
    const Pb__HostRule *rule = instance_plan(instance)->host;
    agent->exclusive += rule && rule->exclusive;
    agent->cpus += rule ? rule->cpus : 0;
    agent->memory_bytes += rule ? rule->memory_bytes : 0;
}

static struct instance *instance_place(struct durable *durable, struct trial *trial, const Pb__PlacedService *placed, uint32_t index)
{
    struct instance *instance = instance_new(durable, trial, placed, index);
    if (instance->id > durable->last_instance) {
        durable->last_instance = instance->id;
    }
    instance_enters_agent(durable, instance);
    return instance;
}

void fold_trial_started(struct durable *durable, const Pb__TrialStarted *record)
{
    struct run *run = map_get_number(durable->runs, record->run);
    FOLD_NEEDS(durable, run, "a trial of run %" PRIu64 " starts, which is not open", record->run);
    FOLD_NEEDS(durable, run_has_cell(run, record->test, record->cell), "run %" PRIu64 " has no cell %" PRIu64 " of test %u", record->run,
               record->cell, record->test);
    FOLD_NEEDS(durable, record->trial > durable->last_trial, "trial %" PRIu64 " starts after trial %" PRIu64, record->trial,
               durable->last_trial);
    FOLD_NEEDS(durable, record->n_services == record->plan->n_services, "trial %" PRIu64 " starts %zu services of %zu", record->trial,
               record->n_services, record->plan->n_services);
    for (size_t i = 0; i < record->n_services; i++) {
        FOLD_NEEDS(durable, record->services[i]->instance > durable->last_instance + i, "instance %" PRIu64 " is placed too late",
                   record->services[i]->instance);
    }
    struct trial *trial = NEW(struct trial);
    trial->id = record->trial;
    trial->durable = durable;
    trial->run = run;
    trial->test = record->test;
    trial->cell = record->cell;
    trial->attempt = record->attempt;
    trial->name = memory_string(record->name);
    trial->plan = MESSAGE_COPY(record->plan, NULL);
    entries_begin(trial);
    trial->lease_ms = record->lease_ms;
    trial->instance_count = record->n_services;
    trial->instances = memory_new(sizeof *trial->instances * record->n_services);
    for (uint32_t i = 0; i < record->n_services; i++) {
        trial->instances[i] = instance_place(durable, trial, record->services[i], i);
    }
    map_put_number(durable->trials, trial->id, trial);
    durable->last_trial = record->trial;
    run->live_trials++;
    if (record->attempt == 1) {
        run_cell_leaves_queue(run, record->test, record->cell);
    } else {
        run_retry_forget(run, record->test, record->cell);
    }
}

const Pb__ServicePlan *instance_plan(const struct instance *instance)
{
    return instance->trial->plan->services[instance->index];
}

struct instance *trial_instance(const struct trial *trial, const char *service)
{
    for (size_t i = 0; i < trial->instance_count; i++) {
        if (strcmp(trial->instances[i]->service, service) == 0) {
            return trial->instances[i];
        }
    }
    return NULL;
}

bool instance_can(const struct instance *instance, const char *capability)
{
    for (size_t i = 0; i < instance->capability_count; i++) {
        if (strcmp(instance->capabilities[i], capability) == 0) {
            return true;
        }
    }
    return false;
}

bool instance_work_is_done(const struct instance *instance)
{
    return instance->cases_answered == instance->case_count && (!instance->execute_number || instance->execute_answered);
}

bool trial_move(struct trial *trial, unsigned to)
{
    if (!lifecycle_allows(&trial_lifecycle, trial->state, to)) {
        durable_refuse(trial->durable, "trial %" PRIu64 " cannot move from %s to %s", trial->id,
                       lifecycle_name(&trial_lifecycle, trial->state), lifecycle_name(&trial_lifecycle, to));
        return false;
    }
    lifecycle_move(&trial_lifecycle, &trial->state, to);
    return true;
}

bool instance_move(struct instance *instance, unsigned to)
{
    if (!lifecycle_allows(&instance_lifecycle, instance->state, to)) {
        durable_refuse(instance->trial->durable, "instance %" PRIu64 " cannot move from %s to %s", instance->id,
                       lifecycle_name(&instance_lifecycle, instance->state), lifecycle_name(&instance_lifecycle, to));
        return false;
    }
    lifecycle_move(&instance_lifecycle, &instance->state, to);
    return true;
}

static void instance_leaves_agent(struct durable *durable, struct instance *instance)
{
    struct agent_identity *agent = durable_agent(durable, instance->agent);
    INVARIANT(map_remove_number(agent->placed, instance->id) == instance);
    const Pb__HostRule *rule = instance_plan(instance)->host;
    agent->exclusive -= rule && rule->exclusive;
    agent->cpus -= rule ? rule->cpus : 0;
    agent->memory_bytes -= rule ? rule->memory_bytes : 0;
}

void instance_end(struct durable *durable, struct instance *instance)
{
    if (!instance_move(instance, INSTANCE_ENDED)) {
        return;
    }
    instance_forget_commands(instance);
    instance_leaves_agent(durable, instance);
}

// Faults and runs are done beside what the service does: they move nothing, and several may be open.
static void command_beside(struct instance *instance, const Pb__Command *command)
{
    const char *id = command->body_case == PB__COMMAND__BODY_FAULT ? command->fault->id : command->run->id;
    map_put_number(instance->beside, command->number, MESSAGE_COPY(command, NULL));
    instance->last_number = command->number;
    entry_step_issued(instance->trial, id, instance->id, command->number);
}

// Where a command takes its instance; INSTANCE_STATES: it is none that is issued alone.
static unsigned state_of_command(const Pb__Command *command)
{
    switch (command->body_case) {
    case PB__COMMAND__BODY_INITIALIZE:
        return INSTANCE_INITIALIZING;
    case PB__COMMAND__BODY_START:
        return INSTANCE_STARTING;
    case PB__COMMAND__BODY_STOP:
        return INSTANCE_STOPPING;
    case PB__COMMAND__BODY_CLEANUP:
        return INSTANCE_CLEANING;
    default:
        return INSTANCE_STATES;
    }
}

static void fold_lifecycle_command(struct instance *instance, const Pb__Command *command)
{
    struct trial *trial = instance->trial;
    unsigned to = state_of_command(command);
    FOLD_NEEDS(trial->durable, to < INSTANCE_STATES, "a command of kind %d is issued alone", (int)command->body_case);
    if (!instance_move(instance, to)) {
        return;
    }
    if (instance->open && instance->open->body_case == PB__COMMAND__BODY_INITIALIZE) {
        instance->initialize = instance->open;
    } else {
        message_free(instance->open);
    }
    instance->open = MESSAGE_COPY(command, NULL);
    if (command->body_case == PB__COMMAND__BODY_START && trial->state == TRIAL_INITIALIZING) {
        trial_move(trial, TRIAL_STARTING);
    }
    if (command->body_case == PB__COMMAND__BODY_CLEANUP && trial->state == TRIAL_STOPPING) {
        trial_move(trial, TRIAL_CLEANING);
    }
}

void fold_command_issued(struct durable *durable, const Pb__CommandIssued *record)
{
    const Pb__Command *command = record->command;
    struct instance *instance = map_get_number(durable->instances, command->instance);
    FOLD_NEEDS(durable, instance, "instance %" PRIu64 " is commanded, which is not there", command->instance);
    FOLD_NEEDS(durable, command->number > instance->last_number, "command %u of instance %" PRIu64 " comes after command %u",
               command->number, instance->id, instance->last_number);
    if (record->tester) {
        instance_is_for(instance, record->tester, record->case_number);
    }
    if (command->body_case == PB__COMMAND__BODY_FAULT || command->body_case == PB__COMMAND__BODY_RUN) {
        command_beside(instance, command);
        if (record->tester) {
            instance_put_conditions(instance, command);
        }
        return;
    }
    instance->last_number = command->number;
    if (command->body_case == PB__COMMAND__BODY_EXECUTE) {
        fold_execute(instance, command);
    } else {
        fold_lifecycle_command(instance, command);
    }
}

static void cases_append(struct instance *instance, const Pb__CasesReleased *record)
{
    size_t count = instance->case_count + record->n_cases;
    instance->cases = memory_grow(instance->cases, count, sizeof *instance->cases);
    instance->case_numbers = memory_grow(instance->case_numbers, count, sizeof *instance->case_numbers);
    instance->case_verdicts = memory_grow(instance->case_verdicts, count, 1);
    for (uint32_t i = 0; i < record->n_cases; i++) {
        instance->cases[instance->case_count] = memory_string(record->cases[i]);
        instance->case_numbers[instance->case_count] = record->first_number + i;
        instance->case_verdicts[instance->case_count++] = CASE_UNANSWERED;
    }
}

void fold_cases_released(struct durable *durable, const Pb__CasesReleased *record)
{
    struct instance *instance = map_get_number(durable->instances, record->instance);
    FOLD_NEEDS(durable, instance, "instance %" PRIu64 " is given cases, which is not there", record->instance);
    FOLD_NEEDS(durable, record->first_number > instance->last_number, "command %u of instance %" PRIu64 " comes after command %u",
               record->first_number, instance->id, instance->last_number);
    instance->case_timeout_ms = record->timeout_ms;
    if (record->execute) {
        instance->execute_number = record->first_number;
        instance->last_number = record->first_number;
    } else {
        cases_append(instance, record);
        instance->last_number = record->first_number + (uint32_t)record->n_cases - 1;
    }
    if (*record->entry) {
        entry_step_issued(instance->trial, record->entry, instance->id, record->first_number);
    }
    if (instance->state != INSTANCE_RUNNING) {
        instance_move(instance, INSTANCE_RUNNING);
    }
    struct trial *trial = instance->trial;
    if (trial->state != TRIAL_RUNNING) {
        trial_move(trial, TRIAL_RUNNING);
    }
}

void fold_trial_held(struct durable *durable, const Pb__TrialHeld *record)
{
    struct trial *trial = map_get_number(durable->trials, record->trial);
    FOLD_NEEDS(durable, trial, "trial %" PRIu64 " is held, which is not live", record->trial);
    FOLD_NEEDS(durable, (trial->state == TRIAL_RUNNING || trial->state == TRIAL_STOPPING) && !trial->held,
               "trial %" PRIu64 " is held twice, or not at the end of its work", record->trial);
    trial->held = MESSAGE_COPY(record, NULL);
}

void fold_trial_stopping(struct durable *durable, const Pb__TrialStopping *record)
{
    struct trial *trial = map_get_number(durable->trials, record->trial);
    FOLD_NEEDS(durable, trial, "trial %" PRIu64 " is stopped, which is not live", record->trial);
    trial->cancelled |= record->cancel;
    trial->hold_over |= trial->held != NULL;
    if (record->outcome) {
        outcome_worsen(&trial->outcome, (int)record->outcome->verdict, (int)record->outcome->reason, record->outcome->text);
    }
    if (trial->state < TRIAL_STOPPING) {
        trial_move(trial, TRIAL_STOPPING);
    }
}

void fold_instance_lost(struct durable *durable, const Pb__InstanceLost *record)
{
    struct instance *instance = map_get_number(durable->instances, record->instance);
    FOLD_NEEDS(durable, instance, "instance %" PRIu64 " is lost, which is not there", record->instance);
    instance->lost = true;
    instance->broken = true;
    outcome_worsen(&instance->outcome, VERDICT_ERROR, REASON_LOST, record->text);
    instance_end(durable, instance);
}

void fold_trial_ended(struct durable *durable, const Pb__TrialEnded *record)
{
    struct trial *trial = map_get_number(durable->trials, record->trial);
    FOLD_NEEDS(durable, trial, "trial %" PRIu64 " ends, which is not live", record->trial);
    map_remove_number(durable->trials, record->trial);
    for (size_t i = 0; i < trial->instance_count; i++) {
        map_remove_number(durable->instances, trial->instances[i]->id);
        if (trial->instances[i]->state != INSTANCE_ENDED) {
            instance_leaves_agent(durable, trial->instances[i]);
        }
    }
    struct run *run = trial->run;
    run->live_trials--;
    // Until CellEnded or the next TrialStarted takes it away again, the cell waits for another attempt.
    run_retry_put(run, trial->test, trial->cell, trial->attempt);
    durable_trial_free(trial);
}

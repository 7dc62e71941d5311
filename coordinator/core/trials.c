// One trial from its start to its end: initialize in the order of needs, start, wait until ready, run the cases, stop in reverse,
// clean up. Every decision is a record first; commands.c says it, and again in a new session as long as it is not answered.
#include <stdio.h>
#include <string.h>

#include "common/base/message.h"
#include "coordinator/core/state.h"
#include "coordinator/experiment/experiment.h"

#define NS_PER_MS UINT64_C(1000000)

void trials_start(struct core *core, struct run *run, uint32_t test, uint64_t cell, uint32_t attempt, Pb__CellPlan *plan,
                  const struct placement *placement)
{
    struct arena *arena = core->effects->arena;
    Pb__Record *record = core_record(core);
    record->body_case = PB__RECORD__BODY_TRIAL_STARTED;
    Pb__TrialStarted *started = record->trial_started = NEW_MESSAGE(core, Pb__TrialStarted, pb__trial_started);
    started->trial = core->durable->last_trial + 1;
    started->run = run->number;
    started->test = test;
    started->cell = cell;
    started->attempt = attempt;
    started->name = arena_printf(arena, "%s#%u", experiment_cell_name(run->number, run->experiment, test, cell, arena), attempt);
    started->plan = MESSAGE_COPY(plan, arena); // parts of it are borrowed from the run, which may end in this very batch
    started->lease_ms = plan->timeouts->lease_ms ? plan->timeouts->lease_ms : LEASE_MS;
    started->services = ARENA_ARRAY(arena, Pb__PlacedService *, plan->n_services);
    for (size_t i = 0; i < plan->n_services; i++) {
        const Pb__PluginPresence *presence = presences_find(placement->agents[i], plan->services[i]->plugin)->is;
        Pb__PlacedService *placed = NEW_MESSAGE(core, Pb__PlacedService, pb__placed_service);
        placed->service = started->plan->services[i]->name;
        placed->plugin = started->plan->services[i]->plugin;
        placed->agent = arena_string(arena, placement->agents[i]->name);
        placed->instance = core->durable->last_instance + 1 + i;
        placed->is_tester = plan->services[i]->is_tester;
        placed->description_hash = arena_string(arena, presence->description_hash);
        placed->file_hash = arena_string(arena, presence->file_hash);
        const Pb__PluginPresence *kept = MESSAGE_COPY(presence, arena);
        placed->capabilities = kept->capabilities;
        placed->n_capabilities = kept->n_capabilities;
        started->services[started->n_services++] = placed;
    }
    core_emit(core, record);
    struct trial *trial = map_get_number(core->durable->trials, started->trial);
    core_trial_link(core, trial);
    trials_advance(core, trial);
}

// ---- needs

bool trials_needs_are_at(const struct instance *instance, unsigned state)
{
    const Pb__ServicePlan *service = instance_plan(instance);
    for (size_t i = 0; i < service->n_needs; i++) {
        const struct instance *needed = trial_instance(instance->trial, service->needs[i]);
        INVARIANT(needed);
        if (needed->state < state || needed->state >= INSTANCE_STOPPING) {
            return false;
        }
    }
    return true;
}

static bool is_gone(const struct instance *instance)
{
    return instance->state == INSTANCE_ENDED || instance->state == INSTANCE_PLACED;
}

// Those that need it have stopped.
static bool dependents_are_stopped(const struct instance *instance)
{
    const struct trial *trial = instance->trial;
    for (size_t i = 0; i < trial->instance_count; i++) {
        const struct instance *other = trial->instances[i];
        const Pb__ServicePlan *service = instance_plan(other);
        for (size_t n = 0; n < service->n_needs; n++) {
            if (strcmp(service->needs[n], instance->service) == 0 && !is_gone(other) && other->state < INSTANCE_STOPPED) {
                return false;
            }
        }
    }
    return true;
}

static bool all_at_least(const struct trial *trial, unsigned state)
{
    for (size_t i = 0; i < trial->instance_count; i++) {
        if (trial->instances[i]->state < state) {
            return false;
        }
    }
    return true;
}

// ---- cases

// A need "http/2" is, in a trial of http, also one of the version that is spoken in it: a server that could do both does one.
static bool is_other_version(const Pb__CellPlan *plan, const char *need)
{
    size_t length = strlen(plan->protocol_name);
    return plan->protocol_version[0] != '\0' && strncmp(need, plan->protocol_name, length) == 0 && need[length] == '/' &&
           strcmp(need + length + 1, plan->protocol_version) != 0;
}

// Every service that the tester drives declares every capability that the case needs, and the trial speaks the version it needs.
bool trials_case_is_supported(const struct core *core, const struct instance *instance, const char *name)
{
    const Pb__CaseDescription *description = commands_case(core, instance, name);
    const Pb__ServicePlan *service = instance_plan(instance);
    if (description && description->n_conditions && !setups_have_network(instance->trial)) {
        return false; // nobody could make them
    }
    if (description && !setups_profiles_exist(core, instance, description)) {
        return false;
    }
    for (size_t n = 0; description && n < description->n_needs; n++) {
        if (is_other_version(instance->trial->plan, description->needs[n])) {
            return false;
        }
        for (size_t d = 0; d < service->n_drives; d++) {
            for (size_t s = 0; s < service->drives[d]->n_services; s++) {
                const struct instance *driven = trial_instance(instance->trial, service->drives[d]->services[s]);
                if (driven && !instance_can(driven, description->needs[n])) {
                    return false;
                }
            }
        }
    }
    return true;
}

void trials_release(struct core *core, struct instance *instance, char **cases, size_t count, const char *entry)
{
    Pb__Record *record = core_record(core);
    record->body_case = PB__RECORD__BODY_CASES_RELEASED;
    Pb__CasesReleased *released = NEW_MESSAGE(core, Pb__CasesReleased, pb__cases_released);
    released->trial = instance->trial->id;
    released->instance = instance->id;
    released->generation = instance->generation;
    released->first_number = instance->last_number + 1;
    released->timeout_ms = instance->trial->plan->timeouts->case_ms;
    released->execute = count == 0;
    released->cases = cases;
    released->n_cases = count;
    released->entry = arena_string(core->effects->arena, entry);
    record->cases_released = MESSAGE_COPY(released, core->effects->arena);
    core_emit(core, record);
}

size_t trials_supported_cases(struct core *core, const struct instance *instance, char ***cases)
{
    const Pb__ServicePlan *service = instance_plan(instance);
    size_t count = 0;
    *cases = ARENA_ARRAY(core->effects->arena, char *, service->n_cases + 1);
    for (size_t i = 0; i < service->n_cases; i++) {
        if (trials_case_is_supported(core, instance, service->cases[i])) {
            (*cases)[count++] = service->cases[i];
        }
    }
    return count;
}

bool trials_plugin_executes(const struct core *core, const struct instance *instance)
{
    const Pb__PluginDescription *description = map_get_text(core->durable->descriptions, instance->description_hash);
    return description && description->executes;
}

// Testers run their cases; testers without cases and IUTs with a main job (a client) execute.
static bool release_work(struct core *core, struct trial *trial)
{
    bool any = false;
    for (size_t i = 0; i < trial->instance_count; i++) {
        struct instance *instance = trial->instances[i];
        if (timeline_releases(instance)) {
            continue;
        }
        bool has_cases = instance->is_tester && instance_plan(instance)->n_cases > 0;
        char **cases = NULL;
        size_t count = has_cases ? trials_supported_cases(core, instance, &cases) : 0;
        if (count || (!has_cases && trials_plugin_executes(core, instance) && !setups_execute(core, instance))) {
            trials_release(core, instance, cases, count, "");
            any = true;
        }
    }
    return any;
}

// ---- advancing

void trials_stop(struct core *core, struct trial *trial, const struct outcome *outcome, bool cancel)
{
    bool is_stopping = trial->state >= TRIAL_STOPPING && !holds_is_held(trial);
    if (is_stopping && (!outcome || !verdict_is_worse(outcome->verdict, trial->outcome.verdict))) {
        return;
    }
    Pb__Record *record = core_record(core);
    record->body_case = PB__RECORD__BODY_TRIAL_STOPPING;
    record->trial_stopping = NEW_MESSAGE(core, Pb__TrialStopping, pb__trial_stopping);
    record->trial_stopping->trial = trial->id;
    record->trial_stopping->cancel = cancel;
    if (outcome) {
        record->trial_stopping->outcome = core_outcome(core, outcome->verdict, outcome->reason, outcome->text);
    }
    core_emit(core, record);
}

static void stop_for(struct core *core, struct trial *trial, int verdict, int reason, const char *text)
{
    const struct outcome outcome = {verdict, reason, arena_string(core->effects->arena, text)};
    trials_stop(core, trial, &outcome, true);
}

static bool is_broken(const struct trial *trial)
{
    for (size_t i = 0; i < trial->instance_count; i++) {
        if (trial->instances[i]->broken) {
            return true;
        }
    }
    return false;
}

static bool advance_initializing(struct core *core, struct trial *trial)
{
    bool moved = false;
    for (size_t i = 0; i < trial->instance_count; i++) {
        struct instance *instance = trial->instances[i];
        if (instance->state == INSTANCE_PLACED && trials_needs_are_at(instance, INSTANCE_INITIALIZED)) {
            const char *problem = commands_initialize(core, instance);
            if (problem) {
                stop_for(core, trial, VERDICT_ERROR, REASON_INFRASTRUCTURE, problem);
                return true;
            }
            moved = true;
        }
    }
    return moved;
}

static bool advance_starting(struct core *core, struct trial *trial)
{
    bool moved = false;
    for (size_t i = 0; i < trial->instance_count; i++) {
        struct instance *instance = trial->instances[i];
        if (instance->state == INSTANCE_INITIALIZED && trials_needs_are_at(instance, INSTANCE_READY)) {
            commands_issue(core, instance, PB__COMMAND__BODY_START);
            moved = true;
        }
    }
    return moved;
}

static bool advance_running(struct core *core, struct trial *trial)
{
    bool all_done = true, moved = false;
    if (timeline_advance(core, trial) || renewals_advance(core, trial)) {
        return true;
    }
    for (size_t i = 0; i < trial->instance_count; i++) {
        struct instance *instance = trial->instances[i];
        all_done &= instance->state != INSTANCE_RUNNING;
        if (setups_has(core, instance)) {
            moved |= setups_advance(core, instance);
        } else {
            commands_cases(core, instance);
        }
        commands_beside_held(core, instance);
    }
    if (all_done && timeline_is_done(trial)) {
        if (holds_begin(core, trial)) {
            return true;
        }
        trials_stop(core, trial, NULL, false);
        return true;
    }
    return moved;
}

static bool advance_stopping(struct core *core, struct trial *trial)
{
    timeline_tell(core, trial);
    bool moved = false, all_stopped = true, any_left = false, testers_only = holds_are_open(core, trial);
    for (size_t i = 0; i < trial->instance_count; i++) {
        struct instance *instance = trial->instances[i];
        if (is_gone(instance)) {
            continue;
        }
        any_left = true;
        if (instance->state < INSTANCE_STOPPING && (testers_only ? instance->is_tester : dependents_are_stopped(instance))) {
            commands_issue(core, instance, PB__COMMAND__BODY_STOP);
            moved = true;
        }
        all_stopped &= instance->state == INSTANCE_STOPPED || instance->state == INSTANCE_CLEANING;
    }
    if (testers_only) {
        return moved || holds_decide(core, trial);
    }
    for (size_t i = 0; all_stopped && i < trial->instance_count; i++) {
        if (trial->instances[i]->state == INSTANCE_STOPPED) {
            commands_issue(core, trial->instances[i], PB__COMMAND__BODY_CLEANUP);
            moved = true;
        }
    }
    if (!any_left && verdicts_wait_for_clocks(core, trial)) {
        return false;
    }
    if (!any_left) {
        runs_trial_ended(core, trial, verdicts_trial(core, trial)); // the trial is gone
        return false;
    }
    return moved;
}

static bool advance_once(struct core *core, struct trial *trial)
{
    if (holds_is_held(trial)) {
        return holds_advance(core, trial);
    }
    if (trial->state < TRIAL_STOPPING && is_broken(trial)) {
        trials_stop(core, trial, NULL, true);
        return true;
    }
    switch (trial->state) {
    case TRIAL_INITIALIZING:
        return all_at_least(trial, INSTANCE_INITIALIZED) ? advance_starting(core, trial) : advance_initializing(core, trial);
    case TRIAL_STARTING:
        if (!all_at_least(trial, INSTANCE_READY)) {
            return advance_starting(core, trial);
        }
        timeline_zero(core, trial);
        if (!release_work(core, trial) && trial->state == TRIAL_STARTING) {
            trials_stop(core, trial, NULL, false);
            return true;
        }
        for (size_t i = 0; i < trial->instance_count; i++) {
            commands_execute(core, trial->instances[i]);
        }
        return true;
    case TRIAL_RUNNING:
        return advance_running(core, trial);
    default:
        return advance_stopping(core, trial);
    }
}

void trials_advance(struct core *core, struct trial *trial)
{
    while (advance_once(core, trial)) {
    }
}

void trials_tick(struct core *core)
{
    for (struct map_entry *entry = map_first(core->durable->trials); entry;) {
        struct trial *trial = entry->value;
        entry = map_next(core->durable->trials, entry);
        struct trial_link *link = core_trial_link(core, trial);
        if (holds_is_held(trial)) {
            trials_advance(core, trial);
            continue; // its verdict was given in time
        }
        if (trial->state < TRIAL_STOPPING && core->event->now_ns > link->deadline_ns) {
            char text[128];
            snprintf(text, sizeof text, "the trial was not done within timeouts.trial (%u ms); it was %s", trial->plan->timeouts->trial_ms,
                     lifecycle_name(&trial_lifecycle, trial->state));
            stop_for(core, trial, VERDICT_INCONC, REASON_TIMEOUT, text);
            trials_advance(core, trial);
        } else if (trial->state >= TRIAL_STOPPING && !link->wind_down_ns) {
            // at worst each waits for the one before it, and then all clean up
            link->wind_down_ns = core->event->now_ns +
                                 ((trial->instance_count + 2) * (uint64_t)trial->plan->timeouts->stop_ms + WIND_DOWN_SLACK_MS) * NS_PER_MS;
        } else if (!core->is_full) {
            trials_advance(core, trial);
        }
    }
}

const struct trial *trials_find(const struct core *core, const char *name)
{
    for (struct map_entry *entry = map_first(core->durable->trials); entry; entry = map_next(core->durable->trials, entry)) {
        const struct trial *trial = entry->value;
        if (strcmp(trial->name, name) == 0) {
            return trial;
        }
    }
    return NULL;
}

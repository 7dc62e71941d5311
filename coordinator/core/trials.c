// One trial from its start to its end: initialize in the order of needs, start, wait until ready, run the cases, stop in reverse,
// clean up. Every decision is a record first; what was recorded and not answered is sent again in a new session.
#include <stdio.h>
#include <string.h>

#include "common/base/message.h"
#include "coordinator/core/state.h"
#include "coordinator/experiment/experiment.h"

#define NS_PER_MS UINT64_C(1000000)
// initialize() writes configuration files and allocates ports: nothing that takes longer on a working host.
#define INITIALIZE_MS 30000
// Why a trial stops, as told to its services: a line of their logs.
#define STOP_WHY_MAX_BYTES 512
static_assert(STOP_WHY_MAX_BYTES <= TEXT_MAX_BYTES, "an agent refuses a text that is longer");

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
        const Pb__PluginPresence *presence = map_get_text(placement->agents[i]->presences, plan->services[i]->plugin);
        Pb__PlacedService *placed = NEW_MESSAGE(core, Pb__PlacedService, pb__placed_service);
        placed->service = started->plan->services[i]->name;
        placed->plugin = started->plan->services[i]->plugin;
        placed->agent = arena_string(arena, placement->agents[i]->name);
        placed->instance = core->durable->last_instance + 1 + i;
        placed->is_tester = plan->services[i]->is_tester;
        placed->description_hash = arena_string(arena, presence->description_hash);
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

// ---- commands

static struct agent_live *reachable(const struct core *core, const struct instance *instance)
{
    struct agent_live *agent = sessions_agent(core, instance->agent);
    return agent_live_is_connected(agent) && agent->reconciled ? agent : NULL;
}

static void send_commands(struct core *core, const struct agent_live *agent, Pb__Command **commands, size_t count)
{
    Pb__Envelope *envelope = core_send(core, agent->route, agent->session);
    envelope->body_case = PB__ENVELOPE__BODY_COMMANDS;
    envelope->commands = NEW_MESSAGE(core, Pb__Commands, pb__commands);
    envelope->commands->commands = commands;
    envelope->commands->n_commands = count;
}

static void send_one(struct core *core, const struct instance *instance, const Pb__Command *command)
{
    const struct agent_live *agent = reachable(core, instance);
    if (agent) {
        Pb__Command **commands = ARENA_ARRAY(core->effects->arena, Pb__Command *, 1);
        commands[0] = MESSAGE_COPY(command, core->effects->arena);
        send_commands(core, agent, commands, 1);
    }
}

static Pb__Command *command_new(struct core *core, const struct instance *instance, uint32_t number)
{
    Pb__Command *command = NEW_MESSAGE(core, Pb__Command, pb__command);
    command->instance = instance->id;
    command->generation = instance->generation;
    command->number = number;
    return command;
}

// Initialize begins a lease when it is sent, which may be long after it was decided; and it runs from the agent's own last stamp that we
// know, so that one that waits on its way (for the disk, in a queue) begins none that we do not count with.
static void send_initialize(struct core *core, struct instance *instance, const Pb__Command *command)
{
    if (core_trial_is_over(core, instance->trial)) {
        return;
    }
    core_instance_link(core, instance)->lease_until_ns = core_lease_until(core, instance);
    const struct agent_live *agent = reachable(core, instance);
    if (agent) {
        Pb__Command *stamped = MESSAGE_COPY(command, core->effects->arena);
        stamped->initialize->lease_stamp_ns = agent->stamp_ns;
        send_one(core, instance, stamped);
    }
}

static void send_open(struct core *core, struct instance *instance, const Pb__Command *command)
{
    if (command->body_case == PB__COMMAND__BODY_INITIALIZE) {
        send_initialize(core, instance, command);
    } else {
        send_one(core, instance, command);
    }
}

static void issue(struct core *core, struct instance *instance, Pb__Command *command)
{
    Pb__Record *record = core_record(core);
    record->body_case = PB__RECORD__BODY_COMMAND_ISSUED;
    record->command_issued = NEW_MESSAGE(core, Pb__CommandIssued, pb__command_issued);
    record->command_issued->trial = instance->trial->id;
    record->command_issued->command = command;
    core_emit(core, record);
    send_open(core, instance, command);
}

static Pb__Peer *peer_of(struct core *core, const struct instance *needed)
{
    Pb__Peer *peer = NEW_MESSAGE(core, Pb__Peer, pb__peer);
    struct arena *arena = core->effects->arena;
    peer->service = arena_string(arena, needed->service);
    peer->plugin = arena_string(arena, needed->plugin);
    peer->role = arena_string(arena, instance_plan(needed)->role);
    peer->host = arena_string(arena, needed->agent);
    const Pb__CommandDone *done = needed->initialized ? MESSAGE_COPY(needed->initialized, arena) : NULL;
    if (done) {
        peer->endpoints = done->endpoints;
        peer->n_endpoints = done->n_endpoints;
    }
    return peer;
}

static const char *settings_resolve(struct core *core, const Pb__ServicePlan *service, Pb__Initialize *initialize)
{
    struct arena *arena = core->effects->arena;
    initialize->settings = ARENA_ARRAY(arena, Pb__Setting *, service->n_options + 1);
    for (size_t i = 0; i < service->n_options; i++) {
        const Pb__PlacedSetting *given = service->options[i];
        Pb__Setting *setting = NEW_MESSAGE(core, Pb__Setting, pb__setting);
        setting->name = arena_string(arena, given->name);
        setting->values = ARENA_ARRAY(arena, char *, given->n_values + 1);
        for (size_t v = 0; v < given->n_values; v++) {
            const char *reason = NULL;
            char *text =
                experiment_resolve_text(given->values[v], (const Pb__Peer *const *)initialize->peers, initialize->n_peers, arena, &reason);
            if (!text) {
                return arena_printf(arena, "%s: option %s: %s", service->name, given->name, reason);
            }
            setting->values[setting->n_values++] = text;
        }
        initialize->settings[initialize->n_settings++] = setting;
    }
    return NULL;
}

static void output_rules(struct core *core, const struct instance *instance, Pb__Initialize *initialize)
{
    const Pb__CellPlan *plan = instance->trial->plan;
    initialize->output_rules = ARENA_ARRAY(core->effects->arena, Pb__OutputRule *, plan->n_assertions + 1);
    for (size_t i = 0; i < plan->n_assertions; i++) {
        const Pb__Assertion *assertion = plan->assertions[i];
        if (assertion->body_case != PB__ASSERTION__BODY_OUTPUT || strcmp(assertion->service, instance->service) != 0) {
            continue;
        }
        Pb__OutputRule *rule = NEW_MESSAGE(core, Pb__OutputRule, pb__output_rule);
        rule->id = (uint32_t)i + 1;
        rule->is_regex = assertion->output->is_regex;
        rule->pattern = arena_string(core->effects->arena, assertion->output->pattern);
        rule->stream = arena_string(core->effects->arena, assertion->output->stream);
        initialize->output_rules[initialize->n_output_rules++] = rule;
    }
}

// The experiment's files that this instance's options name: no host fetches what it does not need.
static void files_needed(struct core *core, const struct trial *trial, Pb__Initialize *initialize)
{
    struct arena *arena = core->effects->arena;
    const Pb__Experiment *experiment = trial->run->experiment;
    initialize->files = ARENA_ARRAY(arena, Pb__FileReference *, experiment->n_files + 1);
    for (size_t f = 0; f < experiment->n_files; f++) {
        const char *reference = arena_printf(arena, "$(file.%s)", experiment->files[f]->name);
        bool is_needed = false;
        for (size_t s = 0; s < initialize->n_settings; s++) {
            for (size_t v = 0; v < initialize->settings[s]->n_values; v++) {
                is_needed |= strcmp(initialize->settings[s]->values[v], reference) == 0;
            }
        }
        if (is_needed) {
            initialize->files[initialize->n_files++] = MESSAGE_COPY(experiment->files[f], arena);
        }
    }
}

// NULL, or why the instance cannot be told to initialize.
static const char *issue_initialize(struct core *core, struct instance *instance)
{
    struct arena *arena = core->effects->arena;
    const struct trial *trial = instance->trial;
    const Pb__ServicePlan *service = MESSAGE_COPY(instance_plan(instance), arena);
    Pb__Command *command = command_new(core, instance, 1);
    command->body_case = PB__COMMAND__BODY_INITIALIZE;
    Pb__Initialize *initialize = command->initialize = NEW_MESSAGE(core, Pb__Initialize, pb__initialize);
    initialize->plugin = arena_string(arena, instance->plugin);
    initialize->description_hash = arena_string(arena, instance->description_hash);
    initialize->trial_name = arena_string(arena, trial->name);
    initialize->service = arena_string(arena, instance->service);
    initialize->is_tester = instance->is_tester;
    initialize->role = service->role;
    initialize->protocol_name = arena_string(arena, trial->plan->protocol_name);
    initialize->protocol_version = arena_string(arena, trial->plan->protocol_version);
    initialize->peers = ARENA_ARRAY(arena, Pb__Peer *, service->n_needs + 1);
    for (size_t i = 0; i < service->n_needs; i++) {
        initialize->peers[initialize->n_peers++] = peer_of(core, trial_instance(trial, service->needs[i]));
    }
    const char *problem = settings_resolve(core, service, initialize);
    if (problem) {
        return problem;
    }
    initialize->drives = service->drives;
    initialize->n_drives = service->n_drives;
    files_needed(core, trial, initialize);
    output_rules(core, instance, initialize);
    initialize->seed = trial->plan->seed;
    initialize->lease_ms = trial->lease_ms;
    initialize->initialize_ms = INITIALIZE_MS;
    initialize->start_ms = trial->plan->timeouts->ready_ms;
    initialize->stop_ms = trial->plan->timeouts->stop_ms;
    issue(core, instance, command);
    return NULL;
}

// Somebody's words may be as long as a text can be, and ours stand before them.
static char *stop_why(struct core *core, const struct trial *trial)
{
    const char *text = trial->outcome.text ? trial->outcome.text : "";
    size_t bytes = strlen(text);
    return arena_string_bytes(core->effects->arena, text, bytes < STOP_WHY_MAX_BYTES ? bytes : STOP_WHY_MAX_BYTES);
}

static void issue_simple(struct core *core, struct instance *instance, Pb__Command__BodyCase kind)
{
    Pb__Command *command = command_new(core, instance, instance->last_number + 1);
    command->body_case = kind;
    switch (kind) {
    case PB__COMMAND__BODY_START:
        command->start = NEW_MESSAGE(core, Pb__Start, pb__start);
        break;
    case PB__COMMAND__BODY_STOP:
        command->stop = NEW_MESSAGE(core, Pb__Stop, pb__stop);
        command->stop->cancel = instance->trial->cancelled;
        command->stop->why = stop_why(core, instance->trial);
        break;
    case PB__COMMAND__BODY_CLEANUP:
        command->cleanup = NEW_MESSAGE(core, Pb__Cleanup, pb__cleanup);
        break;
    default:
        PANIC("not a simple command: %d", (int)kind);
    }
    issue(core, instance, command);
}

// ---- needs

static bool needs_are_at(const struct instance *instance, unsigned state)
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

static struct map *cases_by_name(const Pb__PluginDescription *description)
{
    struct map *cases = map_new();
    for (size_t i = 0; description && i < description->n_cases; i++) {
        map_put_text(cases, description->cases[i]->name, description->cases[i]);
    }
    return cases;
}

// A plugin may have 20,000 cases, and a trial looks up each of them. Descriptions are kept for ever, so what points into them stays true.
static const Pb__CaseDescription *case_description(const struct core *core, const struct instance *instance, const char *name)
{
    struct map *cases = map_get_text(core->cases, instance->description_hash);
    if (!cases) {
        cases = cases_by_name(map_get_text(core->durable->descriptions, instance->description_hash));
        map_put_text(core->cases, instance->description_hash, cases);
    }
    return map_get_text(cases, name);
}

// Every service that the tester drives declares every capability that the case needs.
bool trials_case_is_supported(const struct core *core, const struct instance *instance, const char *name)
{
    const Pb__CaseDescription *description = case_description(core, instance, name);
    const Pb__ServicePlan *service = instance_plan(instance);
    for (size_t n = 0; description && n < description->n_needs; n++) {
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

static void emit_released(struct core *core, struct instance *instance, char **cases, size_t count)
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
    record->cases_released = MESSAGE_COPY(released, core->effects->arena);
    core_emit(core, record);
}

static size_t supported_cases(struct core *core, const struct instance *instance, char ***cases)
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

static bool plugin_executes(const struct core *core, const struct instance *instance)
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
        bool has_cases = instance->is_tester && instance_plan(instance)->n_cases > 0;
        char **cases = NULL;
        size_t count = has_cases ? supported_cases(core, instance, &cases) : 0;
        if (count || (!has_cases && plugin_executes(core, instance))) {
            emit_released(core, instance, cases, count);
            any = true;
        }
    }
    return any;
}

static uint32_t case_timeout_ms(const struct core *core, const struct instance *instance, const char *name)
{
    const Pb__CaseDescription *description = case_description(core, instance, name);
    return description && description->timeout_ms ? description->timeout_ms : instance->case_timeout_ms;
}

// A case needs no commit: its number was given by CasesReleased, which is committed when a case of it was answered. Not with a full
// disk, so that what waits for it stays bounded by the window; and not with a window of one, where "one at a time" means that the
// verdict of the one before is durable.
static bool needs_no_commit(const struct core *core, const struct instance *instance)
{
    return instance->cases_answered > 0 && !core->is_full && core->options.case_window > 1;
}

// Keeps the window of cases on their way full.
static void send_cases(struct core *core, struct instance *instance)
{
    const struct agent_live *agent = reachable(core, instance);
    struct instance_link *link = core_instance_link(core, instance);
    if (!agent || instance->state != INSTANCE_RUNNING) {
        return;
    }
    if (link->cases_sent < instance->next_case) {
        link->cases_sent = instance->next_case;
    }
    Pb__Command **commands = ARENA_ARRAY(core->effects->arena, Pb__Command *, core->options.case_window + 1);
    size_t count = 0;
    while (link->cases_sent < instance->case_count && link->cases_sent - instance->next_case < core->options.case_window) {
        uint32_t index = link->cases_sent++;
        if (instance->case_verdicts[index] != CASE_UNANSWERED) {
            continue;
        }
        Pb__Command *command = command_new(core, instance, instance->first_case + index);
        command->body_case = PB__COMMAND__BODY_RUN_CASE;
        command->run_case = NEW_MESSAGE(core, Pb__RunCase, pb__run_case);
        command->run_case->name = arena_string(core->effects->arena, instance->cases[index]);
        command->run_case->timeout_ms = case_timeout_ms(core, instance, instance->cases[index]);
        commands[count++] = command;
    }
    if (count) {
        send_commands(core, agent, commands, count);
        core->effects->sends[core->effects->send_count - 1].prompt = needs_no_commit(core, instance);
    }
}

static void send_execute(struct core *core, struct instance *instance)
{
    if (!instance->execute_number || instance->execute_answered || instance->state != INSTANCE_RUNNING) {
        return;
    }
    Pb__Command *command = command_new(core, instance, instance->execute_number);
    command->body_case = PB__COMMAND__BODY_EXECUTE;
    command->execute = NEW_MESSAGE(core, Pb__Execute, pb__execute);
    command->execute->timeout_ms = instance->case_timeout_ms;
    send_one(core, instance, command);
}

void trials_resend(struct core *core, struct instance *instance)
{
    if (instance->initialize) {
        send_initialize(core, instance, instance->initialize);
    }
    if (instance->open) {
        send_open(core, instance, instance->open);
    }
    send_execute(core, instance);
    send_cases(core, instance);
}

// ---- advancing

void trials_stop(struct core *core, struct trial *trial, const struct outcome *outcome, bool cancel)
{
    if (trial->state >= TRIAL_STOPPING && (!outcome || !verdict_is_worse(outcome->verdict, trial->outcome.verdict))) {
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
        if (instance->state == INSTANCE_PLACED && needs_are_at(instance, INSTANCE_INITIALIZED)) {
            const char *problem = issue_initialize(core, instance);
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
        if (instance->state == INSTANCE_INITIALIZED && needs_are_at(instance, INSTANCE_READY)) {
            issue_simple(core, instance, PB__COMMAND__BODY_START);
            moved = true;
        }
    }
    return moved;
}

static bool advance_running(struct core *core, struct trial *trial)
{
    bool all_done = true;
    for (size_t i = 0; i < trial->instance_count; i++) {
        struct instance *instance = trial->instances[i];
        all_done &= instance->state != INSTANCE_RUNNING;
        send_cases(core, instance);
    }
    if (all_done) {
        trials_stop(core, trial, NULL, false);
    }
    return all_done;
}

static bool advance_stopping(struct core *core, struct trial *trial)
{
    bool moved = false, all_stopped = true, any_left = false;
    for (size_t i = 0; i < trial->instance_count; i++) {
        struct instance *instance = trial->instances[i];
        if (is_gone(instance)) {
            continue;
        }
        any_left = true;
        if (instance->state < INSTANCE_STOPPING && dependents_are_stopped(instance)) {
            issue_simple(core, instance, PB__COMMAND__BODY_STOP);
            moved = true;
        }
        all_stopped &= instance->state == INSTANCE_STOPPED || instance->state == INSTANCE_CLEANING;
    }
    for (size_t i = 0; all_stopped && i < trial->instance_count; i++) {
        if (trial->instances[i]->state == INSTANCE_STOPPED) {
            issue_simple(core, trial->instances[i], PB__COMMAND__BODY_CLEANUP);
            moved = true;
        }
    }
    if (!any_left) {
        runs_trial_ended(core, trial, verdicts_trial(core, trial)); // the trial is gone
        return false;
    }
    return moved;
}

static bool advance_once(struct core *core, struct trial *trial)
{
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
        if (!release_work(core, trial)) {
            trials_stop(core, trial, NULL, false);
            return true;
        }
        for (size_t i = 0; i < trial->instance_count; i++) {
            send_execute(core, trial->instances[i]);
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

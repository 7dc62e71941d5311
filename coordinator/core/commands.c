// What instances are told: commands as records first, then on their way, and again in a new session; the window of cases.
#include <string.h>

#include "common/base/message.h"
#include "coordinator/core/state.h"
#include "coordinator/experiment/experiment.h"

// initialize() writes configuration files and allocates ports: nothing that takes longer on a working host.
#define INITIALIZE_MS 30000
// Why a trial stops, as told to its services: a line of their logs.
#define STOP_WHY_MAX_BYTES 512
static_assert(STOP_WHY_MAX_BYTES <= TEXT_MAX_BYTES, "an agent refuses a text that is longer");

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
const char *commands_initialize(struct core *core, struct instance *instance)
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
    const uint32_t build_ms = core_builds(core, instance) ? trial->plan->timeouts->build_ms : 0;
    initialize->initialize_ms = build_ms > INITIALIZE_MS ? build_ms : INITIALIZE_MS;
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

void commands_issue(struct core *core, struct instance *instance, Pb__Command__BodyCase kind)
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
const Pb__CaseDescription *commands_case(const struct core *core, const struct instance *instance, const char *name)
{
    struct map *cases = map_get_text(core->cases, instance->description_hash);
    if (!cases) {
        cases = cases_by_name(map_get_text(core->durable->descriptions, instance->description_hash));
        map_put_text(core->cases, instance->description_hash, cases);
    }
    return map_get_text(cases, name);
}

static uint32_t case_timeout_ms(const struct core *core, const struct instance *instance, const char *name)
{
    const Pb__CaseDescription *description = commands_case(core, instance, name);
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
void commands_cases(struct core *core, struct instance *instance)
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

void commands_execute(struct core *core, struct instance *instance)
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

void commands_resend(struct core *core, struct instance *instance)
{
    if (instance->initialize) {
        send_initialize(core, instance, instance->initialize);
    }
    if (instance->open) {
        send_open(core, instance, instance->open);
    }
    commands_execute(core, instance);
    commands_cases(core, instance);
}

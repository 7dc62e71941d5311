// What instances are told: commands as records first, then on their way, and again in a new session; the window of cases.
#include <stdlib.h>
#include <string.h>

#include "common/base/message.h"
#include "coordinator/core/state.h"

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

Pb__Command *commands_new(struct core *core, const struct instance *instance, uint32_t number)
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

// for_tester: whose next case it prepares; NULL: none.
void commands_decide(struct core *core, struct instance *instance, Pb__Command *command, const struct instance *for_tester)
{
    Pb__Record *record = core_record(core);
    record->body_case = PB__RECORD__BODY_COMMAND_ISSUED;
    record->command_issued = NEW_MESSAGE(core, Pb__CommandIssued, pb__command_issued);
    record->command_issued->trial = instance->trial->id;
    record->command_issued->command = command;
    if (for_tester) {
        record->command_issued->tester = for_tester->id;
        record->command_issued->case_number = for_tester->case_numbers[for_tester->next_case];
    }
    core_emit(core, record);
    send_open(core, instance, command);
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
    Pb__Command *command = commands_new(core, instance, instance->last_number + 1);
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
    commands_decide(core, instance, command, NULL);
}

// It has a number that was never sent, nor will be.
static bool case_was_skipped(const struct instance *instance, uint32_t number)
{
    for (uint32_t i = 0; i < instance->case_count; i++) {
        if (instance->case_numbers[i] == number) {
            return map_get_number(instance->skipped, i) != NULL;
        }
    }
    return false;
}

// A fault, or a run, beside whatever the service is told else. Its number is the next one.
void commands_beside(struct core *core, struct instance *instance, const Pb__Fault *fault, const Pb__RunBeside *run)
{
    Pb__Command *command = commands_new(core, instance, instance->last_number + 1);
    command->body_case = fault ? PB__COMMAND__BODY_FAULT : PB__COMMAND__BODY_RUN;
    command->after_gap = case_was_skipped(instance, command->number - 1);
    if (fault) {
        command->fault = MESSAGE_COPY(fault, core->effects->arena);
    } else {
        command->run = MESSAGE_COPY(run, core->effects->arena);
    }
    commands_decide(core, instance, command, NULL);
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

uint32_t commands_case_timeout_ms(const struct core *core, const struct instance *instance, const char *name)
{
    const Pb__CaseDescription *description = commands_case(core, instance, name);
    uint32_t ms = description && description->timeout_ms ? description->timeout_ms : instance->case_timeout_ms;
    return environments_trial_ms(instance->trial, ms, core->effects->arena);
}

// A case needs no commit: its number was given by CasesReleased, which is committed when a case of it was answered. Not with a full
// disk, so that what waits for it stays bounded by the window; and not with a window of one, where "one at a time" means that the
// verdict of the one before is durable.
static bool needs_no_commit(const struct core *core, const struct instance *instance)
{
    bool released_at_once = instance->trial->plan->n_timeline == 0;
    return released_at_once && instance->cases_answered > 0 && !core->is_full && core->options.case_window > 1;
}

// Cases that are due: those of the window that were not sent in this session.
static size_t cases_due(struct core *core, struct instance *instance, Pb__Command ***commands)
{
    struct instance_link *link = core_instance_link(core, instance);
    size_t count = 0;
    *commands = ARENA_ARRAY(core->effects->arena, Pb__Command *, core->options.case_window + 1);
    if (setups_has(core, instance) || setups_wait(core, instance)) {
        return 0; // setups.c sends them, one at a time; or it is another tester's turn
    }
    if (link->cases_sent < instance->next_case) {
        link->cases_sent = instance->next_case;
    }
    while (instance->state == INSTANCE_RUNNING && link->cases_sent < instance->case_count &&
           link->cases_sent - instance->next_case < core->options.case_window) {
        uint32_t index = link->cases_sent++;
        if (instance->case_verdicts[index] != CASE_UNANSWERED) {
            continue;
        }
        Pb__Command *command = commands_new(core, instance, instance->case_numbers[index]);
        command->body_case = PB__COMMAND__BODY_RUN_CASE;
        command->run_case = NEW_MESSAGE(core, Pb__RunCase, pb__run_case);
        command->run_case->name = arena_string(core->effects->arena, instance->cases[index]);
        command->run_case->timeout_ms = commands_case_timeout_ms(core, instance, instance->cases[index]);
        (*commands)[count++] = command;
    }
    return count;
}

// Keeps the window of cases on their way full.
void commands_cases(struct core *core, struct instance *instance)
{
    const struct agent_live *agent = reachable(core, instance);
    Pb__Command **commands;
    size_t count = agent ? cases_due(core, instance, &commands) : 0;
    if (count) {
        send_commands(core, agent, commands, count);
        core->effects->sends[core->effects->send_count - 1].prompt = needs_no_commit(core, instance);
    }
}

// NULL: not released, or answered.
static Pb__Command *open_execute(struct core *core, const struct instance *instance)
{
    if (!instance->execute_number || instance->execute_answered || instance->state != INSTANCE_RUNNING) {
        return NULL;
    }
    Pb__Command *command = commands_new(core, instance, instance->execute_number);
    command->body_case = PB__COMMAND__BODY_EXECUTE;
    command->execute = NEW_MESSAGE(core, Pb__Execute, pb__execute);
    command->execute->timeout_ms = instance->for_tester
                                       ? instance->case_timeout_ms
                                       : environments_trial_ms(instance->trial, instance->case_timeout_ms, core->effects->arena);
    return command;
}

void commands_execute(struct core *core, struct instance *instance)
{
    const Pb__Command *command = open_execute(core, instance);
    if (command) {
        send_one(core, instance, command);
    }
}

// ---- a case with setups

static Pb__CasePeer *case_peer(struct core *core, const char *drive, const struct instance *driven)
{
    struct arena *arena = core->effects->arena;
    Pb__CasePeer *peer = NEW_MESSAGE(core, Pb__CasePeer, pb__case_peer);
    peer->drive = arena_string(arena, drive);
    peer->peer = commands_peer(core, driven);
    peer->profile = arena_string(arena, driven->profile);
    const Pb__Event *executed = driven->executed;
    if (executed) {
        const Pb__CommandDone *done = executed->command_done;
        peer->executed = true;
        peer->ended_ns = executed->boottime_ns;
        peer->began_ns = executed->boottime_ns > done->duration_ns ? executed->boottime_ns - done->duration_ns : 0;
        bool is_ok = done->status == PB__COMMAND_STATUS__COMMAND_STATUS_OK;
        bool is_late = done->status == PB__COMMAND_STATUS__COMMAND_STATUS_TIMEOUT;
        peer->outcome = done->outcome && is_ok ? MESSAGE_COPY(done->outcome, arena)
                                               : core_outcome(core, is_ok ? VERDICT_PASS : VERDICT_FAIL,
                                                              is_ok     ? REASON_UNSPECIFIED
                                                              : is_late ? REASON_TIMEOUT
                                                                        : REASON_ASSERTION,
                                                              done->text);
    }
    return peer;
}

// Whom it drives, as they are now, and the network, where evidence lies.
static void case_peers(struct core *core, const struct instance *tester, Pb__RunCase *run_case)
{
    const struct trial *trial = tester->trial;
    const Pb__ServicePlan *plan = instance_plan(tester);
    run_case->peers = ARENA_ARRAY(core->effects->arena, Pb__CasePeer *, SERVICES_PER_TEST_MAX + 1);
    for (size_t d = 0; d < plan->n_drives; d++) {
        for (size_t s = 0; s < plan->drives[d]->n_services; s++) {
            const struct instance *driven = trial_instance(trial, plan->drives[d]->services[s]);
            if (driven && run_case->n_peers < SERVICES_PER_TEST_MAX) {
                run_case->peers[run_case->n_peers++] = case_peer(core, plan->drives[d]->name, driven);
            }
        }
    }
    for (size_t i = 0; i < trial->instance_count; i++) {
        if (instance_plan(trial->instances[i])->is_network && run_case->n_peers < SERVICES_PER_TEST_MAX) {
            run_case->peers[run_case->n_peers++] = case_peer(core, "network", trial->instances[i]);
        }
    }
}

void commands_prepared_case(struct core *core, struct instance *tester, const Pb__CaseDescription *description)
{
    const struct agent_live *agent = reachable(core, tester);
    if (!agent) {
        return;
    }
    const uint32_t index = tester->next_case;
    core_instance_link(core, tester)->cases_sent = index + 1;
    Pb__Command **commands = ARENA_ARRAY(core->effects->arena, Pb__Command *, 1);
    commands[0] = commands_new(core, tester, tester->case_numbers[index]);
    commands[0]->body_case = PB__COMMAND__BODY_RUN_CASE;
    Pb__RunCase *run_case = commands[0]->run_case = NEW_MESSAGE(core, Pb__RunCase, pb__run_case);
    run_case->name = arena_string(core->effects->arena, tester->cases[index]);
    run_case->timeout_ms = commands_case_timeout_ms(core, tester, tester->cases[index]);
    case_peers(core, tester, run_case);
    if (description) {
        const Pb__CaseDescription *kept = MESSAGE_COPY(description, core->effects->arena);
        run_case->conditions = kept->conditions;
        run_case->n_conditions = kept->n_conditions;
    }
    send_commands(core, agent, commands, 1);
}

// ---- again

bool commands_case_waits(struct core *core, const struct instance *instance)
{
    return instance->state == INSTANCE_RUNNING && instance->next_case < instance->case_count &&
           core_instance_link(core, instance)->cases_sent <= instance->next_case;
}

// Those whose turn it is: behind a case that was not sent yet they would be out of order.
static size_t besides_due(struct core *core, struct instance *instance, Pb__Command **commands)
{
    struct instance_link *link = core_instance_link(core, instance);
    const uint32_t before = commands_case_waits(core, instance) ? instance->case_numbers[instance->next_case] : UINT32_MAX;
    size_t count = 0;
    link->beside_is_held = false;
    for (struct map_entry *entry = map_first(instance->beside); entry; entry = map_next(instance->beside, entry)) {
        Pb__Command *command = MESSAGE_COPY((const Pb__Command *)entry->value, core->effects->arena);
        command->after_gap = case_was_skipped(instance, command->number - 1);
        link->beside_is_held |= command->number > before;
        commands[count] = command;
        count += command->number < before;
    }
    return count;
}

void commands_beside_held(struct core *core, struct instance *instance)
{
    const struct agent_live *agent = reachable(core, instance);
    if (!agent || !core_instance_link(core, instance)->beside_is_held || commands_case_waits(core, instance)) {
        return;
    }
    Pb__Command **commands = ARENA_ARRAY(core->effects->arena, Pb__Command *, map_count(instance->beside) + 1);
    size_t count = besides_due(core, instance, commands);
    if (count) {
        send_commands(core, agent, commands, count);
    }
}

static int by_number(const void *left, const void *right)
{
    const Pb__Command *const *a = left, *const *b = right;
    return (*a)->number < (*b)->number ? -1 : (*a)->number > (*b)->number;
}

// All that is open but Initialize, which begins a lease: the order is that of the numbers.
void commands_resend(struct core *core, struct instance *instance)
{
    bool initializes = instance->open && instance->open->body_case == PB__COMMAND__BODY_INITIALIZE;
    const struct agent_live *agent = reachable(core, instance);
    if (instance->initialize) {
        send_initialize(core, instance, instance->initialize);
    }
    if (initializes) {
        send_initialize(core, instance, instance->open);
    }
    if (!agent) {
        return;
    }
    Pb__Command **cases, *execute = open_execute(core, instance);
    size_t case_count = cases_due(core, instance, &cases), count = 0;
    Pb__Command **commands = ARENA_ARRAY(core->effects->arena, Pb__Command *, case_count + map_count(instance->beside) + 2);
    for (size_t i = 0; i < case_count; i++) {
        commands[count++] = cases[i];
    }
    if (instance->open && !initializes) {
        commands[count++] = MESSAGE_COPY(instance->open, core->effects->arena);
    }
    if (execute) {
        commands[count++] = execute;
    }
    count += besides_due(core, instance, &commands[count]);
    qsort(commands, count, sizeof *commands, by_number);
    if (count) {
        send_commands(core, agent, commands, count);
    }
}

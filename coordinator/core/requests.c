// Requests of clients: submit, cancel, live state. Keys are in keys.c; reading the store (Query) and backups are the shell's.
#include <stdio.h>
#include <string.h>

#include "common/base/message.h"
#include "coordinator/core/state.h"
#include "coordinator/experiment/experiment.h"

// Cells that a dry run shows: what a person reads.
#define DRY_RUN_CELLS_MAX 200
// Names of cases that a dry run shows: with 100 bytes each far below a control frame.
#define DRY_RUN_CASES_MAX 20000

static bool is_operator(struct core *core, uint64_t request)
{
    if (core->event->role == PB__ROLE__ROLE_OPERATOR) {
        return true;
    }
    core_refuse(core, core->event->route, request, PB__REFUSAL_CODE__REFUSAL_CODE_ROLE, 0, "%s is a viewer: this needs the role operator",
                core->event->peer_name);
    return false;
}

// ---- submit

static Pb__Submitted *submitted_reply(struct core *core)
{
    Pb__Reply *reply = core_reply(core, core->event->route, core->event->request);
    reply->body_case = PB__REPLY__BODY_SUBMITTED;
    reply->submitted = NEW_MESSAGE(core, Pb__Submitted, pb__submitted);
    reply->submitted->n_diagnostics = core->event->diagnostic_count;
    reply->submitted->diagnostics = ARENA_ARRAY(core->effects->arena, Pb__Diagnostic *, core->event->diagnostic_count + 1);
    for (size_t i = 0; i < core->event->diagnostic_count; i++) {
        reply->submitted->diagnostics[i] = MESSAGE_COPY(core->event->diagnostics[i], core->effects->arena);
    }
    return reply->submitted;
}

static uint64_t count_cells(const Pb__Experiment *experiment)
{
    uint64_t cells = 0;
    for (size_t i = 0; i < experiment->n_tests; i++) {
        cells += experiment_cells(experiment->tests[i]);
    }
    return cells;
}

static Pb__PlannedCell *plan_cell(struct core *core, const Pb__Experiment *experiment, size_t test, uint64_t cell, Pb__CellPlan *plan)
{
    struct arena *arena = core->effects->arena;
    struct placement placement;
    placement_find(core, plan, arena, &placement);
    Pb__PlannedCell *planned = NEW_MESSAGE(core, Pb__PlannedCell, pb__planned_cell);
    planned->name = experiment_cell_name(core->durable->last_run + 1, experiment, test, cell, arena);
    planned->problem = arena_string(arena, placement.problem ? placement.problem : "");
    planned->services = ARENA_ARRAY(arena, Pb__PlannedService *, plan->n_services + 1);
    for (size_t i = 0; i < plan->n_services; i++) {
        Pb__PlannedService *service = NEW_MESSAGE(core, Pb__PlannedService, pb__planned_service);
        service->service = plan->services[i]->name;
        service->plugin = plan->services[i]->plugin;
        service->host = arena_string(arena, placement.problem ? "" : placement.agents[i]->name);
        service->cases = plan->services[i]->cases;
        service->n_cases = plan->services[i]->n_cases;
        planned->services[planned->n_services++] = service;
    }
    return planned;
}

static bool leave_out_cases(Pb__PlannedCell *planned, size_t *cases)
{
    bool any = false;
    for (size_t i = 0; i < planned->n_services; i++) {
        *cases += planned->services[i]->n_cases;
        if (*cases > DRY_RUN_CASES_MAX) {
            any |= planned->services[i]->n_cases > 0;
            planned->services[i]->n_cases = 0;
        }
    }
    return any;
}

static size_t count_hosts(const Pb__PlannedCell *planned)
{
    size_t count = 0;
    for (size_t i = 0; i < planned->n_services; i++) {
        size_t before = 0;
        while (before < i && strcmp(planned->services[before]->host, planned->services[i]->host) != 0) {
            before++;
        }
        count += before == i;
    }
    return count;
}

// A bound, not a guess: no trial takes longer, and few take as long.
static uint64_t host_time(struct core *core, const Pb__Experiment *experiment)
{
    uint64_t time = 0, of_test;
    for (size_t test = 0; test < experiment->n_tests; test++) {
        Pb__CellPlan *plan = experiment_cell(experiment, test, 0, core->effects->arena);
        size_t hosts = count_hosts(plan_cell(core, experiment, test, 0, plan));
        uint64_t cell_ms = (uint64_t)hosts * (plan->timeouts ? plan->timeouts->trial_ms : 0);
        if (__builtin_mul_overflow(cell_ms, experiment_cells(experiment->tests[test]), &of_test) ||
            __builtin_add_overflow(time, of_test, &time)) {
            return UINT64_MAX;
        }
    }
    return time;
}

static void dry_run(struct core *core, Pb__Submitted *submitted, const Pb__Experiment *experiment)
{
    size_t cases = 0;
    struct map *looked_at = map_new();
    submitted->host_ms_at_most = host_time(core, experiment);
    submitted->plan = ARENA_ARRAY(core->effects->arena, Pb__PlannedCell *, DRY_RUN_CELLS_MAX);
    for (size_t test = 0; test < experiment->n_tests; test++) {
        for (uint64_t cell = 0; cell < experiment_cells(experiment->tests[test]); cell++) {
            if (submitted->n_plan == DRY_RUN_CELLS_MAX) {
                submitted->plan_truncated = true;
                map_free(&looked_at);
                return;
            }
            Pb__CellPlan *plan = experiment_cell(experiment, test, cell, core->effects->arena);
            skew_look(core, submitted, plan, looked_at);
            Pb__PlannedCell *planned = plan_cell(core, experiment, test, cell, plan);
            submitted->plan_truncated |= leave_out_cases(planned, &cases);
            submitted->plan[submitted->n_plan++] = MESSAGE_COPY(planned, core->effects->arena);
        }
    }
    map_free(&looked_at);
}

static void name_run(struct core *core, Pb__Submitted *submitted, uint64_t run)
{
    submitted->run = run;
    submitted->run_name = arena_printf(core->effects->arena, "r%llu", (unsigned long long)run);
}

static void accept_run(struct core *core, Pb__Submitted *submitted)
{
    const struct core_event *event = core->event;
    struct arena *arena = core->effects->arena;
    Pb__Record *record = core_record(core);
    record->body_case = PB__RECORD__BODY_RUN_ACCEPTED;
    Pb__RunAccepted *run = record->run_accepted = NEW_MESSAGE(core, Pb__RunAccepted, pb__run_accepted);
    const Pb__Submit *submit = MESSAGE_COPY(event->submit, arena);
    run->run = core->durable->last_run + 1;
    run->key = submit->key;
    run->content_hash = arena_string(arena, event->content_hash);
    run->experiment = MESSAGE_COPY(event->experiment, arena);
    run->file_name = submit->file_name;
    run->text = submit->text;
    run->by = arena_string(arena, event->peer_name);
    run->labels = submit->labels;
    run->n_labels = submit->n_labels;
    run->cells = submitted->cells;
    run->overrides = submit->overrides;
    run->n_overrides = submit->n_overrides;
    run->rerun = submit->rerun;
    core_emit(core, record);
    submitted->accepted = true;
    name_run(core, submitted, run->run);
    core->placement_due = true;
}

static void add_mistake(struct core *core, Pb__Submitted *submitted, uint32_t line, const char *text)
{
    struct arena *arena = core->effects->arena;
    Pb__Diagnostic **grown = ARENA_ARRAY(arena, Pb__Diagnostic *, submitted->n_diagnostics + 1);
    for (size_t i = 0; i < submitted->n_diagnostics; i++) {
        grown[i] = submitted->diagnostics[i];
    }
    Pb__Diagnostic *diagnostic = grown[submitted->n_diagnostics++] = NEW_MESSAGE(core, Pb__Diagnostic, pb__diagnostic);
    diagnostic->file = arena_string(arena, core->event->submit->file_name);
    diagnostic->line = line;
    diagnostic->column = 1;
    diagnostic->message = arena_string(arena, text);
    submitted->diagnostics = grown;
}

// What no agent of the lab could ever take would wait for its whole time in the queue.
static bool refuse_impossible(struct core *core, Pb__Submitted *submitted, const Pb__Experiment *experiment)
{
    bool any = false;
    for (size_t i = 0; i < experiment->n_tests; i++) {
        const Pb__CellPlan *plan = experiment_cell(experiment, i, 0, core->effects->arena);
        const char *why = placement_together(core, plan, core->effects->arena);
        if (why) {
            add_mistake(core, submitted, experiment->tests[i]->line, why);
            any = true;
        }
    }
    return any;
}

void requests_submit(struct core *core)
{
    const struct core_event *event = core->event;
    if (!is_operator(core, event->request)) {
        return;
    }
    const struct submission *before = *event->submit->key ? map_get_text(core->durable->submissions, event->submit->key) : NULL;
    if (before && strcmp(before->content_hash, event->content_hash) != 0) {
        core_refuse(core, event->route, event->request, PB__REFUSAL_CODE__REFUSAL_CODE_CONFLICT, 0,
                    "key \"%s\" was used for run r%llu, whose content was different", event->submit->key, (unsigned long long)before->run);
        return;
    }
    if (before && !event->submit->dry_run) {
        Pb__Submitted *submitted = submitted_reply(core);
        submitted->accepted = submitted->repeated_key = true;
        name_run(core, submitted, before->run);
        return;
    }
    if ((core->is_full || core->is_low) && !event->submit->dry_run) {
        core_refuse(core, event->route, event->request, PB__REFUSAL_CODE__REFUSAL_CODE_NO_SPACE, 5000, "admission has stopped: %s",
                    core->space_why);
        return;
    }
    if (map_count(core->durable->runs) >= RUNS_OPEN_MAX && !event->submit->dry_run) {
        core_refuse(core, event->route, event->request, PB__REFUSAL_CODE__REFUSAL_CODE_BUSY, 5000,
                    "%d runs are open: one of them has to end first", RUNS_OPEN_MAX);
        return;
    }
    Pb__Submitted *submitted = submitted_reply(core);
    if (!event->experiment) {
        return;
    }
    submitted->cells = count_cells(event->experiment);
    if (event->submit->dry_run) {
        dry_run(core, submitted, event->experiment);
    } else if (!refuse_impossible(core, submitted, event->experiment)) {
        accept_run(core, submitted);
    }
}

// ---- cancel

bool requests_find_run(struct core *core, uint64_t request, const char *text, uint64_t *number, struct run **run)
{
    struct full_name name;
    struct panther_error error = {0};
    if (full_name_parse(text, &name, &error) || *name.test) {
        core_refuse(core, core->event->route, request, PB__REFUSAL_CODE__REFUSAL_CODE_INVALID, 0,
                    "\"%s\" is not a run such as r12 or @last", text);
        return false;
    }
    *number = name.is_last ? core->durable->last_run : name.run;
    *run = map_get_number(core->durable->runs, *number);
    if (*number == 0 || *number > core->durable->last_run) {
        core_refuse(core, core->event->route, request, PB__REFUSAL_CODE__REFUSAL_CODE_NOT_FOUND, 0, "there is no run %s", text);
        return false;
    }
    return true;
}

static void cancel(struct core *core, uint64_t request, const Pb__Cancel *cancel)
{
    uint64_t number;
    struct run *run;
    if (!requests_find_run(core, request, cancel->run, &number, &run)) {
        return;
    }
    uint64_t left = run ? run->cells - run->cells_ended : 0;
    if (run && !run->cancelled) {
        struct arena *arena = core->effects->arena;
        Pb__Record *record = core_record(core);
        record->body_case = PB__RECORD__BODY_RUN_CANCELLED;
        record->run_cancelled = NEW_MESSAGE(core, Pb__RunCancelled, pb__run_cancelled);
        record->run_cancelled->run = number;
        record->run_cancelled->by = arena_string(arena, core->event->peer_name);
        record->run_cancelled->why =
            arena_printf(arena, "cancelled by %s%s%s", core->event->peer_name, *cancel->why ? ": " : "", cancel->why);
        core_emit(core, record);
        const struct outcome outcome = {VERDICT_INCONC, REASON_CANCELLED, record->run_cancelled->why};
        for (struct map_entry *entry = map_first(core->durable->trials); entry;) {
            struct trial *trial = entry->value;
            entry = map_next(core->durable->trials, entry);
            if (trial->run == run) {
                trials_stop(core, trial, &outcome, true);
                trials_advance(core, trial);
            }
        }
        core->placement_due = true;
    }
    Pb__Reply *reply = core_reply(core, core->event->route, request);
    reply->body_case = PB__REPLY__BODY_CANCELLED;
    reply->cancelled = NEW_MESSAGE(core, Pb__Cancelled, pb__cancelled);
    reply->cancelled->run = arena_printf(core->effects->arena, "r%llu", (unsigned long long)number);
    reply->cancelled->cells = left;
}

// ---- drain

static bool is_agent(const struct core *core, const char *name)
{
    const struct key_entry *key = map_get_text(core->durable->keys, name);
    return map_get_text(core->durable->agents, name) || (key && key->role == PB__ROLE__ROLE_AGENT && !key->revoked);
}

static void emit_drained(struct core *core, const Pb__Drain *drain)
{
    struct arena *arena = core->effects->arena;
    Pb__Record *record = core_record(core);
    record->body_case = PB__RECORD__BODY_AGENT_DRAINED;
    Pb__AgentDrained *drained = record->agent_drained = NEW_MESSAGE(core, Pb__AgentDrained, pb__agent_drained);
    drained->name = arena_string(arena, drain->agent);
    drained->off = drain->off;
    drained->by = arena_string(arena, core->event->peer_name);
    drained->why = arena_string(arena, drain->why);
    core_emit(core, record);
    sessions_lab_changed(core);
}

// What runs on a drained agent goes on to its end; only nothing more is placed there.
static void drain_agent(struct core *core, uint64_t request, const Pb__Drain *drain)
{
    if (!is_agent(core, drain->agent)) {
        core_refuse(core, core->event->route, request, PB__REFUSAL_CODE__REFUSAL_CODE_NOT_FOUND, 0, "there is no agent %s", drain->agent);
        return;
    }
    const struct agent_identity *agent = map_get_text(core->durable->agents, drain->agent);
    if (!agent || agent->is_drained == drain->off) {
        emit_drained(core, drain);
        agent = map_get_text(core->durable->agents, drain->agent);
    }
    Pb__Reply *reply = core_reply(core, core->event->route, request);
    reply->body_case = PB__REPLY__BODY_DRAINED;
    reply->drained = NEW_MESSAGE(core, Pb__Drained, pb__drained);
    reply->drained->agent = arena_string(core->effects->arena, drain->agent);
    reply->drained->off = drain->off;
    reply->drained->instances = (uint32_t)map_count(agent->placed);
}

// ---- dispatch

void requests_message(struct core *core)
{
    const Pb__Envelope *envelope = core->event->envelope;
    if (envelope->body_case != PB__ENVELOPE__BODY_REQUEST) {
        core_refuse(core, core->event->route, 0, PB__REFUSAL_CODE__REFUSAL_CODE_ROLE, 0, "a client says nothing but requests");
        return;
    }
    const Pb__Request *request = envelope->request;
    uint64_t number = request->number;
    switch (request->body_case) {
    case PB__REQUEST__BODY_LIST_AGENTS:
        lists_agents(core, number, request->list_agents->after);
        return;
    case PB__REQUEST__BODY_LIST_PLUGINS:
        lists_plugins(core, number, request->list_plugins);
        return;
    case PB__REQUEST__BODY_GET_STATUS:
        status_request(core, number, request->get_status);
        return;
    case PB__REQUEST__BODY_LIST_PROCESSES:
        survey_request(core, number, request->list_processes);
        return;
    default:
        break;
    }
    if (!is_operator(core, number)) {
        return;
    }
    switch (request->body_case) {
    case PB__REQUEST__BODY_CANCEL:
        cancel(core, number, request->cancel);
        break;
    case PB__REQUEST__BODY_ANNOTATE:
        annotations_request(core, number, request->annotate);
        break;
    case PB__REQUEST__BODY_DRAIN:
        drain_agent(core, number, request->drain);
        break;
    case PB__REQUEST__BODY_PUSH_PLUGIN:
        pushes_request(core, number, request->push_plugin);
        break;
    case PB__REQUEST__BODY_ADD_KEY:
        keys_add(core, number, request->add_key);
        break;
    case PB__REQUEST__BODY_ADD_KEYS:
        keys_add_all(core, number, request->add_keys);
        break;
    case PB__REQUEST__BODY_REVOKE_KEY:
        keys_revoke(core, number, request->revoke_key->name);
        break;
    case PB__REQUEST__BODY_LIST_KEYS:
        lists_keys(core, number, request->list_keys->after);
        break;
    default:
        core_refuse(core, core->event->route, number, PB__REFUSAL_CODE__REFUSAL_CODE_INVALID, 0,
                    "this coordinator does not know the request");
    }
}

// Requests of clients: submit, cancel, live state. Keys are in keys.c; reading the store (Query) and backups are the shell's.
#include <stdio.h>
#include <string.h>

#include "common/base/message.h"
#include "coordinator/core/state.h"
#include "coordinator/experiment/experiment.h"

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
    if (submit->n_holds) {
        run->experiment->holds = submit->holds;
        run->experiment->n_holds = submit->n_holds;
    }
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
        dry_run_show(core, submitted, event->experiment);
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

// What runs on a drained agent goes on to its end, and what is held there has had it; only nothing more is placed there.
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
    if (!drain->off) {
        holds_drained(core, drain->agent);
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
    case PB__REQUEST__BODY_CAPTURE:
        captures_request(core, number, request->capture);
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
    case PB__REQUEST__BODY_RELEASE:
        holds_release(core, number, request->release);
        break;
    case PB__REQUEST__BODY_PLAN_COMMANDS:
        plans_request(core, number, request->plan_commands);
        break;
    case PB__REQUEST__BODY_SHELL:
        shells_request(core, number, request->shell);
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

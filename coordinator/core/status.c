// The coordinator's own state, and what the cells of a run wait for: each is placed as the scheduler would, and nothing is begun.
#include "common/base/message.h"
#include "coordinator/core/state.h"
#include "coordinator/experiment/experiment.h"

#define NS_PER_MS UINT64_C(1000000)
// Cells that one answer names: what a person reads; the others are counted.
#define WAITING_MAX 100

struct waiting {
    struct core *core;
    const struct run *run;
    Pb__RunStatus *status;
    struct placement_failed failed;
};

static void add(struct waiting *waiting, uint32_t test, uint64_t cell, uint32_t attempts)
{
    struct core *core = waiting->core;
    struct arena *arena = core->effects->arena;
    Pb__RunStatus *status = waiting->status;
    if (status->n_waiting == WAITING_MAX) {
        status->left_out++;
        return;
    }
    Pb__WaitingCell *row = NEW_MESSAGE(core, Pb__WaitingCell, pb__waiting_cell);
    row->name = experiment_cell_name(waiting->run->number, waiting->run->experiment, test, cell, arena);
    row->attempts = attempts;
    status->waiting[status->n_waiting++] = row;
    if (!attempts && runs_cell_waits(waiting->run, test, cell)) {
        row->why = arena_string(arena, "the repetition before it: it decides whether another is needed");
        return;
    }
    struct placement placement;
    placement_find_next(core, experiment_cell(waiting->run->experiment, test, cell, arena), arena, &waiting->failed, &placement);
    row->why = arena_string(arena, placement.problem ? placement.problem : "its turn: it could begin now");
}

static void add_test(struct waiting *waiting, uint32_t test)
{
    const struct test_progress *progress = &waiting->run->tests[test];
    for (struct map_entry *entry = map_first(progress->skipped); entry; entry = map_next(progress->skipped, entry)) {
        add(waiting, test, map_entry_number(entry), 0);
    }
    uint64_t cell = progress->cursor;
    for (; cell < progress->cells && waiting->status->n_waiting < WAITING_MAX; cell++) {
        add(waiting, test, cell, 0);
    }
    waiting->status->left_out += progress->cells - cell;
}

static Pb__RunStatus *waiting_status(struct core *core, const struct run *run)
{
    struct waiting waiting = {.core = core, .run = run, .status = NEW_MESSAGE(core, Pb__RunStatus, pb__run_status)};
    Pb__RunStatus *status = waiting.status;
    status->name = arena_printf(core->effects->arena, "r%llu", (unsigned long long)run->number);
    status->cells = run->cells;
    status->cells_ended = run->cells_ended;
    status->trials_live = run->live_trials;
    status->gates_due = run->cells_ended == run->cells && !run->live_trials && experiment_has_gates(run->experiment);
    status->cancelled = run->cancelled;
    status->waiting = ARENA_ARRAY(core->effects->arena, Pb__WaitingCell *, WAITING_MAX);
    for (struct map_entry *entry = map_first(run->retries); entry; entry = map_next(run->retries, entry)) {
        const struct cell_retry *retry = entry->value;
        add(&waiting, retry->test, retry->cell, retry->attempts);
    }
    for (uint32_t test = 0; test < run->experiment->n_tests; test++) {
        add_test(&waiting, test);
    }
    return status;
}

static Pb__RunStatus *ended_status(struct core *core, uint64_t number)
{
    Pb__RunStatus *status = NEW_MESSAGE(core, Pb__RunStatus, pb__run_status);
    status->name = arena_printf(core->effects->arena, "r%llu", (unsigned long long)number);
    status->ended = true;
    return status;
}

// Urgent, because it must be seen while the disk is full.
void status_request(struct core *core, uint64_t request, const Pb__GetStatus *get)
{
    uint64_t number = 0;
    struct run *run = NULL;
    if (*get->run && !requests_find_run(core, request, get->run, &number, &run)) {
        return;
    }
    struct arena *arena = core->effects->arena;
    Pb__Reply *reply = core_reply_urgent(core, core->event->route, request);
    reply->body_case = PB__REPLY__BODY_STATUS;
    Pb__Status *status = reply->status = NEW_MESSAGE(core, Pb__Status, pb__status);
    status->version = arena_string(arena, core->version);
    status->store_id = arena_string(arena, core->durable->store_id);
    status->incarnation = core->durable->incarnation;
    status->uptime_ms = (core->event->now_ns - core->start_ns) / NS_PER_MS;
    status->journal_records = core->durable->records;
    status->runs_open = map_count(core->durable->runs);
    status->trials_live = map_count(core->durable->trials);
    for (struct map_entry *entry = map_first(core->durable->runs); entry; entry = map_next(core->durable->runs, entry)) {
        const struct run *open = entry->value;
        status->cells_open += open->cells - open->cells_ended;
    }
    status->agents_connected = (uint32_t)map_count(core->routes);
    status->agents_known = (uint32_t)map_count(core->durable->agents);
    status->admission_open = !core->is_full && !core->is_low;
    status->admission_reason = arena_string(arena, status->admission_open ? "" : core->space_why);
    status->disk = core->disk ? MESSAGE_COPY(core->disk, arena) : NULL;
    if (number) {
        status->run = run ? waiting_status(core, run) : ended_status(core, number);
    }
    if (!number || run) {
        holds_show(core, status, run);
    }
    status->counters = ARENA_ARRAY(arena, Pb__Counter *, map_count(core->counters) + 1);
    for (struct map_entry *entry = map_first(core->counters); entry; entry = map_next(core->counters, entry)) {
        Pb__Counter *counter = NEW_MESSAGE(core, Pb__Counter, pb__counter);
        counter->name = arena_string_bytes(arena, entry->key, entry->key_bytes);
        counter->value = *(uint64_t *)entry->value;
        status->counters[status->n_counters++] = counter;
    }
}

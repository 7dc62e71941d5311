// Which cell is tried next, and when a cell and a run have ended.
#include <stdio.h>
#include <string.h>

#include "common/base/message.h"
#include "coordinator/core/state.h"
#include "coordinator/experiment/experiment.h"
#include "coordinator/experiment/sampling.h"

#define NS_PER_MS UINT64_C(1000000)
// A placement that failed is tried again when something changed, and in any case after this.
#define PLACEMENT_RETRY_MS 1000

static struct run_link *run_link(struct core *core, const struct run *run)
{
    struct run_link *link = map_get_number(core->run_links, run->number);
    if (!link) {
        link = NEW(struct run_link);
        link->known_since_ns = link->waiting_since_ns = core->event->now_ns;
        map_put_number(core->run_links, run->number, link);
    }
    return link;
}

static bool is_evidence_wanted(const struct core *core, const Pb__Test *test, uint64_t cell, int verdict)
{
    uint32_t one_in = test->evidence ? test->evidence->passed_one_in : core->options.samples_passed ? core->options.passed_one_in : 1;
    return verdict != VERDICT_PASS || sampling_keeps(test, cell, one_in);
}

static void emit_cell_ended(struct core *core, struct run *run, uint32_t test, uint64_t cell, uint32_t attempts, int verdict, int reason,
                            const char *text)
{
    struct arena *arena = core->effects->arena;
    Pb__Record *record = core_record(core);
    record->body_case = PB__RECORD__BODY_CELL_ENDED;
    Pb__CellEnded *ended = record->cell_ended = NEW_MESSAGE(core, Pb__CellEnded, pb__cell_ended);
    ended->run = run->number;
    ended->test = test;
    ended->cell = cell;
    ended->name = experiment_cell_name(run->number, run->experiment, test, cell, arena);
    ended->outcome = core_outcome(core, verdict, reason, text);
    ended->attempts = attempts;
    ended->evidence_unwanted = !is_evidence_wanted(core, run->experiment->tests[test], cell, verdict);
    core_emit(core, record);
}

static int worst_of_run(const struct run *run)
{
    for (int verdict = VERDICT_ERROR; verdict > VERDICT_NONE; verdict--) {
        if (run->counts[verdict]) {
            return verdict;
        }
    }
    return VERDICT_NONE;
}

static bool is_done(const struct run *run)
{
    return run->cells_ended == run->cells && !run->live_trials;
}

// gates: NULL where the experiment has none.
static void end_run(struct core *core, struct run *run, const Pb__RunGates *gates)
{
    Pb__Record *record = core_record(core);
    record->body_case = PB__RECORD__BODY_RUN_ENDED;
    Pb__RunEnded *ended = record->run_ended = NEW_MESSAGE(core, Pb__RunEnded, pb__run_ended);
    ended->run = run->number;
    ended->outcome = core_outcome(core, worst_of_run(run), run->cancelled ? REASON_CANCELLED : REASON_UNSPECIFIED,
                                  run->cancelled ? run->cancel_why : "");
    ended->passed = run->counts[VERDICT_PASS];
    ended->failed = run->counts[VERDICT_FAIL];
    ended->inconclusive = run->counts[VERDICT_INCONC];
    ended->errors = run->counts[VERDICT_ERROR];
    ended->none = run->counts[VERDICT_NONE];
    ended->gates = gates ? MESSAGE_COPY(gates, core->effects->arena) : NULL;
    free(map_remove_number(core->run_links, run->number));
    core_emit(core, record);
}

// Gates read what is committed, so the run is ended by a later step, when they are judged. What was cancelled has nothing to be held
// against.
static void end_run_if_done(struct core *core, struct run *run)
{
    if (!is_done(run)) {
        return;
    }
    if (!experiment_has_gates(run->experiment)) {
        end_run(core, run, NULL);
        return;
    }
    if (run->cancelled) {
        Pb__RunGates *gates = NEW_MESSAGE(core, Pb__RunGates, pb__run_gates);
        gates->outcome = core_outcome(core, VERDICT_INCONC, REASON_CANCELLED, run->cancel_why);
        end_run(core, run, gates);
        return;
    }
    struct run_link *link = run_link(core, run);
    struct core_effects *effects = core->effects;
    if (!link->gates_asked) {
        link->gates_asked = true;
        APPEND(effects->gated, effects->gated_count, effects->gated_capacity) = (struct core_gated){run->number, run->experiment};
    }
}

void runs_gated(struct core *core, uint64_t number, const Pb__RunGates *gates)
{
    struct run *run = map_get_number(core->durable->runs, number);
    if (run && is_done(run) && experiment_has_gates(run->experiment)) {
        end_run(core, run, gates);
    }
}

bool runs_retry_is_due(const struct trial *trial, const Pb__TrialEnded *ended)
{
    const Pb__RetryRule *rule = trial->plan->retry;
    if (!rule || trial->attempt > rule->times || trial->run->cancelled) {
        return false;
    }
    for (size_t i = 0; i < trial->instance_count; i++) {
        if (trial->instances[i]->any_fail) {
            return false; // a fail of any part in any attempt stays
        }
    }
    for (size_t i = 0; i < ended->n_assertions; i++) {
        if (ended->assertions[i]->outcome->verdict == VERDICT_FAIL) {
            return false;
        }
    }
    for (size_t i = 0; i < rule->n_reasons; i++) {
        if (rule->reasons[i] == ended->outcome->reason && ended->outcome->verdict > VERDICT_PASS) {
            return true;
        }
    }
    return false;
}

void runs_trial_ended(struct core *core, struct trial *trial, Pb__TrialEnded *ended)
{
    struct run *run = trial->run;
    uint32_t test = trial->test, attempt = trial->attempt;
    uint64_t cell = trial->cell;
    bool retry = runs_retry_is_due(trial, ended);
    Pb__Record *record = core_record(core);
    record->body_case = PB__RECORD__BODY_TRIAL_ENDED;
    record->trial_ended = ended;
    const char **agents = ARENA_ARRAY(core->effects->arena, const char *, trial->instance_count + 1);
    size_t agent_count = 0;
    for (size_t i = 0; i < trial->instance_count; i++) {
        free(map_remove_number(core->instance_links, trial->instances[i]->id));
        if (trial->instances[i]->state != INSTANCE_ENDED) { // it never began
            agents[agent_count++] = arena_string(core->effects->arena, trial->instances[i]->agent);
        }
    }
    free(map_remove_number(core->trial_links, trial->id));
    core_emit(core, record);
    for (size_t i = 0; i < agent_count; i++) {
        roster_refile(core, agents[i]);
    }
    if (!retry) {
        emit_cell_ended(core, run, test, cell, attempt, (int)ended->outcome->verdict, (int)ended->outcome->reason, ended->outcome->text);
    }
    run_link(core, run)->waiting_since_ns = core->event->now_ns;
    core->placement_due = true;
}

// ---- scheduling

static void end_cancelled_cells(struct core *core, struct run *run)
{
    size_t budget = CANCELLED_CELLS_PER_STEP;
    for (struct map_entry *entry = map_first(run->retries); entry && budget; budget--) {
        const struct cell_retry retry = *(struct cell_retry *)entry->value;
        entry = map_next(run->retries, entry);
        emit_cell_ended(core, run, retry.test, retry.cell, retry.attempts, VERDICT_INCONC, REASON_CANCELLED, run->cancel_why);
    }
    for (uint32_t test = 0; test < run->experiment->n_tests; test++) {
        struct test_progress *progress = &run->tests[test];
        while (budget && map_count(progress->skipped)) {
            uint64_t cell = map_entry_number(map_first(progress->skipped));
            emit_cell_ended(core, run, test, cell, 0, VERDICT_INCONC, REASON_CANCELLED, run->cancel_why);
            budget--;
        }
        while (budget && progress->cursor < progress->cells) {
            emit_cell_ended(core, run, test, progress->cursor, 0, VERDICT_INCONC, REASON_CANCELLED, run->cancel_why);
            budget--;
        }
    }
    core->placement_due |= budget == 0;
}

// The run has stood still for all of its time in the queue; or the lab has been the same for as long, and has no place for this cell.
static bool has_waited_enough(const struct core *core, const struct run *run, const Pb__CellPlan *plan, const struct placement *placement)
{
    const struct run_link *link = map_get_number(core->run_links, run->number);
    uint64_t now_ns = core->event->now_ns, queue_ns = (uint64_t)plan->timeouts->queue_ms * NS_PER_MS;
    bool stands_still = !run->live_trials && now_ns - link->waiting_since_ns >= queue_ns;
    return stands_still || (placement->hopeless && now_ns - core->lab_changed_ns >= queue_ns && now_ns - link->known_since_ns >= queue_ns);
}

// Where repetitions go on until the pass rate is known, one waits for the one before it; and when it is known the others are not needed.
enum turn { TURN_IS_UP, TURN_WAITS, TURN_NOT_NEEDED };

static enum turn cell_turn(const struct run *run, uint32_t test, uint64_t cell)
{
    const Pb__Test *asked = run->experiment->tests[test];
    if (!run->tests[test].tallies) {
        return TURN_IS_UP;
    }
    const struct tally *tally = &run->tests[test].tallies[cell % asked->combinations];
    if (tally->ended < cell / asked->combinations) {
        return TURN_WAITS;
    }
    return confidence_is_reached(asked->repeat_until, tally) ? TURN_NOT_NEEDED : TURN_IS_UP;
}

bool runs_cell_waits(const struct run *run, uint32_t test, uint64_t cell)
{
    return cell_turn(run, test, cell) == TURN_WAITS;
}

static bool end_needless(struct core *core, struct run *run, uint32_t test, uint64_t cell)
{
    const struct tally *tally = &run->tests[test].tallies[cell % run->experiment->tests[test]->combinations];
    if (core->expired_cells == EXPIRED_CELLS_PER_STEP) {
        return false;
    }
    core->placement_due |= ++core->expired_cells == EXPIRED_CELLS_PER_STEP;
    emit_cell_ended(core, run, test, cell, 0, VERDICT_NONE, REASON_UNSPECIFIED,
                    arena_printf(core->effects->arena, "not needed: %u of %u passed, which is confident enough", tally->passed,
                                 tally->passed + tally->failed));
    return true;
}

// Places one cell, or ends it when it has waited for too long. True: something was recorded.
static bool try_cell(struct core *core, struct run *run, uint32_t test, uint64_t cell, uint32_t attempts, struct placement_failed *failed)
{
    struct arena *arena = core->effects->arena;
    enum turn turn = attempts ? TURN_IS_UP : cell_turn(run, test, cell);
    if (turn != TURN_IS_UP) {
        return turn == TURN_NOT_NEEDED && end_needless(core, run, test, cell);
    }
    Pb__CellPlan *plan = experiment_cell(run->experiment, test, cell, arena);
    struct placement placement;
    placement_find_next(core, plan, arena, failed, &placement);
    struct run_link *link = run_link(core, run);
    if (!placement.problem) {
        trials_start(core, run, test, cell, attempts + 1, plan, &placement);
        link->waiting_since_ns = core->event->now_ns;
        return true;
    }
    if (!has_waited_enough(core, run, plan, &placement) || core->expired_cells == EXPIRED_CELLS_PER_STEP) {
        return false;
    }
    core->placement_due |= ++core->expired_cells == EXPIRED_CELLS_PER_STEP;
    emit_cell_ended(core, run, test, cell, attempts, VERDICT_ERROR, REASON_INFRASTRUCTURE,
                    arena_printf(arena, "found no host within timeouts.queue (%u ms): %s", plan->timeouts->queue_ms, placement.problem));
    return true;
}

// Retries first, then cells that were passed over, then new ones; a cell that has to wait does not hold up those behind it.
static void schedule_run(struct core *core, struct run *run)
{
    size_t looks = PLACEMENT_LOOKAHEAD_CELLS;
    struct placement_failed failed = {0};
    if (run->live_trials && !roster_has_free_slot(core->roster)) {
        return;
    }
    for (struct map_entry *entry = map_first(run->retries); entry && looks; looks--) {
        const struct cell_retry retry = *(struct cell_retry *)entry->value;
        entry = map_next(run->retries, entry);
        try_cell(core, run, retry.test, retry.cell, retry.attempts, &failed);
    }
    for (uint32_t test = 0; test < run->experiment->n_tests && looks; test++) {
        struct test_progress *progress = &run->tests[test];
        for (struct map_entry *entry = map_first(progress->skipped); entry && looks; looks--) {
            uint64_t cell = map_entry_number(entry);
            entry = map_next(progress->skipped, entry);
            try_cell(core, run, test, cell, 0, &failed);
        }
        for (uint64_t cell = progress->cursor; cell < progress->cells && looks; cell++) {
            looks -= !try_cell(core, run, test, cell, 0, &failed);
            if (map_count(core->durable->trials) >= TRIALS_LIVE_MAX || (run->live_trials && !roster_has_free_slot(core->roster))) {
                return;
            }
        }
    }
}

void runs_schedule(struct core *core)
{
    bool due = core->placement_due || core->event->now_ns - core->placed_ns >= PLACEMENT_RETRY_MS * NS_PER_MS;
    if (!due || core->is_full || !core->started) {
        return;
    }
    core->placement_due = false;
    core->expired_cells = 0;
    core->placed_ns = core->event->now_ns;
    for (struct map_entry *entry = map_first(core->durable->runs); entry;) {
        struct run *run = entry->value;
        entry = map_next(core->durable->runs, entry);
        if (run->cancelled) {
            end_cancelled_cells(core, run);
        } else if (!core->is_low && map_count(core->durable->trials) < TRIALS_LIVE_MAX) {
            schedule_run(core, run);
        }
        end_run_if_done(core, run);
    }
}

// Runs and cells: what was accepted ends, each cell once, with the verdict of its last trial; a run's counts are those of its cells.
#include <string.h>

#include "coordinator/store/audit_inside.h"

// A run of this many cells is judged in 9 bytes each.
#define CELLS_MAX (UINT64_C(1) << 27)

void audited_run_free(struct audited_run *run)
{
    for (struct map_entry *entry = map_first(run->attempts); entry; entry = map_next(run->attempts, entry))
        free(entry->value);
    map_free(&run->attempts);
    free(run->first_cell);
    free(run->until);
    free(run->verdicts);
    free(run->ended_by);
    free(run);
}

static uint64_t cells_of(const Pb__Experiment *experiment, uint64_t *first_cell)
{
    uint64_t cells = 0;
    for (size_t i = 0; i < experiment->n_tests; i++) {
        first_cell[i] = cells;
        const Pb__Test *test = experiment->tests[i];
        cells += test->n_cells ? test->n_cells : test->combinations * test->repeat_times;
    }
    return first_cell[experiment->n_tests] = cells;
}

static struct audited_run *run_new(struct audit *audit, const Pb__RunAccepted *record)
{
    struct audited_run *run = NEW(struct audited_run);
    run->result = ARENA_NEW(audit->arena, Pb__AuditedRun);
    pb__audited_run__init(run->result);
    run->result->run = record->run;
    run->result->cells = record->cells;
    run->accepted = audit->sequence;
    run->tests = record->experiment->n_tests;
    run->first_cell = memory_new(sizeof *run->first_cell * (run->tests + 1));
    run->until = memory_new(sizeof *run->until * (run->tests + 1));
    for (size_t i = 0; i < run->tests; i++)
        run->until[i] = record->experiment->tests[i]->repeat_until != NULL;
    run->attempts = map_new();
    return run;
}

void audit_run_accepted(struct audit *audit, const Pb__RunAccepted *record)
{
    struct audited_run *known = map_get_number(audit->runs, record->run);
    if (known) {
        audit_find_here(audit, known, "run r%llu is accepted again; record %llu accepted it", (unsigned long long)record->run,
                        (unsigned long long)known->accepted);
        return;
    }
    struct audited_run *run = run_new(audit, record);
    map_put_number(audit->runs, record->run, run);
    for (size_t i = 0; i < record->experiment->n_files; i++)
        audit_file(audit, run, record->experiment->files[i]);
    uint64_t cells = cells_of(record->experiment, run->first_cell);
    if (cells != record->cells || cells > CELLS_MAX) {
        audit_find_here(audit, run, "the run has %llu cells, its experiment has %llu", (unsigned long long)record->cells,
                        (unsigned long long)cells);
        run->first_cell[run->tests] = 0;
        return;
    }
    run->verdicts = memory_new(cells);
    memset(run->verdicts, CELL_OPEN, cells);
    run->ended_by = memory_new(sizeof *run->ended_by * cells);
}

bool audit_cell(const struct audited_run *run, uint32_t test, uint64_t cell, uint64_t *among_all)
{
    if (test >= run->tests || !run->first_cell[run->tests] || cell >= run->first_cell[test + 1] - run->first_cell[test])
        return false;
    *among_all = run->first_cell[test] + cell;
    return true;
}

// ---- the verdict of a cell

// Two reasons end a cell without asking its trials: it was cancelled while it waited for another attempt, or found no host for it.
static bool is_of_the_cell_alone(const Pb__Outcome *outcome)
{
    bool may_be = outcome->reason == PB__REASON__REASON_CANCELLED || outcome->reason == PB__REASON__REASON_INFRASTRUCTURE;
    return may_be && outcome->verdict != PB__VERDICT__VERDICT_PASS && outcome->verdict != PB__VERDICT__VERDICT_NONE;
}

static bool is_not_needed(const struct audited_run *run, const Pb__CellEnded *record)
{
    return run->until[record->test] && record->outcome->verdict == PB__VERDICT__VERDICT_NONE;
}

static void judge_cell(struct audit *audit, struct audited_run *run, const Pb__CellEnded *record, const struct attempt *last)
{
    const char *verdict = verdict_name((int)record->outcome->verdict);
    if (last && last->is_live)
        audit_find_here(audit, run, "cell %s ended while its attempt %u lived", record->name, last->number);
    else if (record->attempts != (last ? last->number : 0))
        audit_find_here(audit, run, "cell %s ended after %u attempts, and %u trials were started", record->name, record->attempts,
                        last ? last->number : 0);
    else if (!last && !is_of_the_cell_alone(record->outcome) && !is_not_needed(run, record))
        audit_find_here(audit, run, "cell %s is %s without a trial", record->name, verdict);
    else if (last && (int)record->outcome->verdict != last->verdict && !is_of_the_cell_alone(record->outcome))
        audit_find_here(audit, run, "cell %s is %s, its last trial was %s", record->name, verdict, verdict_name(last->verdict));
}

static void count_cell(struct audit *audit, struct audited_run *run, const Pb__CellEnded *record, uint64_t cell)
{
    struct attempt *last = map_remove_number(run->attempts, cell);
    judge_cell(audit, run, record, last);
    free(last);
    run->verdicts[cell] = (uint8_t)record->outcome->verdict;
    run->ended_by[cell] = audit->sequence;
    run->counts[record->outcome->verdict]++;
    run->result->cells_ended++;
}

void audit_cell_ended(struct audit *audit, const Pb__CellEnded *record)
{
    struct audited_run *run = map_get_number(audit->runs, record->run);
    uint64_t cell;
    if (!run)
        audit_find_here(audit, NULL, "cell %s ends, but its run was never accepted", record->name);
    else if (!audit_cell(run, record->test, record->cell, &cell))
        audit_find_here(audit, run, "cell %s ends, but the run has no such cell", record->name);
    else if (run->verdicts[cell] != CELL_OPEN)
        audit_find_here(audit, run, "cell %s has two verdicts: %s by record %llu, %s by this one", record->name,
                        verdict_name(run->verdicts[cell]), (unsigned long long)run->ended_by[cell],
                        verdict_name((int)record->outcome->verdict));
    else if ((unsigned)record->outcome->verdict > VERDICT_ERROR)
        audit_find_here(audit, run, "cell %s has a verdict that there is not", record->name);
    else
        count_cell(audit, run, record, cell);
    if (run && run->ended)
        audit_find_here(audit, run, "cell %s ends after its run, which record %llu ended", record->name, (unsigned long long)run->ended);
}

// ---- the end of a run

static int worst_of(const struct audited_run *run)
{
    for (int verdict = VERDICT_ERROR; verdict > VERDICT_NONE; verdict--)
        if (run->counts[verdict])
            return verdict;
    return VERDICT_NONE;
}

void audit_run_ended(struct audit *audit, const Pb__RunEnded *record)
{
    struct audited_run *run = map_get_number(audit->runs, record->run);
    if (!run) {
        audit_find_here(audit, NULL, "run r%llu ends, but was never accepted", (unsigned long long)record->run);
        return;
    }
    if (run->ended) {
        audit_find_here(audit, run, "the run ends twice: record %llu ended it", (unsigned long long)run->ended);
        return;
    }
    run->ended = audit->sequence;
    const uint64_t said[] = {record->none, record->passed, record->inconclusive, record->failed, record->errors};
    static_assert(VERDICT_NONE == 0 && VERDICT_ERROR == sizeof said / sizeof *said - 1, "one count for each verdict");
    for (int verdict = VERDICT_NONE; verdict <= VERDICT_ERROR; verdict++)
        if (said[verdict] != run->counts[verdict])
            audit_find_here(audit, run, "the run counts %llu cells as %s, %llu ended so", (unsigned long long)said[verdict],
                            verdict_name(verdict), (unsigned long long)run->counts[verdict]);
    if (record->outcome && (int)record->outcome->verdict != worst_of(run))
        audit_find_here(audit, run, "the run is %s, the worst of its cells is %s", verdict_name((int)record->outcome->verdict),
                        verdict_name(worst_of(run)));
    if (run->result->cells_ended != run->result->cells)
        audit_find_here(audit, run, "the run ends, and %llu of its %llu cells have no verdict",
                        (unsigned long long)(run->result->cells - run->result->cells_ended), (unsigned long long)run->result->cells);
    if (run->live_trials)
        audit_find_here(audit, run, "the run ends, and %llu of its trials live", (unsigned long long)run->live_trials);
}

void audit_run_annotated(struct audit *audit, const Pb__RunAnnotated *record)
{
    struct audited_run *run = map_get_number(audit->runs, record->run);
    if (run && record->pin)
        run->pinned = record->pin == PB__PIN__PIN_ON;
}

void audit_evidence_removed(struct audit *audit, const Pb__EvidenceRemoved *record)
{
    struct audited_run *run = map_get_number(audit->runs, record->run);
    if (run && run->pinned)
        audit_find_here(audit, run, "retention took evidence of a pinned run away");
    if (run && !run->ended)
        audit_find_here(audit, run, "retention took evidence of a run away that had not ended");
}

static void conclude(struct audit *audit, struct audited_run *run)
{
    Pb__AuditedRun *result = run->result;
    const char *text = "";
    bool is_open = !run->ended || run->pending;
    if (!run->ended)
        text = arena_printf(audit->arena, "it has not ended: %llu of %llu cells have", (unsigned long long)result->cells_ended,
                            (unsigned long long)result->cells);
    else if (run->pending)
        text = arena_printf(audit->arena, "%llu streams or artifacts are on their way", (unsigned long long)run->pending);
    else if (run->removed)
        text = arena_printf(audit->arena, "%llu streams or artifacts were removed by retention", (unsigned long long)run->removed);
    result->text = (char *)(uintptr_t)text;
    result->state = result->findings ? PB__AUDIT_STATE__AUDIT_STATE_VIOLATED
                    : is_open        ? PB__AUDIT_STATE__AUDIT_STATE_OPEN
                                     : PB__AUDIT_STATE__AUDIT_STATE_PROVEN;
    audit->result->runs[audit->result->n_runs++] = result;
}

void audit_runs_conclude(struct audit *audit)
{
    audit->result->runs = ARENA_ARRAY(audit->arena, Pb__AuditedRun *, map_count(audit->runs) + 1);
    for (struct map_entry *entry = map_first(audit->runs); entry; entry = map_next(audit->runs, entry))
        conclude(audit, entry->value);
}

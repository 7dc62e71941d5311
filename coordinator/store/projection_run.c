// Rows of runs and cells. A run of a million cells is one row and a count; a cell becomes a row when its first trial starts, or
// when it ends without one.
#include "common/base/identity.h"
#include "common/base/memory.h"
#include "common/base/verdict.h"
#include "coordinator/store/projection.h"
#include "coordinator/store/schema.h"

static const char RUN_INSERT[] = "INSERT INTO runs(id, changed, run, experiment, state, cells, started_wall_ns, by, labels, file_name,"
                                 " rerun, is_part, started_steady_ns) VALUES(?1, ?1, ?2, ?3, 'accepted', ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
static const char TEST_INSERT[] = "INSERT INTO tests(run, test, name) VALUES(?, ?, ?)";
static const char FILE_INSERT[] = "INSERT OR IGNORE INTO files(hash, run) VALUES(?, ?)";
static const char RUN_CANCEL[] = "UPDATE runs SET changed = ?, state = 'cancelling', text = ? WHERE run = ? AND state <> 'ended'";
static const char RUN_END[] =
    "UPDATE runs SET changed = ?, state = 'ended', verdict = ?, reason = ?, text = CASE WHEN ?4 = '' THEN text ELSE ?4 END,"
    " pass = ?, fail = ?, inconc = ?, error = ?, none = ?, done = ?, ended_wall_ns = ?, ended_steady_ns = ?, last = ?, gate = ?, gate_text "
    "= ?,"
    " baseline = ? WHERE run = ?";
static const char GATE_INSERT[] = "INSERT INTO gates(id, run, test, gate, kind, name, verdict, before, after, text)"
                                  " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
static const char RUN_CELL_DONE[] = "UPDATE runs SET changed = ?, done = done + 1, pass = pass + ?, fail = fail + ?, inconc = inconc + ?,"
                                    " error = error + ?, none = none + ? WHERE run = ?";
static const char CELL_END[] =
    "INSERT INTO cells(id, changed, run, name, test, combination, repetition, state, verdict, reason, text, attempts, ended_wall_ns,"
    " unwanted, ended_steady_ns) VALUES(?1, ?1, ?2, ?3, ?4, ?5, ?6, 'ended', ?7, ?8, ?9, ?10, ?11, ?12, ?13)"
    " ON CONFLICT(name) DO UPDATE SET changed = excluded.changed, state = 'ended', verdict = excluded.verdict, reason = excluded.reason,"
    " text = excluded.text, attempts = excluded.attempts, ended_wall_ns = excluded.ended_wall_ns, unwanted = excluded.unwanted,"
    " ended_steady_ns = excluded.ended_steady_ns";

static void append_labels(struct text *text, Pb__Label *const *labels, size_t count)
{
    for (size_t i = 0; i < count; i++)
        text_printf(text, "%s%s=%s", i ? " " : "", labels[i]->name, labels[i]->value);
}

static int insert_parts(struct projection *projection, const Pb__Experiment *experiment, struct panther_error *error)
{
    int result = 0;
    for (size_t i = 0; i < experiment->n_tests && result >= 0; i++)
        result = PROJECT(projection, TEST_INSERT, error, INTEGER(projection->run), INTEGER(i), TEXT(experiment->tests[i]->name));
    for (size_t i = 0; i < experiment->n_files && result >= 0; i++)
        result = PROJECT(projection, FILE_INSERT, error, TEXT(experiment->files[i]->hash), INTEGER(projection->run));
    return result;
}

int project_run_accepted(struct projection *projection, const Pb__Record *record, struct panther_error *error)
{
    const Pb__RunAccepted *run = record->run_accepted;
    const char *name = run->experiment ? run->experiment->name : "";
    struct text labels = {0};
    append_labels(&labels, run->labels, run->n_labels);
    int result = PROJECT(projection, RUN_INSERT, error, CHANGE(projection), INTEGER(run->run), TEXT(name), INTEGER(run->cells),
                         INTEGER(projection->wall_ns), TEXT(run->by), TEXT(text_string(&labels)), TEXT(run->file_name),
                         TEXT(run->rerun ? run->rerun->of : ""), INTEGER(run->experiment && run->experiment->is_part),
                         INTEGER(projection->steady_ns));
    text_free(&labels);
    return result < 0 || !run->experiment ? result : insert_parts(projection, run->experiment, error);
}

int project_run_cancelled(struct projection *projection, const Pb__Record *record, struct panther_error *error)
{
    const Pb__RunCancelled *cancelled = record->run_cancelled;
    const char *why = cancelled->why[0] ? ": " : "";
    CLEANUP_FREE char *text = memory_printf("cancelled by %s%s%s", cancelled->by, why, cancelled->why);
    return PROJECT(projection, RUN_CANCEL, error, CHANGE(projection), TEXT(text), INTEGER(cancelled->run));
}

static int insert_gate(struct projection *projection, const Pb__GateResult *gate, struct panther_error *error)
{
    CLEANUP_FREE char *left_out = gate->left_out ? memory_printf("%s%s%llu more findings", gate->outcome->text,
                                                                 *gate->outcome->text ? "; " : "", (unsigned long long)gate->left_out)
                                                 : memory_string(gate->outcome->text);
    int result = PROJECT(projection, GATE_INSERT, error, CHANGE(projection), INTEGER(projection->run), TEXT(gate->test), TEXT(gate->gate),
                         TEXT("gate"), TEXT(""), TEXT(outcome_verdict(gate->outcome)), TEXT(""), TEXT(""), TEXT(left_out));
    for (size_t i = 0; i < gate->n_findings && result >= 0; i++) {
        const Pb__GateFinding *finding = gate->findings[i];
        result =
            PROJECT(projection, GATE_INSERT, error, CHANGE(projection), INTEGER(projection->run), TEXT(gate->test), TEXT(gate->gate),
                    TEXT(finding->kind), TEXT(finding->name), TEXT(""), TEXT(finding->before), TEXT(finding->after), TEXT(finding->text));
    }
    return result;
}

int project_run_ended(struct projection *projection, const Pb__Record *record, struct panther_error *error)
{
    const Pb__RunEnded *ended = record->run_ended;
    const Pb__Outcome *outcome = ended->outcome;
    uint64_t done = ended->passed + ended->failed + ended->inconclusive + ended->errors + ended->none;
    const Pb__RunGates *gates = ended->gates;
    int result = 0;
    for (size_t i = 0; gates && i < gates->n_results && result >= 0; i++)
        result = insert_gate(projection, gates->results[i], error);
    if (result < 0)
        return result;
    int64_t changed = projection_change(projection);
    return PROJECT(projection, RUN_END, error, INTEGER(changed), OUTCOME(outcome), INTEGER(ended->passed), INTEGER(ended->failed),
                   INTEGER(ended->inconclusive), INTEGER(ended->errors), INTEGER(ended->none), INTEGER(done), INTEGER(projection->wall_ns),
                   INTEGER(projection->steady_ns), INTEGER(changed), TEXT(gates ? outcome_verdict(gates->outcome) : ""),
                   TEXT(gates ? gates->outcome->text : ""), TEXT(gates ? gates->baseline : ""), INTEGER(ended->run));
}

static int end_cell(struct projection *projection, const Pb__CellEnded *cell, const Pb__Outcome *outcome, struct panther_error *error)
{
    // Only for a cell that never started; a name too long to be taken apart keeps its row, by its whole name.
    struct full_name name = {0};
    full_name_parse(cell->name, &name, NULL);
    return PROJECT(projection, CELL_END, error, CHANGE(projection), INTEGER(cell->run), TEXT(cell->name), TEXT(name.test),
                   TEXT(name.combination), INTEGER(name.repetition), OUTCOME(outcome), INTEGER(cell->attempts),
                   INTEGER(projection->wall_ns), INTEGER(cell->evidence_unwanted), INTEGER(projection->steady_ns));
}

int project_cell_ended(struct projection *projection, const Pb__Record *record, struct panther_error *error)
{
    const Pb__CellEnded *cell = record->cell_ended;
    const Pb__Outcome *outcome = cell->outcome;
    int result = end_cell(projection, cell, outcome, error);
    if (result < 0)
        return result;
    int verdict = outcome ? (int)outcome->verdict : VERDICT_NONE;
    return PROJECT(projection, RUN_CELL_DONE, error, CHANGE(projection), INTEGER(verdict == VERDICT_PASS), INTEGER(verdict == VERDICT_FAIL),
                   INTEGER(verdict == VERDICT_INCONC), INTEGER(verdict == VERDICT_ERROR), INTEGER(verdict == VERDICT_NONE),
                   INTEGER(cell->run));
}

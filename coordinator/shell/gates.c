#include "coordinator/shell/gates.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/message.h"
#include "common/base/verdict.h"
#include "coordinator/report/gates.h"
#include "coordinator/shell/errand.h"
#include "coordinator/store/store.h"

// Rows of one run that are held in memory to be compared: some hundred MB. A larger run is compared from its reports.
#define ROWS_MAX 1000000

struct waiting {
    struct waiting *next;
    uint64_t run, number;
    Pb__Experiment *experiment; // heap
};

struct gates {
    struct errand *errand;
    char *folder;
    gates_done_fn *done;
    void *context;
    struct waiting *first, **last;
    uint64_t committed;
    // the one that is on its way
    struct waiting *now;
    struct arena *arena;
    Pb__RunGates *result;
};

// ---- in the thread

static int read_page(struct store_reader *store, Pb__Query *query, struct table **rows, bool *more, struct panther_error *error)
{
    struct arena *arena = arena_new(0);
    Pb__Rows *page = NULL;
    int result = store_query(store, query, arena, &page, error);
    if (!result) {
        *rows = *rows ? *rows : table_new((const char *const *)page->columns, page->n_columns);
        for (size_t i = 0; i < page->n_rows; i++) {
            table_add(*rows, (const char *const *)page->rows[i]->values);
        }
        query->after = page->next;
        *more = page->more;
    }
    arena_free(&arena);
    return result;
}

static int read_table(struct store_reader *store, Pb__Table table, const char *scope, struct table **rows, struct panther_error *error)
{
    Pb__Query query = PB__QUERY__INIT;
    query.table = table;
    query.scope = (char *)(uintptr_t)scope;
    bool more = true;
    int result = 0;
    while (!result && more) {
        result = read_page(store, &query, rows, &more, error);
        if (!result && table_count(*rows) > ROWS_MAX) {
            result = error_set(error, PANTHER_ELIMIT, "%s has more than %d rows of a kind: too many for its gates", scope, ROWS_MAX);
        }
    }
    return result;
}

static int read_run(struct store_reader *store, const char *run, struct run_report *report, struct panther_error *error)
{
    const struct {
        Pb__Table table;
        struct table **rows;
    } wanted[] = {{PB__TABLE__TABLE_RUNS, &report->run},
                  {PB__TABLE__TABLE_CELLS, &report->cells},
                  {PB__TABLE__TABLE_TRIALS, &report->trials},
                  {PB__TABLE__TABLE_CASES, &report->cases},
                  {PB__TABLE__TABLE_ASSERTIONS, &report->assertions},
                  {PB__TABLE__TABLE_METRICS, &report->metrics}};
    int result = 0;
    for (size_t i = 0; !result && i < sizeof wanted / sizeof *wanted; i++) {
        result = read_table(store, wanted[i].table, run, wanted[i].rows, error);
    }
    run_report_index(report);
    return result;
}

static int judge(struct gates *gates, struct store_reader *store, struct panther_error *error)
{
    const Pb__Experiment *experiment = gates->now->experiment;
    struct run_report run = {0}, baseline = {0};
    struct table *runs = NULL;
    CLEANUP_FREE char *name = memory_printf("r%llu", (unsigned long long)gates->now->run);
    const char *missing = "";
    size_t row = 0;
    bool has_baseline = false;
    int result = read_run(store, name, &run, error);
    if (!result && experiment->baseline) {
        result = read_table(store, PB__TABLE__TABLE_RUNS, "", &runs, error);
        has_baseline = !result && gates_find_baseline(experiment, gates->now->run, runs, &row, &missing);
        result = has_baseline ? read_run(store, table_value(runs, row, "name"), &baseline, error) : result;
    }
    if (!result) {
        gates->result = gates_judge(experiment, &run, has_baseline ? &baseline : NULL, missing, gates->arena);
    }
    run_report_free(&run);
    run_report_free(&baseline);
    table_free(&runs);
    return result;
}

static void perform(void *context)
{
    struct gates *gates = context;
    struct store_reader *store = NULL;
    struct panther_error error = {0};
    int result = store_reader_open(&store, gates->folder, &error);
    if (!result) {
        result = judge(gates, store, &error);
    }
    if (result) {
        gates->result = gates_undecided(VERDICT_ERROR, REASON_INFRASTRUCTURE, error.message, gates->arena);
    }
    store_reader_close(&store);
}

// ---- in the loop

static void waiting_free(struct waiting *waiting)
{
    if (waiting) {
        message_free(waiting->experiment);
        free(waiting);
    }
}

static void forget_now(struct gates *gates)
{
    waiting_free(gates->now);
    arena_free(&gates->arena);
    gates->now = NULL;
    gates->result = NULL;
}

static void begin_next(struct gates *gates)
{
    if (gates->now || !gates->first || gates->first->number > gates->committed) {
        return;
    }
    gates->now = gates->first;
    gates->first = gates->now->next;
    gates->last = gates->first ? gates->last : &gates->first;
    gates->arena = arena_new(0);
    if (errand_start(gates->errand)) {
        gates->result = gates_undecided(VERDICT_ERROR, REASON_INFRASTRUCTURE, "there was no thread to judge the gates in", gates->arena);
        gates->done(gates->context, gates->now->run, gates->result);
        forget_now(gates);
    }
}

static void performed(void *context)
{
    struct gates *gates = context;
    gates->done(gates->context, gates->now->run, gates->result);
    forget_now(gates);
    begin_next(gates);
}

int gates_new(struct gates **out, const char *folder, struct loop *loop, gates_done_fn *done, void *context, struct panther_error *error)
{
    struct gates *gates = NEW(struct gates);
    *gates = (struct gates){.folder = memory_string(folder), .done = done, .context = context};
    gates->last = &gates->first;
    int result = errand_new(&gates->errand, loop, perform, performed, gates, error);
    if (result < 0) {
        gates_free(&gates);
        return result;
    }
    *out = gates;
    return 0;
}

void gates_free(struct gates **pointer)
{
    struct gates *gates = *pointer;
    if (!gates) {
        return;
    }
    errand_free(&gates->errand);
    forget_now(gates);
    while (gates->first) {
        struct waiting *next = gates->first->next;
        waiting_free(gates->first);
        gates->first = next;
    }
    free(gates->folder);
    free(gates);
    *pointer = NULL;
}

void gates_hold(struct gates *gates, const struct core_gated *gated, uint64_t number)
{
    struct waiting *waiting = NEW(struct waiting);
    *waiting = (struct waiting){.run = gated->run, .number = number, .experiment = MESSAGE_COPY(gated->experiment, NULL)};
    *gates->last = waiting;
    gates->last = &waiting->next;
}

void gates_release(struct gates *gates, uint64_t committed)
{
    gates->committed = committed;
    begin_next(gates);
}

#include "coordinator/report/judgements.h"

#include <string.h>

struct gathering {
    const struct run_report *report;
    struct judgements *judgements;
    size_t cell;
};

static void add(const struct gathering *gathering, enum judged_kind kind, const struct table *table, size_t row)
{
    const struct table *cells = gathering->report->cells;
    APPEND(gathering->judgements->items, gathering->judgements->count, gathering->judgements->capacity) = (struct judgement){
        .kind = kind,
        .cell = run_report_text(cells, gathering->cell, "name"),
        .test = run_report_text(cells, gathering->cell, "test"),
        .combination = run_report_text(cells, gathering->cell, "combination"),
        .service = run_report_text(table, row, "service"),
        .name = kind == JUDGED_CELL ? "" : run_report_text(table, row, kind == JUDGED_CASE ? "case" : "assertion"),
        .verdict = run_report_verdict(table, row),
        .reason = run_report_text(table, row, "reason"),
        .text = run_report_text(table, row, "text"),
    };
}

static void add_group(const struct gathering *gathering, enum judged_kind kind, const struct table *table, const struct row_group *group)
{
    for (size_t i = 0; i < group->count; i++) {
        add(gathering, kind, table, group->rows[i]);
    }
}

void judgements_gather(const struct run_report *report, struct judgements *judgements)
{
    *judgements = (struct judgements){0};
    for (size_t row = 0; row < table_count(report->cells); row++) {
        const struct gathering gathering = {report, judgements, row};
        size_t last;
        add(&gathering, JUDGED_CELL, report->cells, row);
        if (run_report_last_trial(report, run_report_text(report->cells, row, "name"), &last)) {
            const char *trial = run_report_text(report->trials, last, "name");
            add_group(&gathering, JUDGED_CASE, report->cases, row_index_find(report->cases_of, trial));
            add_group(&gathering, JUDGED_ASSERTION, report->assertions, row_index_find(report->assertions_of, trial));
        }
    }
}

void judgements_free(struct judgements *judgements)
{
    free(judgements->items);
    *judgements = (struct judgements){0};
}

char *judgement_part(const struct judgement *judgement)
{
    return judgement->kind == JUDGED_CELL   ? memory_string("")
           : judgement->kind == JUDGED_CASE ? memory_printf("%s.%s", judgement->service, judgement->name)
                                            : memory_printf("assert %s", judgement->name);
}

bool judgement_is(const struct judgement *judgement, const char *verdict)
{
    return strcmp(judgement->verdict, verdict) == 0;
}

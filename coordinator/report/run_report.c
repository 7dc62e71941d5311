#include "coordinator/report/run_report.h"

#include <string.h>

void run_report_index(struct run_report *report)
{
    report->trials_of = row_index_new(report->trials, "cell");
    report->cases_of = row_index_new(report->cases, "trial");
    report->metrics_of = row_index_new(report->metrics, "trial");
    report->assertions_of = row_index_new(report->assertions, "trial");
    report->streams_of = row_index_new(report->streams, "trial");
    report->artifacts_of = row_index_new(report->artifacts, "trial");
    report->notes = report->notes ? report->notes : table_new((const char *const[]){"run"}, 1);
    report->hosts = report->hosts ? report->hosts : table_new((const char *const[]){"host"}, 1);
}

void run_report_free(struct run_report *report)
{
    struct table **tables[] = {&report->run,       &report->cells,      &report->trials,   &report->cases,
                               &report->metrics,   &report->assertions, &report->findings, &report->streams,
                               &report->artifacts, &report->gates,      &report->notes,    &report->hosts};
    struct row_index **indexes[] = {&report->trials_of,     &report->cases_of,   &report->metrics_of,
                                    &report->assertions_of, &report->streams_of, &report->artifacts_of};
    for (size_t i = 0; i < sizeof indexes / sizeof *indexes; i++) {
        row_index_free(indexes[i]);
    }
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        table_free(tables[i]);
    }
    text_free(&report->throughput);
}

const char *run_report_text(const struct table *table, size_t row, const char *column)
{
    const char *value = row < table_count(table) ? table_value(table, row, column) : NULL;
    return value ? value : "";
}

bool run_report_last_trial(const struct run_report *report, const char *cell, size_t *row)
{
    const struct row_group *group = row_index_find(report->trials_of, cell);
    if (group->count) {
        *row = group->rows[group->count - 1];
    }
    return group->count > 0;
}

const char *run_report_short_name(const char *full_name)
{
    const char *test = strchr(full_name, '/'), *rest = test ? strchr(test + 1, '/') : NULL;
    return rest ? rest + 1 : full_name;
}

struct report_flaky *run_report_flaky(const struct run_report *report, size_t *count)
{
    struct report_flaky *list = memory_new((table_count(report->cells) + 1) * sizeof *list);
    size_t met = 0;
    for (size_t row = 0; row < table_count(report->cells); row++) {
        const char *test = run_report_text(report->cells, row, "test");
        const char *combination = run_report_text(report->cells, row, "combination");
        const char *verdict = run_report_verdict(report->cells, row);
        size_t at = 0;
        while (at < met && (strcmp(list[at].combination, combination) != 0 || strcmp(list[at].test, test) != 0)) {
            at++;
        }
        met += at == met;
        list[at].test = test;
        list[at].combination = combination;
        list[at].passed += strcmp(verdict, "pass") == 0;
        list[at].failed += strcmp(verdict, "fail") == 0;
    }
    *count = 0;
    for (size_t at = 0; at < met; at++) {
        if (list[at].passed && list[at].failed) {
            list[(*count)++] = list[at];
        }
    }
    return list;
}

bool run_report_is_gate(const struct run_report *report, size_t row)
{
    return strcmp(run_report_text(report->gates, row, "kind"), "gate") == 0;
}

const char *run_report_verdict(const struct table *table, size_t row)
{
    const char *verdict = run_report_text(table, row, "verdict");
    return *verdict ? verdict : "running";
}

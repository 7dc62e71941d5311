#include "coordinator/report/report_metrics.h"

#include <string.h>

#include "common/base/map.h"
#include "common/base/units.h"

struct gathering {
    struct report_metrics *metrics;
    struct map *by_key; // of test, combination, name: index + 1
    const char *test, *combination;
};

static struct report_metric *add(struct gathering *gathering, char *name, const char *unit, const char *better, double value)
{
    struct report_metrics *metrics = gathering->metrics;
    CLEANUP_FREE char *key = memory_printf("%s\n%s\n%s", gathering->test, gathering->combination, name);
    size_t index = (size_t)(uintptr_t)map_get_text(gathering->by_key, key);
    if (!index) {
        APPEND(metrics->items, metrics->count, metrics->capacity) = (struct report_metric){
            .test = gathering->test, .combination = gathering->combination, .unit = unit, .better = better, .name = name};
        index = metrics->count;
        map_put_text(gathering->by_key, key, (void *)(uintptr_t)index);
    } else {
        free(name);
    }
    sample_add(&metrics->items[index - 1].sample, value);
    return &metrics->items[index - 1];
}

static void add_measured(struct gathering *gathering, const struct run_report *report, const char *trial)
{
    const struct row_group *group = row_index_find(report->metrics_of, trial);
    for (size_t i = 0; i < group->count; i++) {
        size_t row = group->rows[i];
        const char *case_name = run_report_text(report->metrics, row, "case");
        double value;
        if (float_parse(run_report_text(report->metrics, row, "value"), &value)) {
            add(gathering,
                memory_printf("%s.%s%s%s", run_report_text(report->metrics, row, "service"), case_name, *case_name ? "." : "",
                              run_report_text(report->metrics, row, "metric")),
                run_report_text(report->metrics, row, "unit"), run_report_text(report->metrics, row, "better"), value);
        }
    }
}

static void add_durations(struct gathering *gathering, const struct run_report *report, const char *trial)
{
    const struct row_group *group = row_index_find(report->cases_of, trial);
    for (size_t i = 0; i < group->count; i++) {
        size_t row = group->rows[i];
        double ns;
        if (strcmp(run_report_text(report->cases, row, "verdict"), "pass") == 0 &&
            float_parse(run_report_text(report->cases, row, "duration_ns"), &ns) && ns > 0) {
            add(gathering,
                memory_printf("%s.%s.duration", run_report_text(report->cases, row, "service"),
                              run_report_text(report->cases, row, "case")),
                "ms", "lower", ns / 1e6)
                ->is_duration = true;
        }
    }
}

void report_metrics_gather(const struct run_report *report, struct report_metrics *metrics)
{
    *metrics = (struct report_metrics){0};
    struct gathering gathering = {.metrics = metrics, .by_key = map_new()};
    for (size_t row = 0; row < table_count(report->cells); row++) {
        size_t last;
        if (run_report_last_trial(report, run_report_text(report->cells, row, "name"), &last)) {
            const char *trial = run_report_text(report->trials, last, "name");
            gathering.test = run_report_text(report->cells, row, "test");
            gathering.combination = run_report_text(report->cells, row, "combination");
            add_measured(&gathering, report, trial);
            add_durations(&gathering, report, trial);
        }
    }
    map_free(&gathering.by_key);
}

const struct report_metric *report_metrics_find(const struct report_metrics *metrics, const struct report_metric *wanted)
{
    for (size_t i = 0; i < metrics->count; i++) {
        const struct report_metric *metric = &metrics->items[i];
        if (strcmp(metric->name, wanted->name) == 0 && strcmp(metric->test, wanted->test) == 0 &&
            strcmp(metric->combination, wanted->combination) == 0) {
            return metric;
        }
    }
    return NULL;
}

bool report_metric_is_directed(const struct report_metric *metric)
{
    return strcmp(metric->better, "higher") == 0 || strcmp(metric->better, "lower") == 0;
}

void report_metrics_free(struct report_metrics *metrics)
{
    for (size_t i = 0; i < metrics->count; i++) {
        free(metrics->items[i].name);
        sample_free(&metrics->items[i].sample);
    }
    free(metrics->items);
    *metrics = (struct report_metrics){0};
}

#include "coordinator/report/compare.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/base/map.h"
#include "coordinator/report/report_metrics.h"

static const char *const columns[] = {"kind", "name", "before", "after", "difference", "low", "high", "unit", "text"};
#define COLUMNS (sizeof columns / sizeof *columns)

// "smoke/nginx,20ms/2" of "r142/smoke/nginx,20ms/2": the same cell of every run.
static const char *without_run(const char *name)
{
    const char *slash = strchr(name, '/');
    return slash ? slash + 1 : name;
}

struct judged {
    const char *verdict, *text;
};

static void judge(struct map *all, char *name, const struct table *table, size_t row)
{
    struct judged *judged = NEW(struct judged);
    *judged = (struct judged){run_report_verdict(table, row), run_report_text(table, row, "text")};
    free(map_put_text(all, name, judged));
    free(name);
}

// Verdicts of cells, and of the cases and assertions of their last attempts, by name.
static struct map *judged_of(const struct run_report *report)
{
    struct map *all = map_new();
    for (size_t row = 0; row < table_count(report->cells); row++) {
        const char *cell = run_report_text(report->cells, row, "name"), *name = without_run(cell);
        size_t last;
        judge(all, memory_string(name), report->cells, row);
        if (!run_report_last_trial(report, cell, &last)) {
            continue;
        }
        const char *trial = run_report_text(report->trials, last, "name");
        const struct row_group *cases = row_index_find(report->cases_of, trial), *assertions = row_index_find(report->assertions_of, trial);
        for (size_t i = 0; i < cases->count; i++) {
            judge(all,
                  memory_printf("%s %s.%s", name, run_report_text(report->cases, cases->rows[i], "service"),
                                run_report_text(report->cases, cases->rows[i], "case")),
                  report->cases, cases->rows[i]);
        }
        for (size_t i = 0; i < assertions->count; i++) {
            judge(all, memory_printf("%s assert %s", name, run_report_text(report->assertions, assertions->rows[i], "assertion")),
                  report->assertions, assertions->rows[i]);
        }
    }
    return all;
}

static void judged_free(struct map **all)
{
    for (struct map_entry *entry = map_first(*all); entry; entry = map_next(*all, entry)) {
        free(entry->value);
    }
    map_free(all);
}

static void add_row(struct comparison *comparison, const char *kind, const char *name, const char *before, const char *after,
                    const char *text)
{
    table_add(comparison->rows, (const char *const[COLUMNS]){kind, name, before, after, "", "", "", "", text});
}

static bool is_pass(const struct judged *judged)
{
    return judged && strcmp(judged->verdict, "pass") == 0;
}

static void compare_verdict(struct comparison *comparison, const char *name, const struct judged *before, const struct judged *after)
{
    const char *was = before ? before->verdict : "", *is = after ? after->verdict : "";
    if (strcmp(was, is) == 0) {
        return;
    }
    // what passed and was not judged again may have been lost: no gate may turn green for that
    bool is_regression = is_pass(before) && !is_pass(after);
    comparison->regressions += is_regression;
    comparison->fixed += is_pass(after) && before;
    const char *kind = is_regression ? "regression" : !before ? "new" : !after ? "gone" : is_pass(after) ? "fixed" : "changed";
    add_row(comparison, kind, name, was, is, after ? after->text : "it is not in the second run");
}

static void compare_verdicts(struct comparison *comparison, const struct run_report *before, const struct run_report *after)
{
    struct map *was = judged_of(before), *is = judged_of(after);
    for (struct map_entry *entry = map_first(was); entry; entry = map_next(was, entry)) {
        CLEANUP_FREE char *name = memory_printf("%.*s", (int)entry->key_bytes, (const char *)entry->key);
        compare_verdict(comparison, name, entry->value, map_get_text(is, name));
    }
    for (struct map_entry *entry = map_first(is); entry; entry = map_next(is, entry)) {
        CLEANUP_FREE char *name = memory_printf("%.*s", (int)entry->key_bytes, (const char *)entry->key);
        if (!map_get_text(was, name)) {
            compare_verdict(comparison, name, NULL, entry->value);
        }
    }
    judged_free(&was);
    judged_free(&is);
}

// ---- metrics

static const struct report_metric *same_metric(const struct report_metrics *metrics, const struct report_metric *wanted)
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

static void compare_metric(struct comparison *comparison, const struct report_metric *before, const struct report_metric *after,
                           const struct compare_options *options)
{
    struct shift shift;
    double was = sample_summary(&before->sample).mean, is = sample_summary(&after->sample).mean;
    if (!sample_shift(&before->sample, &after->sample, options->confidence, &shift) || (shift.low <= 0 && shift.high >= 0) ||
        fabs(shift.difference) <= options->by * fabs(was)) {
        return;
    }
    bool is_directed = strcmp(before->better, "higher") == 0 || strcmp(before->better, "lower") == 0;
    bool is_worse = is_directed && (shift.difference < 0) == (strcmp(before->better, "higher") == 0);
    comparison->worse += is_worse;
    comparison->better += is_directed && !is_worse;
    char numbers[5][32];
    const double values[5] = {was, is, shift.difference, shift.low, shift.high};
    for (size_t i = 0; i < 5; i++) {
        snprintf(numbers[i], sizeof numbers[i], "%.6g", values[i]);
    }
    CLEANUP_FREE char *name = memory_printf("%s%s%s %s", before->test, *before->combination ? "/" : "", before->combination, before->name);
    CLEANUP_FREE char *text = memory_printf("%+.1f%%, n %zu and %zu", was != 0 ? shift.difference / fabs(was) * 100 : 0.0,
                                            before->sample.count, after->sample.count);
    table_add(comparison->rows,
              (const char *const[COLUMNS]){!is_directed ? "moved"
                                           : is_worse   ? "worse"
                                                        : "better",
                                           name, numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], before->unit, text});
}

void compare_runs(const struct run_report *before, const struct run_report *after, const struct compare_options *options,
                  struct comparison *comparison)
{
    *comparison = (struct comparison){.rows = table_new(columns, COLUMNS)};
    compare_verdicts(comparison, before, after);
    struct report_metrics was, is;
    report_metrics_gather(before, &was);
    report_metrics_gather(after, &is);
    for (size_t i = 0; i < was.count; i++) {
        const struct report_metric *other = same_metric(&is, &was.items[i]);
        if (other) {
            compare_metric(comparison, &was.items[i], other, options);
        }
    }
    report_metrics_free(&was);
    report_metrics_free(&is);
}

void comparison_free(struct comparison *comparison)
{
    table_free(&comparison->rows);
}

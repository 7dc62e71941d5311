#include "coordinator/report/compare.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/base/map.h"
#include "coordinator/report/judgements.h"

static const char *const columns[] = {"kind", "name", "before", "after", "difference", "low", "high", "unit", "text"};
#define COLUMNS (sizeof columns / sizeof *columns)

// "smoke/nginx,20ms/2" of "r142/smoke/nginx,20ms/2": the same cell of every run.
static const char *without_run(const char *name)
{
    const char *slash = strchr(name, '/');
    return slash ? slash + 1 : name;
}

// By name, the same in every run: "smoke/nginx,20ms/2 load.throughput".
static struct map *judged_by_name(const struct judgements *judgements)
{
    struct map *all = map_new();
    for (size_t i = 0; i < judgements->count; i++) {
        const struct judgement *judgement = &judgements->items[i];
        CLEANUP_FREE char *part = judgement_part(judgement);
        CLEANUP_FREE char *name = memory_printf("%s%s%s", without_run(judgement->cell), *part ? " " : "", part);
        map_put_text(all, name, (void *)(uintptr_t)judgement);
    }
    return all;
}

static void add_row(struct comparison *comparison, const char *kind, const char *name, const char *before, const char *after,
                    const char *text)
{
    table_add(comparison->rows, (const char *const[COLUMNS]){kind, name, before, after, "", "", "", "", text});
}

static bool is_pass(const struct judgement *judgement)
{
    return judgement && judgement_is(judgement, "pass");
}

static void compare_verdict(struct comparison *comparison, const char *name, const struct judgement *before, const struct judgement *after)
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
    struct judgements of_before, of_after;
    judgements_gather(before, &of_before);
    judgements_gather(after, &of_after);
    struct map *was = judged_by_name(&of_before), *is = judged_by_name(&of_after);
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
    map_free(&was);
    map_free(&is);
    judgements_free(&of_before);
    judgements_free(&of_after);
}

// ---- metrics

enum metric_change compare_metric(const struct report_metric *before, const struct report_metric *after,
                                  const struct compare_options *options, struct shift *shift)
{
    double was = sample_summary(&before->sample).mean;
    if (!sample_shift(&before->sample, &after->sample, options->confidence, shift)) {
        return METRIC_UNKNOWN;
    }
    if ((shift->low <= 0 && shift->high >= 0) || fabs(shift->difference) <= options->by * fabs(was)) {
        return METRIC_SAME;
    }
    if (!report_metric_is_directed(before)) {
        return METRIC_MOVED;
    }
    return (shift->difference < 0) == (strcmp(before->better, "higher") == 0) ? METRIC_WORSE : METRIC_BETTER;
}

char *compare_metric_text(const struct report_metric *before, const struct report_metric *after, const struct shift *shift)
{
    double was = sample_summary(&before->sample).mean;
    return memory_printf("%+.1f%%, n %zu and %zu", was != 0 ? shift->difference / fabs(was) * 100 : 0.0, before->sample.count,
                         after->sample.count);
}

static void add_metric(struct comparison *comparison, const struct report_metric *before, const struct report_metric *after,
                       const struct compare_options *options)
{
    static const char *const kinds[] = {[METRIC_MOVED] = "moved", [METRIC_WORSE] = "worse", [METRIC_BETTER] = "better"};
    struct shift shift;
    enum metric_change change = compare_metric(before, after, options, &shift);
    if (change < METRIC_MOVED) {
        return;
    }
    comparison->worse += change == METRIC_WORSE;
    comparison->better += change == METRIC_BETTER;
    char numbers[5][32];
    const double values[5] = {sample_summary(&before->sample).mean, sample_summary(&after->sample).mean, shift.difference, shift.low,
                              shift.high};
    for (size_t i = 0; i < 5; i++) {
        snprintf(numbers[i], sizeof numbers[i], "%.6g", values[i]);
    }
    CLEANUP_FREE char *name = memory_printf("%s%s%s %s", before->test, *before->combination ? "/" : "", before->combination, before->name);
    CLEANUP_FREE char *text = compare_metric_text(before, after, &shift);
    table_add(comparison->rows, (const char *const[COLUMNS]){kinds[change], name, numbers[0], numbers[1], numbers[2], numbers[3],
                                                             numbers[4], before->unit, text});
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
        const struct report_metric *other = report_metrics_find(&is, &was.items[i]);
        if (other) {
            add_metric(comparison, &was.items[i], other, options);
        }
    }
    report_metrics_free(&was);
    report_metrics_free(&is);
}

void comparison_free(struct comparison *comparison)
{
    table_free(&comparison->rows);
}

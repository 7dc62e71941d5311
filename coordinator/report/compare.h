// Two runs side by side: what passed and does no more, what passes now, and which metrics moved by more than chance. Pure.
#ifndef PANTHER_COORDINATOR_REPORT_COMPARE_H
#define PANTHER_COORDINATOR_REPORT_COMPARE_H

#include "coordinator/report/report_metrics.h"

struct comparison {
    struct table *rows;        // kind, name, before, after, difference, low, high, unit, text
    size_t regressions, fixed; // cells and cases that passed and do not, and the other way round
    size_t worse, better;      // metrics that moved by more than `by` and by more than chance
};
struct compare_options {
    double confidence; // 0.95
    double by;         // a share of the mean before: what is less is no news; 0.05
};
void compare_runs(const struct run_report *before, const struct run_report *after, const struct compare_options *options,
                  struct comparison *comparison);
// One metric, as compare_runs and the gates judge it. UNKNOWN: a side has less than two values.
enum metric_change { METRIC_UNKNOWN, METRIC_SAME, METRIC_MOVED, METRIC_WORSE, METRIC_BETTER };
enum metric_change compare_metric(const struct report_metric *before, const struct report_metric *after,
                                  const struct compare_options *options, struct shift *shift);
char *compare_metric_text(const struct report_metric *before, const struct report_metric *after, const struct shift *shift);
void comparison_free(struct comparison *comparison);

#endif

// The metrics of a run, gathered: one sample for each metric of each combination of a test, over its repetitions.
#ifndef PANTHER_COORDINATOR_REPORT_REPORT_METRICS_H
#define PANTHER_COORDINATOR_REPORT_REPORT_METRICS_H

#include "coordinator/report/run_report.h"
#include "coordinator/report/statistics.h"

struct report_metric {
    const char *test, *combination, *unit, *better; // of the report's tables
    char *name;                                     // "load.req_per_s", "load.throughput.req_per_s"
    bool is_duration;                               // of a case, that the coordinator made
    struct sample sample;
};
struct report_metrics {
    struct report_metric *items; // in the order of tests, metrics, combinations as they were met
    size_t count, capacity;
};
// Of the last attempt at each cell. Durations of cases that passed are among them, as SERVICE.CASE.duration in ms.
void report_metrics_gather(const struct run_report *report, struct report_metrics *metrics);
const struct report_metric *report_metrics_find(const struct report_metrics *metrics, const struct report_metric *same); // of another run
bool report_metric_is_directed(const struct report_metric *metric); // it is known which way is better
void report_metrics_free(struct report_metrics *metrics);

#endif

// Metrics: numbers taken from what a tool printed (the last match counts) or from a column of a file (its statistics).
#ifndef PANTHER_SERVICES_SDK_DECLARED_METRIC_H
#define PANTHER_SERVICES_SDK_DECLARED_METRIC_H

#include "services/sdk/declared/evidence.h"
#include "services/sdk/declared/histogram.h"

struct metric_unit { // "us" of a second group: so much of the metric's unit
    const char *name;
    double scale;
};

struct metric_rule {
    const char *name;
    const struct condition *when;
    const char *unit;
    int better; // enum panther_better
    double scale;
    const struct template *match; // NULL: a column
    int stream;                   // of match without file: 0 stdout, 1 stderr
    const struct template *file;
    size_t unit_count;
    struct metric_unit *units;
    int64_t column; // from 1; 0: by its name
    const char *column_name;
    const char *separator; // one character; a blank is any number of blanks and tabs
    bool header;
    size_t statistic_count;
    int *statistics; // indices of metric_statistics
};

struct metric_rules {
    size_t count;
    struct metric_rule *items;
};

// What was found in one case or execution.
struct metric_found {
    const char *name;
    double value;
};
struct metrics_found {
    size_t count;
    struct metric_found items[64]; // METRICS_PER_CASE_MAX
};

// Takes and tells them (panther_metric).
void metrics_take(struct evidence *evidence, struct metrics_found *found);
const double *metrics_value(const struct metrics_found *found, const char *name); // NULL: it did not appear
// What an earlier case left behind under the names of this one's files must not be taken for its own.
void metrics_forget(struct scope *scope);

// column.c: the numbers of a column. Below 0: the file cannot be read; *problem says why.
int column_read(const struct metric_rule *rule, const char *path, struct histogram *histogram, const char **problem);

#endif

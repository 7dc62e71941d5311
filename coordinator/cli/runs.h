// Which runs a command is about: by label and by time. `runs` and `history` share it.
#ifndef PANTHER_COORDINATOR_CLI_RUNS_H
#define PANTHER_COORDINATOR_CLI_RUNS_H

#include "coordinator/cli/client.h"

#define RUN_LABELS_MAX 16 // as many as anybody gives a run

struct run_filter {
    const char *labels[RUN_LABELS_MAX]; // "NAME=VALUE", all of them
    size_t label_count;
    int64_t since_wall_ns;
};
// Takes --label and --since; false: the argument is none of them.
bool run_filter_label(struct run_filter *filter, const char *argument);
bool run_filter_since(struct run_filter *filter, const char *argument); // "12h", "7d"
bool run_filter_matches(const struct run_filter *filter, const struct table *runs, size_t row);

#endif

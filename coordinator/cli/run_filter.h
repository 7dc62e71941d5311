// Which runs a command is about: --experiment, --label, --tag, --pinned and --since. `runs` and `history` share it.
#ifndef PANTHER_COORDINATOR_CLI_RUN_FILTER_H
#define PANTHER_COORDINATOR_CLI_RUN_FILTER_H

#include "coordinator/cli/client.h"

#define RUN_LABELS_MAX 16 // as many as anybody gives a run

struct run_filter {
    const char *labels[RUN_LABELS_MAX]; // "NAME=VALUE", all of them
    size_t label_count;
    const char *tags[RUN_LABELS_MAX]; // all of them
    size_t tag_count;
    const char *experiment; // NULL: any
    bool pinned;            // only those that are
    int64_t since_wall_ns;
};
// A child parser, as client_argp is one: its input is a struct run_filter.
extern const struct argp run_filter_argp;
bool run_filter_matches(const struct run_filter *filter, const struct table *runs, size_t row);

#endif

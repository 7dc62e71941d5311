#include "coordinator/cli/run_filter.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/units.h"
#include "coordinator/report/gates.h"

#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)
#define MS_PER_DAY UINT64_C(86400000)

enum { KEY_LABEL = 1300, KEY_SINCE, KEY_TAG, KEY_PINNED, KEY_EXPERIMENT };

static bool take_label(struct run_filter *filter, const char *argument)
{
    const char *equals = strchr(argument, '=');
    if (!equals || equals == argument || filter->label_count == RUN_LABELS_MAX) {
        return false;
    }
    filter->labels[filter->label_count++] = argument;
    return true;
}

// Days are no unit of the language's durations: there a day is 24h.
static bool parse_days(const char *text, uint64_t *ms)
{
    char *end;
    unsigned long days = strtoul(text, &end, 10);
    if (end == text || strcmp(end, "d") != 0 || days > 100000) {
        return false;
    }
    *ms = days * MS_PER_DAY;
    return true;
}

static bool take_since(struct run_filter *filter, const char *argument)
{
    uint64_t ms;
    struct timespec now;
    if (!parse_days(argument, &ms) && !duration_parse_ms(argument, &ms)) {
        return false;
    }
    clock_gettime(CLOCK_REALTIME, &now);
    filter->since_wall_ns = now.tv_sec * NS_PER_S + now.tv_nsec - (int64_t)ms * NS_PER_MS;
    return true;
}

bool run_filter_matches(const struct run_filter *filter, const struct table *runs, size_t row)
{
    int64_t started = 0;
    integer_parse(table_value(runs, row, "started_wall_ns"), &started);
    for (size_t i = 0; i < filter->label_count; i++) {
        if (!run_has_label(table_value(runs, row, "labels"), filter->labels[i])) {
            return false;
        }
    }
    for (size_t i = 0; i < filter->tag_count; i++) {
        if (!run_has_label(table_value(runs, row, "tags"), filter->tags[i])) {
            return false;
        }
    }
    if (filter->experiment && strcmp(table_value(runs, row, "experiment"), filter->experiment) != 0) {
        return false;
    }
    return started >= filter->since_wall_ns && (!filter->pinned || strcmp(table_value(runs, row, "pinned"), "1") == 0);
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct run_filter *filter = state->input;
    switch (key) {
    case KEY_LABEL:
        if (!take_label(filter, argument)) {
            argp_error(state, "--label %s: write NAME=VALUE", argument);
        }
        return 0;
    case KEY_TAG:
        if (filter->tag_count == RUN_LABELS_MAX) {
            argp_error(state, "--tag: at most %d", RUN_LABELS_MAX);
        }
        filter->tags[filter->tag_count++] = argument;
        return 0;
    case KEY_PINNED:
        filter->pinned = true;
        return 0;
    case KEY_EXPERIMENT:
        filter->experiment = argument;
        return 0;
    case KEY_SINCE:
        if (!take_since(filter, argument)) {
            argp_error(state, "--since %s: use a time such as 12h or 7d", argument);
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options[] = {
    {"experiment", KEY_EXPERIMENT, "NAME", 0, "only runs of this experiment", 0},
    {"label", KEY_LABEL, "NAME=VALUE", 0, "only runs with this label; again: with all of them", 0},
    {"tag", KEY_TAG, "NAME", 0, "only runs with this tag; again: with all of them", 0},
    {"pinned", KEY_PINNED, NULL, 0, "only runs whose evidence stays", 0},
    {"since", KEY_SINCE, "TIME", 0, "only runs that began in this time up to now, such as 12h or 7d", 0},
    {0},
};
const struct argp run_filter_argp = {options, parse, NULL, NULL, NULL, NULL, NULL};

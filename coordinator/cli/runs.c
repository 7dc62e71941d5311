// panther-coord runs: what was submitted, all of it or what has these labels, or began since then.
#include "coordinator/cli/runs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/units.h"

#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)
#define MS_PER_DAY UINT64_C(86400000)

enum { KEY_LABEL = 1300, KEY_SINCE };

struct runs_arguments {
    struct client client;
    const char *scope;
    struct run_filter filter;
};

bool run_filter_label(struct run_filter *filter, const char *argument)
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

bool run_filter_since(struct run_filter *filter, const char *argument)
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

// "branch=main night=7" has the word.
static bool has_label(const char *labels, const char *wanted)
{
    size_t length = strlen(wanted);
    for (const char *at = labels; (at = strstr(at, wanted)); at += length) {
        if ((at == labels || at[-1] == ' ') && (!at[length] || at[length] == ' ')) {
            return true;
        }
    }
    return false;
}

bool run_filter_matches(const struct run_filter *filter, const struct table *runs, size_t row)
{
    int64_t started = 0;
    integer_parse(table_value(runs, row, "started_wall_ns"), &started);
    for (size_t i = 0; i < filter->label_count; i++) {
        if (!has_label(table_value(runs, row, "labels"), filter->labels[i])) {
            return false;
        }
    }
    return started >= filter->since_wall_ns;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct runs_arguments *arguments = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &arguments->client;
        return 0;
    case KEY_LABEL:
        if (!run_filter_label(&arguments->filter, argument)) {
            argp_error(state, "--label %s: write NAME=VALUE", argument);
        }
        return 0;
    case KEY_SINCE:
        if (!run_filter_since(&arguments->filter, argument)) {
            argp_error(state, "--since %s: use a time such as 12h or 7d", argument);
        }
        return 0;
    case ARGP_KEY_ARG:
        if (arguments->scope) {
            argp_error(state, "one argument too many: %s", argument);
        }
        arguments->scope = argument;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static struct table *matching(const struct run_filter *filter, const struct table *runs)
{
    size_t count = table_columns(runs);
    const char **names = memory_new(sizeof *names * (count + 1)), **values = memory_new(sizeof *values * (count + 1));
    for (size_t i = 0; i < count; i++) {
        names[i] = table_column(runs, i);
    }
    struct table *kept = table_new(names, count);
    for (size_t row = 0; row < table_count(runs); row++) {
        for (size_t i = 0; i < count; i++) {
            values[i] = table_value(runs, row, names[i]);
        }
        if (run_filter_matches(filter, runs, row)) {
            table_add(kept, values);
        }
    }
    free(names);
    free(values);
    return kept;
}

int cli_runs(int argc, char **argv)
{
    static const char *const shown[] = {"name",        "experiment",      "state",      "verdict",      "done_count",
                                        "cells_count", "pass_count",      "fail_count", "inconc_count", "error_count",
                                        "duration_ms", "started_wall_ns", "by",         "labels",       NULL};
    static const struct argp_option options[] = {
        {"label", KEY_LABEL, "NAME=VALUE", 0, "only those with this label; again: with all of them", 0},
        {"since", KEY_SINCE, "TIME", 0, "only those that began in this time up to now, such as 12h or 7d", 0},
        {0},
    };
    static const struct argp_child children[] = {{&client_argp, 0, NULL, 0}, {0}};
    static const struct argp argp = {options, parse, "[RUN]", "Lists the runs, oldest first.", children, NULL, NULL};
    struct runs_arguments arguments = {0};
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    struct table *runs = NULL;
    uint64_t cursor = 0;
    int status = client_query(&arguments.client, PB__TABLE__TABLE_RUNS, arguments.scope, &runs, &cursor, false);
    if (!status) {
        struct table *kept = matching(&arguments.filter, runs);
        table_show(kept, shown);
        table_print(kept, arguments.client.format, stdout, arguments.client.colour);
        if (!table_count(runs)) {
            client_hint(&arguments.client, "no run yet: `panther-coord submit FILE` makes one");
        }
        table_free(&kept);
    }
    table_free(&runs);
    client_close(&arguments.client);
    return status;
}

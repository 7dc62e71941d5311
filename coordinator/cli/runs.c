// panther-coord runs: what was submitted, all of it or what has these labels, or began since then.
#include <stdio.h>
#include <stdlib.h>

#include "coordinator/cli/run_filter.h"

struct runs_arguments {
    struct client client;
    const char *scope;
    struct run_filter filter;
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct runs_arguments *arguments = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &arguments->client;
        state->child_inputs[1] = &arguments->filter;
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
    static const char *const shown[] = {"name",        "experiment",      "state",      "verdict",      "gate",        "done_count",
                                        "cells_count", "pass_count",      "fail_count", "inconc_count", "error_count", "none_count",
                                        "duration_ms", "started_wall_ns", "by",         "labels",       "tags",        "pinned",
                                        "notes_count", "rerun_of",        NULL};
    static const struct argp_child children[] = {{&client_argp, 0, NULL, 0}, {&run_filter_argp, 0, NULL, 0}, {0}};
    static const struct argp argp = {NULL, parse, "[RUN]", "Lists the runs, oldest first.", children, NULL, NULL};
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

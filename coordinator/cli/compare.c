// panther-coord compare RUN RUN: what a change did, with an exit status for a gate.
#include <stdio.h>
#include <string.h>

#include "common/base/units.h"
#include "coordinator/cli/report.h"
#include "coordinator/report/compare.h"

#define CONFIDENCE_DEFAULT 0.95
#define BY_DEFAULT 0.05

enum { KEY_GATE = 1200, KEY_CONFIDENCE, KEY_BY };

struct compare_arguments {
    struct client client;
    const char *before, *after;
    struct compare_options options;
    bool gate;
};

static void take_share(struct argp_state *state, const char *name, const char *argument, double most, double *share)
{
    if (!ratio_parse(argument, share) || *share < 0 || *share > most) {
        argp_error(state, "%s %s: use a share such as 5%% or 0.05", name, argument);
    }
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct compare_arguments *arguments = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &arguments->client;
        return 0;
    case KEY_GATE:
        arguments->gate = true;
        return 0;
    case KEY_CONFIDENCE:
        take_share(state, "--confidence", argument, 0.9999, &arguments->options.confidence);
        return 0;
    case KEY_BY:
        take_share(state, "--by", argument, 1000, &arguments->options.by);
        return 0;
    case ARGP_KEY_ARG:
        if (arguments->after) {
            argp_error(state, "one argument too many: %s", argument);
        }
        *(arguments->before ? &arguments->after : &arguments->before) = argument;
        return 0;
    case ARGP_KEY_END:
        if (!arguments->before) {
            argp_error(state, "which runs? compare BEFORE [AFTER]");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int show(const struct compare_arguments *arguments, const struct comparison *comparison)
{
    static const char *const shown[] = {"kind", "name", "before", "after", "low", "high", "unit", "text", NULL};
    table_show(comparison->rows, shown);
    table_print(comparison->rows, arguments->client.format, stdout, arguments->client.colour);
    if (arguments->client.format == REPORT_TABLE) {
        printf("%zu regressions, %zu fixed; metrics: %zu worse, %zu better (beyond %g%% and chance, %g%% confidence)\n",
               comparison->regressions, comparison->fixed, comparison->worse, comparison->better, arguments->options.by * 100,
               arguments->options.confidence * 100);
    }
    return arguments->gate && (comparison->regressions || comparison->worse) ? EXIT_FAIL : EXIT_PASS;
}

int cli_compare(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"gate", KEY_GATE, NULL, 0, "exit status 1 when something regressed or a metric is worse", 0},
        {"confidence", KEY_CONFIDENCE, "SHARE", 0, "of the intervals of metrics (default 95%)", 0},
        {"by", KEY_BY, "SHARE", 0, "a metric that moved by less of its mean is no news (default 5%)", 0},
        {0},
    };
    static const struct argp_child children[] = {{&client_argp, 0, NULL, 0}, {0}};
    static const struct argp argp = {
        options,
        parse,
        "BEFORE [AFTER]",
        "What is different between two runs (AFTER is @last by default): cells, cases and assertions that passed "
        "and do not (regression; not being there any more is one), that pass now (fixed), and metrics whose means "
        "differ by more than chance.\vThe interval of a difference is Welch's; a metric needs two values on both "
        "sides: repeat cells.",
        children,
        NULL,
        NULL};
    struct compare_arguments arguments = {.options = {CONFIDENCE_DEFAULT, BY_DEFAULT}};
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    struct evidence evidence = {.client = &arguments.client};
    struct run_report before = {0}, after = {0};
    int status = report_gather(&evidence, arguments.before, &before);
    status = status ? status : report_gather(&evidence, arguments.after ? arguments.after : "@last", &after);
    if (!status) {
        struct comparison comparison;
        const char *was = run_report_text(before.run, 0, "experiment"), *is = run_report_text(after.run, 0, "experiment");
        if (strcmp(was, is) != 0) {
            fprintf(stderr, "panther-coord: these are runs of two experiments, %s and %s: what one lacks counts as lost\n", was, is);
        }
        compare_runs(&before, &after, &arguments.options, &comparison);
        status = show(&arguments, &comparison);
        comparison_free(&comparison);
    }
    run_report_free(&before);
    run_report_free(&after);
    client_close(&arguments.client);
    return status;
}

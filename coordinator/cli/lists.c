// results, findings, events: pages of the store's tables.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/cli/client.h"
#include "coordinator/cli/follow.h"
#include "coordinator/cli/matrix.h"

#define FOLLOW_MS 300

struct list_arguments {
    struct client client;
    const char *scope;
    bool follow;
    int detail; // key of a row of `details`
};

enum { KEY_CASES = 600, KEY_TRIALS, KEY_METRICS, KEY_ASSERTIONS, KEY_FINDINGS, KEY_GATES, KEY_MATRIX };

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct list_arguments *arguments = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &arguments->client;
        return 0;
    case 'f':
        arguments->follow = true;
        return 0;
    case KEY_CASES:
    case KEY_TRIALS:
    case KEY_METRICS:
    case KEY_ASSERTIONS:
    case KEY_FINDINGS:
    case KEY_GATES:
    case KEY_MATRIX:
        if (arguments->detail) {
            argp_error(state, "one of --trials, --cases, --metrics, --assertions, --findings, --gates, --matrix at a time");
        }
        arguments->detail = key;
        return 0;
    case ARGP_KEY_ARG:
        if (arguments->scope) {
            argp_error(state, "one argument too many: %s", argument);
        }
        arguments->scope = argument;
        return 0;
    case ARGP_KEY_END:
        if (arguments->client.format == REPORT_MARKDOWN && arguments->detail != KEY_MATRIX) {
            argp_error(state, "-o markdown is for --matrix; `panther-coord report` has the others");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {{&client_argp, 0, NULL, 0}, {0}};

// hint: what to say to a newcomer when there is nothing; NULL: nothing
static int print_list(struct client *client, Pb__Table table, const char *scope, const char *const *shown, const char *hint)
{
    struct table *rows = NULL;
    uint64_t cursor = 0;
    int status = client_query(client, table, scope, &rows, &cursor, false);
    if (!status) {
        table_show(rows, shown);
        table_print(rows, client->format, stdout, client->colour);
        if (hint && !table_count(rows)) {
            client_hint(client, hint);
        }
    }
    table_free(&rows);
    return status;
}

// What `results` can show, each with its columns.
static const struct detail {
    int key; // 0: without a flag
    Pb__Table table;
    const char *shown[9];
} details[] = {
    {0, PB__TABLE__TABLE_CELLS, {"name", "verdict", "reason", "attempts_count", "duration_ms", "text"}},
    {KEY_TRIALS, PB__TABLE__TABLE_TRIALS, {"name", "state", "verdict", "reason", "hosts", "duration_ms", "text"}},
    {KEY_CASES, PB__TABLE__TABLE_CASES, {"trial", "service", "case", "verdict", "reason", "duration_ns", "text"}},
    {KEY_METRICS, PB__TABLE__TABLE_METRICS, {"trial", "service", "case", "metric", "value", "unit"}},
    {KEY_ASSERTIONS, PB__TABLE__TABLE_ASSERTIONS, {"trial", "service", "assertion", "verdict", "observed"}},
    {KEY_GATES, PB__TABLE__TABLE_GATES, {"test", "gate", "kind", "name", "verdict", "before", "after", "text"}},
    {KEY_FINDINGS, PB__TABLE__TABLE_FINDINGS, {"signature", "sightings_count", "first_trial", "last_trial", "service", "case", "title"}},
};

static const struct argp_option results_options[] = {
    {"trials", KEY_TRIALS, NULL, 0, "every attempt, with its hosts", 0},
    {"cases", KEY_CASES, NULL, 0, "every test case", 0},
    {"metrics", KEY_METRICS, NULL, 0, "every metric", 0},
    {"assertions", KEY_ASSERTIONS, NULL, 0, "every assertion and what was observed", 0},
    {"findings", KEY_FINDINGS, NULL, 0, "what testers discovered, as the command findings", 0},
    {"gates", KEY_GATES, NULL, 0, "what the run was held against, and what that found", 0},
    {"matrix", KEY_MATRIX, NULL, 0,
     "servers across, clients down, a letter for each case; also -o markdown, and -o json as quic-interop-runner writes its results", 0},
    {0},
};

static int show_detail(struct list_arguments *arguments)
{
    const struct detail *detail = details;
    while (detail->key != arguments->detail) {
        detail++;
    }
    int status = print_list(&arguments->client, detail->table, arguments->scope ? arguments->scope : "@last", detail->shown, NULL);
    client_close(&arguments->client);
    return status;
}

int cli_findings(int argc, char **argv)
{
    const struct argp argp = {NULL,
                              parse,
                              "[RUN|TEST|CELL|TRIAL]",
                              "What testers discovered in a run (default: @last), one row a signature.\vsightings counts how often it was "
                              "seen in the run; in a test, cell or trial those are listed that were seen there.",
                              children,
                              NULL,
                              NULL};
    struct list_arguments arguments = {.detail = KEY_FINDINGS};
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    return show_detail(&arguments);
}

int cli_results(int argc, char **argv)
{
    const struct argp argp = {results_options,
                              parse,
                              "[RUN|TEST|CELL|TRIAL]",
                              "The verdicts of a run (default: @last), one row a cell.\vNames can be pasted: r142, r142/load, "
                              "r142/load/nginx,20ms/2, r142/load/nginx,20ms/2#1, @last.",
                              children,
                              NULL,
                              NULL};
    struct list_arguments arguments = {.client.documents = REPORT_DOCUMENT(REPORT_MARKDOWN)};
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    if (arguments.detail == KEY_MATRIX) {
        return print_matrix(&arguments.client, arguments.scope ? arguments.scope : "@last");
    }
    return show_detail(&arguments);
}

// ---- events, which can be followed

static int follow_events(struct list_arguments *arguments, const char *const *shown)
{
    uint64_t cursor = 0;
    bool first = true;
    do {
        struct table *rows = NULL;
        int status = client_query(&arguments->client, PB__TABLE__TABLE_EVENTS, arguments->scope, &rows, &cursor, false);
        if (status) {
            table_free(&rows);
            return status;
        }
        if (arguments->client.format == REPORT_TABLE && table_count(rows)) {
            struct text text = {0};
            table_show(rows, shown);
            table_render(rows, &text, arguments->client.colour, 0);
            const char *body = first ? text_string(&text) : strchr(text_string(&text), '\n') + 1; // the heading once
            fputs(body, stdout);
            text_free(&text);
            first = false;
        }
        for (size_t row = 0; arguments->client.format != REPORT_TABLE && row < table_count(rows); row++) {
            table_print_row(rows, row, stdout);
        }
        table_free(&rows);
        fflush(stdout);
    } while (wait_while_read_ms(FOLLOW_MS));
    return EXIT_PASS;
}

int cli_events(int argc, char **argv)
{
    static const char *const shown[] = {"sequence", "wall_ns", "agent", "trial", "service", "kind", "text", NULL};
    static const struct argp_option options[] = {{"follow", 'f', NULL, 0, "go on as they come, until Ctrl-C", 0}, {0}};
    const struct argp argp = {options, parse, "[RUN|CELL|TRIAL|SERVICE]", "The journal, one line a record (default: all of it).", children,
                              NULL,    NULL};
    struct list_arguments arguments = {0};
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    int status = arguments.follow ? follow_events(&arguments, shown)
                                  : print_list(&arguments.client, PB__TABLE__TABLE_EVENTS, arguments.scope, shown, NULL);
    client_close(&arguments.client);
    return status;
}

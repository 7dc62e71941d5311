// panther-coord timeline TRIAL: what happened on all hosts, on one axis.
#include "coordinator/cli/timeline.h"

#include <stdio.h>
#include <string.h>

#include "common/base/units.h"

// A page with more is slow to move, a table longer than anybody reads; all of it is in the evidence.
#define MOST_MAX 1000000

bool timeline_wish_parse(const char *text, struct timeline_wish *wish)
{
    memset(wish->with, 0, sizeof wish->with);
    for (const char *word = text; *word; word += strcspn(word, ","), word += *word == ',') {
        size_t length = strcspn(word, ",");
        bool is_all = length == 3 && strncmp(word, "all", length) == 0, is_known = is_all;
        for (int source = TIMELINE_METRICS; source < TIMELINE_SOURCES; source++) {
            const char *name = timeline_source_name((enum timeline_source)source);
            bool is_it = strlen(name) == length && strncmp(word, name, length) == 0;
            wish->with[source] |= is_it || is_all;
            is_known |= is_it;
        }
        if (!is_known) {
            return false;
        }
    }
    return true;
}

static void show(const struct timeline *timeline, const char *title, enum report_format format)
{
    struct text text = {0};
    if (format == REPORT_TABLE) {
        timeline_text(timeline, &text);
    } else if (format == REPORT_HTML) {
        timeline_html(timeline, title, &text);
    } else {
        struct table *table = timeline_table(timeline);
        table_print(table, format, stdout, false);
        table_free(&table);
    }
    fwrite(text_string(&text), 1, text.length, stdout);
    text_free(&text);
}

int timeline_print(struct evidence *evidence, const char *scope, const struct timeline_wish *wish, enum report_format format)
{
    struct table *rows = NULL;
    int status = evidence_table(evidence, PB__TABLE__TABLE_TIMELINE, scope, &rows);
    if (status) {
        table_free(&rows);
        return status;
    }
    struct timeline timeline;
    timeline_make(rows, &timeline);
    timeline_limit(&timeline, TIMELINE_METRICS, wish->with[TIMELINE_METRICS] ? wish->most : 0);
    status = timeline_observe(evidence, scope, wish, rows, &timeline);
    timeline_finish(&timeline);
    show(&timeline, *scope ? scope : "timeline", format);
    timeline_free(&timeline);
    table_free(&rows);
    return status;
}

// ---- the command

struct timeline_arguments {
    struct client client;
    const char *scope;
    struct timeline_wish wish;
};

enum { KEY_WITH = 1000, KEY_MOST };

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct timeline_arguments *arguments = state->input;
    uint64_t most;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &arguments->client;
        return 0;
    case KEY_WITH:
        if (!timeline_wish_parse(argument, &arguments->wish)) {
            argp_error(state, "--with %s: use metrics, logs, packets, qlog, with commas between them, or all", argument);
        }
        return 0;
    case KEY_MOST:
        if (!unsigned_parse(argument, &most) || most == 0 || most > MOST_MAX) {
            argp_error(state, "--most %s: use a number from 1 to %d", argument, MOST_MAX);
        }
        arguments->wish.most = (size_t)most;
        return 0;
    case ARGP_KEY_ARG:
        if (arguments->scope) {
            argp_error(state, "one argument too many: %s", argument);
        }
        arguments->scope = argument;
        return 0;
    case ARGP_KEY_END:
        if (!arguments->scope) {
            argp_error(state, "TRIAL is missing");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int cli_timeline(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"with", KEY_WITH, "SOURCES", 0, "beside the journal: metrics (the default), logs, packets, qlog, with commas between them; or all",
         0},
        {"most", KEY_MOST, "N", 0, "entries of each of these at most (10000); the first ones are kept, how many are left out is said", 0},
        {0}};
    static const struct argp_child children[] = {{&client_argp, 0, NULL, 0}, {0}};
    static const struct argp argp = {
        options,
        parse,
        "TRIAL|CELL|SERVICE",
        "What happened in a trial on all hosts, on one axis: decisions, commands, processes, cases, faults, metrics; and what was "
        "observed: "
        "lines that programs printed, packets (read by tshark, with the key logs that the services left), events of qlogs.\vThe clocks of "
        "the hosts are corrected by what their heartbeats measured, the error that is left is stated, and no effect stands before "
        "its cause: ~ marks what was moved for that, ? what is placed by when things were received. With -o html it is one page with zoom "
        "and "
        "a filter for each source.",
        children,
        NULL,
        NULL};
    struct timeline_arguments arguments = {.client.documents = TIMELINE_DOCUMENTS, .wish = TIMELINE_WISH};
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    struct evidence evidence = {.client = &arguments.client};
    int status = timeline_print(&evidence, arguments.scope, &arguments.wish, arguments.client.format);
    client_close(&arguments.client);
    return status;
}

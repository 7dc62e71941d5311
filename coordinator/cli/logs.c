// panther-coord logs NAME: what services printed. NAME is a run, cell, trial, service, or one stream or artifact of a service.
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/identity.h"
#include "coordinator/cli/client.h"
#include "coordinator/cli/follow.h"
#include "coordinator/cli/log_lines.h"
#include "coordinator/cli/logs_follow.h"

#define STREAMS_MAX 4096 // 8 streams of each service of 500 trials: more is not read by anybody in one go

struct stream {
    char *name; // full
    uint64_t offset;
    struct text rest; // of the last line
    bool ended;
};

struct log_arguments {
    struct client client;
    const char *scope;
    bool follow;
    struct log_lines lines;
    struct stream *streams;
    size_t count, capacity;
    char why[PANTHER_ERROR_MESSAGE_BYTES]; // the coordinator has nothing of what was asked for last
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct log_arguments *arguments = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &arguments->client;
        return 0;
    case 'f':
        arguments->follow = true;
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

static struct stream *find(struct log_arguments *arguments, const char *name)
{
    for (size_t i = 0; i < arguments->count; i++) {
        if (strcmp(arguments->streams[i].name, name) == 0) {
            return &arguments->streams[i];
        }
    }
    return NULL;
}

static struct stream *add(struct log_arguments *arguments, const char *name)
{
    APPEND(arguments->streams, arguments->count, arguments->capacity) = (struct stream){.name = memory_string(name)};
    return &arguments->streams[arguments->count - 1];
}

// Everything that is there now. 0, or an exit status.
static int print_stream(struct log_arguments *arguments, struct stream *stream)
{
    for (;;) {
        struct panther_error error = {0};
        uint8_t *data = NULL;
        size_t bytes = 0;
        bool end = false;
        if (bus_call_get(arguments->client.call, stream->name, "", stream->offset, &data, &bytes, &end, &error)) {
            if (error.code == PANTHER_ENOTFOUND) {
                snprintf(arguments->why, sizeof arguments->why, "%s", error.message);
                return 0; // nothing of it has arrived yet, or it was removed
            }
            return client_problem(&error);
        }
        log_lines_print(&arguments->lines, stream->name, &stream->rest, data, bytes);
        stream->offset += bytes;
        stream->ended = end;
        free(data);
        if (end) {
            log_lines_flush(&arguments->lines, stream->name, &stream->rest);
        }
        if (end || !bytes) {
            return 0;
        }
    }
}

static int gather(struct log_arguments *arguments, const char *scope)
{
    struct table *rows = NULL;
    uint64_t cursor = 0;
    int status = client_query(&arguments->client, PB__TABLE__TABLE_STREAMS, scope, &rows, &cursor, false);
    for (size_t row = 0; !status && row < table_count(rows) && arguments->count < STREAMS_MAX; row++) {
        const char *name = table_value(rows, row, "name");
        if (!find(arguments, name)) {
            add(arguments, name);
        }
    }
    table_free(&rows);
    return status;
}

static int print_scope(struct log_arguments *arguments)
{
    int status = gather(arguments, arguments->scope);
    arguments->lines.prefixed |= arguments->count > 1;
    for (size_t i = 0; !status && i < arguments->count; i++) {
        status = print_stream(arguments, &arguments->streams[i]);
    }
    return status;
}

// -1: there may be more
static int print_content(struct log_arguments *arguments)
{
    struct stream *stream = arguments->count ? arguments->streams : add(arguments, arguments->scope);
    int status = print_stream(arguments, stream);
    return status ? status : stream->ended ? EXIT_PASS : -1;
}

static bool has_bytes(const struct log_arguments *arguments)
{
    for (size_t i = 0; i < arguments->count; i++) {
        if (arguments->streams[i].offset) {
            return true;
        }
    }
    return false;
}

static int follow_scope(struct log_arguments *arguments)
{
    bool any = false;
    arguments->lines.prefixed = true;
    int status = logs_follow(&arguments->client, arguments->scope, &arguments->lines, &any);
    log_lines_end(&arguments->lines);
    if (!status && !any) {
        client_hint(&arguments->client, "no service of that has printed anything");
    }
    return status;
}

// Silence has reasons that are told apart.
static int explain_nothing(const struct log_arguments *arguments, bool one)
{
    if (!one) {
        client_hint(&arguments->client, "no service of that has printed anything");
    } else if (!arguments->streams[0].ended) {
        fprintf(stderr, "panther-coord: nothing of %s has arrived%s%s\n", arguments->scope, *arguments->why ? ", or it is gone: " : "",
                arguments->why);
        return EXIT_FAIL;
    }
    return EXIT_PASS;
}

// A name below a service is one stream or artifact.
static bool names_content(const char *scope)
{
    struct full_name name;
    return full_name_parse(scope, &name, NULL) == 0 && *name.stream;
}

// What was printed and is not kept is told beside what is, not among it.
static void tell_gaps(struct log_arguments *arguments)
{
    struct full_name name;
    size_t length = strlen(arguments->scope);
    if (full_name_parse(arguments->scope, &name, NULL) == 0 && *name.stream) {
        length -= strlen(name.stream) + 1; // its service
    }
    CLEANUP_FREE char *scope = memory_printf("%.*s", (int)length, arguments->scope);
    struct table *rows = NULL;
    uint64_t cursor = 0;
    int status = client_query(&arguments->client, PB__TABLE__TABLE_STREAMS, scope, &rows, &cursor, false);
    for (size_t row = 0; !status && row < table_count(rows); row++) {
        const char *stream = table_value(rows, row, "name"), *gaps = table_value(rows, row, "gaps");
        if (*gaps && find(arguments, stream)) {
            fprintf(stderr, "panther-coord: %s lacks %s bytes (%s)\n", stream, table_value(rows, row, "dropped_bytes"), gaps);
        }
    }
    table_free(&rows);
}

static int run(struct log_arguments *arguments)
{
    bool one = names_content(arguments->scope);
    int status = client_open(&arguments->client);
    if (status) {
        return status;
    }
    if (arguments->follow && !one) {
        return follow_scope(arguments);
    }
    do {
        status = one ? print_content(arguments) : print_scope(arguments);
        fflush(stdout);
    } while (status == -1 && arguments->follow && wait_while_read_ms(LOGS_EVERY_MS));
    for (size_t i = 0; i < arguments->count; i++) {
        log_lines_flush(&arguments->lines, arguments->streams[i].name, &arguments->streams[i].rest);
    }
    log_lines_end(&arguments->lines);
    if (status > 0) {
        return status;
    }
    tell_gaps(arguments);
    return has_bytes(arguments) ? EXIT_PASS : explain_nothing(arguments, one);
}

int cli_logs(int argc, char **argv)
{
    static const struct argp_option options[] = {{"follow", 'f', NULL, 0, "go on as it comes, until the run has ended", 0}, {0}};
    static const struct argp_child children[] = {{&client_argp, 0, NULL, 0}, {0}};
    static const struct argp argp = {
        options,
        parse,
        "[RUN|CELL|TRIAL|SERVICE|STREAM|ARTIFACT]",
        "Prints what services printed (default: of @last); with more than one stream each line has its name in front; with -f also its "
        "host, and the lines are in the order of the hosts' corrected clocks.\vIn a pipe bytes "
        "come as they are; on a terminal control characters are shown, not sent. With -o jsonl each line is an object.",
        children,
        NULL,
        NULL};
    struct log_arguments arguments = {0};
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    arguments.scope = arguments.scope ? arguments.scope : "@last";
    log_lines_begin(&arguments.lines, arguments.client.format, arguments.client.colour);
    int status = run(&arguments);
    for (size_t i = 0; i < arguments.count; i++) {
        free(arguments.streams[i].name);
        text_free(&arguments.streams[i].rest);
    }
    free(arguments.streams);
    client_close(&arguments.client);
    return status;
}

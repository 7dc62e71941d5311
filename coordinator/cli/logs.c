// panther-coord logs NAME: what services printed. NAME is a run, cell, trial, service, or one stream or artifact of a service.
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/identity.h"
#include "coordinator/cli/client.h"
#include "coordinator/cli/follow.h"

#define FOLLOW_MS 300
#define STREAMS_MAX 4096

struct stream {
    char *name; // full
    uint64_t offset;
    bool ended, at_line_start;
};

struct log_arguments {
    struct client client;
    const char *scope;
    bool follow;
    struct stream *streams;
    size_t count, capacity;
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

// "r1/load/nginx/1#1/server/nginx.stderr" -> "server/nginx.stderr" in a scope of one trial; full names in wider ones
static void print_prefix(const struct log_arguments *arguments, const struct stream *stream)
{
    bool colour = arguments->client.colour;
    printf("%s%s%s| ", colour ? "\033[2m" : "", stream->name, colour ? REPORT_COLOUR_END : "");
}

static void print_bytes(struct log_arguments *arguments, struct stream *stream, const uint8_t *data, size_t bytes, bool prefixed)
{
    if (!prefixed) {
        fwrite(data, 1, bytes, stdout);
        return;
    }
    for (size_t at = 0; at < bytes;) {
        const uint8_t *newline = memchr(data + at, '\n', bytes - at);
        size_t length = newline ? (size_t)(newline - (data + at)) + 1 : bytes - at;
        if (stream->at_line_start) {
            print_prefix(arguments, stream);
        }
        fwrite(data + at, 1, length, stdout);
        stream->at_line_start = newline != NULL;
        at += length;
    }
}

// Everything that is there now. 0, or an exit status.
static int print_stream(struct log_arguments *arguments, struct stream *stream, bool prefixed)
{
    for (;;) {
        struct panther_error error = {0};
        uint8_t *data = NULL;
        size_t bytes = 0;
        bool end = false;
        if (bus_call_get(arguments->client.call, stream->name, "", stream->offset, &data, &bytes, &end, &error)) {
            if (error.code == PANTHER_ENOTFOUND) {
                return 0; // nothing of it has arrived yet
            }
            return client_problem(&error);
        }
        print_bytes(arguments, stream, data, bytes, prefixed);
        stream->offset += bytes;
        stream->ended = end;
        free(data);
        if (end || !bytes) {
            break;
        }
    }
    if (stream->ended && prefixed && !stream->at_line_start) {
        putchar('\n');
        stream->at_line_start = true;
    }
    return 0;
}

static int gather(struct log_arguments *arguments, const char *scope, bool *all_ended)
{
    struct table *rows = NULL;
    uint64_t cursor = 0;
    int status = client_query(&arguments->client, PB__TABLE__TABLE_STREAMS, scope, &rows, &cursor, false);
    for (size_t row = 0; !status && row < table_count(rows) && arguments->count < STREAMS_MAX; row++) {
        const char *name = table_value(rows, row, "name");
        if (!find(arguments, name)) {
            APPEND(arguments->streams, arguments->count, arguments->capacity) = (struct stream){memory_string(name), 0, false, true};
        }
    }
    table_free(&rows);
    if (!status && arguments->follow) {
        struct table *trials = NULL;
        cursor = 0;
        status = client_query(&arguments->client, PB__TABLE__TABLE_RUNS, scope, &trials, &cursor, false);
        *all_ended = !status && table_count(trials) && strcmp(table_value(trials, 0, "state"), "ended") == 0;
        table_free(&trials);
    }
    return status;
}

static int print_all(struct log_arguments *arguments)
{
    bool run_ended = false, all_ended = true;
    int status = gather(arguments, arguments->scope, &run_ended);
    bool prefixed = arguments->count > 1;
    for (size_t i = 0; !status && i < arguments->count; i++) {
        if (!arguments->streams[i].ended) {
            status = print_stream(arguments, &arguments->streams[i], prefixed);
        }
        all_ended &= arguments->streams[i].ended;
    }
    fflush(stdout);
    return status ? status : run_ended && all_ended ? EXIT_PASS : -1;
}

// A name below a service is one stream or artifact.
static bool names_content(const char *scope)
{
    struct full_name name;
    return full_name_parse(scope, &name, NULL) == 0 && *name.stream;
}

static int run(struct log_arguments *arguments)
{
    int status = client_open(&arguments->client);
    if (status) {
        return status;
    }
    if (names_content(arguments->scope)) {
        struct stream one = {memory_string(arguments->scope), 0, false, true};
        do {
            status = print_stream(arguments, &one, false);
            fflush(stdout);
        } while (!status && arguments->follow && !one.ended && (wait_ms(FOLLOW_MS), true));
        if (!status && !one.offset && !one.ended) {
            fprintf(stderr, "panther-coord: nothing of %s has arrived\n", one.name);
            status = EXIT_FAIL;
        }
        free(one.name);
        return status;
    }
    while ((status = print_all(arguments)) == -1 && arguments->follow) {
        wait_ms(FOLLOW_MS);
    }
    return status == -1 ? EXIT_PASS : status;
}

int cli_logs(int argc, char **argv)
{
    static const struct argp_option options[] = {{"follow", 'f', NULL, 0, "go on as it comes, until the run has ended", 0}, {0}};
    static const struct argp_child children[] = {{&client_argp, 0, NULL, 0}, {0}};
    static const struct argp argp = {
        options,
        parse,
        "[RUN|CELL|TRIAL|SERVICE|STREAM]",
        "Prints what services printed (default: of @last); with more than one stream each line has its name in front.",
        children,
        NULL,
        NULL};
    struct log_arguments arguments = {0};
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    arguments.scope = arguments.scope ? arguments.scope : "@last";
    int status = run(&arguments);
    for (size_t i = 0; i < arguments.count; i++) {
        free(arguments.streams[i].name);
    }
    free(arguments.streams);
    client_close(&arguments.client);
    return status;
}

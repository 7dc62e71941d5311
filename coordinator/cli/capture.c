// panther-coord capture TRIAL -w -: what the networks of a trial capture, as one pcapng that grows while the trial runs, for
// `wireshark -k -i -`. What is live comes from the agents, a piece at a time; the rest, and a trial that is over, from the artifacts.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/identity.h"
#include "coordinator/cli/capture_reader.h"
#include "coordinator/cli/captures.h"
#include "coordinator/cli/explain.h"
#include "coordinator/cli/follow.h"

// panther-link and dumpcap write what they have twice a second.
#define CAPTURE_EVERY_MS 250
struct capture {
    struct client client;
    const char *scope, *path; // path: "-" is stdout
    FILE *out;
    char *trial, *service; // service: "": the networks
    struct capture_reader *reader;
};

// ---- options

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct capture *capture = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &capture->client;
        return 0;
    case 'w':
        capture->path = argument;
        return 0;
    case ARGP_KEY_ARG:
        if (capture->scope) {
            argp_error(state, "one argument too many: %s", argument);
        }
        capture->scope = argument;
        return 0;
    case ARGP_KEY_END:
        if (!capture->scope || !capture->path) {
            argp_error(state, "of which trial, and where to? capture TRIAL -w FILE, or -w - for a pipe");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

// ---- writing

// -1: nobody reads it any more
static int write_out(struct capture *capture, struct text *out)
{
    bool is_written = fwrite(text_string(out), 1, out->length, capture->out) == out->length && fflush(capture->out) == 0;
    text_clear(out);
    if (is_written || errno == EPIPE) {
        return is_written ? 0 : -1;
    }
    fprintf(stderr, "panther-coord: %s could not be written: %s\n", capture->path, strerror(errno));
    return EXIT_FAIL;
}

static int follow(struct capture *capture)
{
    struct text out = {0};
    bool is_done = false;
    int status;
    do {
        status = capture_reader_look(capture->reader, &out, &is_done);
        int written = write_out(capture, &out);
        status = status ? status : written;
    } while (!status && !is_done && wait_while_read_ms(CAPTURE_EVERY_MS));
    text_free(&out);
    if (!status && is_done && !capture_reader_has_sources(capture->reader)) {
        fprintf(stderr, "panther-coord: no service of that captures; a `network_environment` of a test does\n");
        status = EXIT_FAIL;
    }
    return status > 0 ? status : status == 0 && capture_reader_is_incomplete(capture->reader) ? EXIT_FAIL : 0;
}

static int open_out(struct capture *capture)
{
    bool is_pipe = strcmp(capture->path, "-") == 0;
    if (is_pipe && isatty(STDOUT_FILENO)) {
        fprintf(stderr, "panther-coord: packets are not for a terminal: `| wireshark -k -i -`, or -w FILE\n");
        return EXIT_USAGE;
    }
    capture->out = is_pipe ? stdout : fopen(capture->path, "w");
    if (!capture->out) {
        fprintf(stderr, "panther-coord: %s: %s\n", capture->path, strerror(errno));
        return EXIT_FAIL;
    }
    return 0;
}

static int find_trial(struct capture *capture)
{
    struct table *trial = NULL;
    struct full_name name;
    struct evidence evidence = {.client = &capture->client};
    CLEANUP_FREE char *scope = captures_trial(capture->scope);
    bool is_service = full_name_parse(capture->scope, &name, NULL) == 0 && *name.service;
    int status = explain_find_trial(&evidence, scope, &trial);
    if (!status) {
        capture->trial = memory_string(table_value(trial, 0, "name"));
        capture->service = memory_string(is_service ? name.service : "");
    }
    table_free(&trial);
    return status;
}

static int run(struct capture *capture)
{
    int status = find_trial(capture);
    status = status ? status : open_out(capture);
    if (status) {
        return status;
    }
    capture->reader = capture_reader_new(&capture->client, capture->trial, capture->service);
    status = follow(capture);
    if (capture->out != stdout && fclose(capture->out) && !status) {
        fprintf(stderr, "panther-coord: %s could not be written: is the disk full?\n", capture->path);
        status = EXIT_FAIL;
    }
    capture_reader_free(&capture->reader);
    return status;
}

int cli_capture(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"write", 'w', "FILE", 0, "where to: a file, or - for a pipe", 0},
        {0},
    };
    static const struct argp_child children[] = {{&client_argp, 0, NULL, 0}, {0}};
    static const struct argp argp = {
        options,
        parse,
        "TRIAL|SERVICE",
        "Writes what the networks of a trial capture as one pcapng, while the trial runs and to its end; of a trial that is over, "
        "its captures.\v`panther-coord capture TRIAL -w - | wireshark -k -i -` shows packets a second after they passed.",
        children,
        NULL,
        NULL};
    struct capture capture = {0};
    argp_parse(&argp, argc, argv, 0, NULL, &capture);
    int status = run(&capture);
    free(capture.trial);
    free(capture.service);
    client_close(&capture.client);
    return status;
}

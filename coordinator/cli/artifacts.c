// panther-coord artifacts [NAME] [--save DIR]: the files that services left; saved, each is checked against its hash.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/cli/artifacts.h"
#include "coordinator/cli/save.h"

struct artifact_arguments {
    struct client client;
    const char *scope, *folder, *open;
};

enum { KEY_SAVE = 1000, KEY_OPEN };

static const struct argp_option options[] = {
    {"save", KEY_SAVE, "DIR", 0, "write them below DIR, each under its full name", 0},
    {"open", KEY_OPEN, "PROGRAM", 0, "fetch the captures and key logs (wireshark) or the qlogs (qvis) of a trial, and print the command",
     0},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct artifact_arguments *arguments = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &arguments->client;
        return 0;
    case KEY_SAVE:
        arguments->folder = argument;
        return 0;
    case KEY_OPEN:
        if (strcmp(argument, "wireshark") != 0 && strcmp(argument, "qvis") != 0) {
            argp_error(state, "--open %s: use wireshark or qvis", argument);
        }
        arguments->open = argument;
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

static int save_all(struct client *client, const char *folder, const struct table *rows)
{
    int status = EXIT_PASS;
    for (size_t row = 0; row < table_count(rows); row++) {
        const char *name = table_value(rows, row, "name"), *hash = table_value(rows, row, "hash");
        const char *state = table_value(rows, row, "state");
        if (strncmp(state, "not kept", 8) == 0) {
            fprintf(stderr, "panther-coord: %s was %s\n", name, state);
            status = EXIT_FAIL;
        } else if (strcmp(state, "stored") != 0) {
            fprintf(stderr, "panther-coord: %s has not arrived (yet)\n", name);
            status = EXIT_FAIL;
        } else if (save_content(client, folder, name, hash, stdout)) {
            status = EXIT_FAIL;
        }
    }
    return status;
}

int cli_artifacts(int argc, char **argv)
{
    static const char *const shown[] = {"name", "kind", "size_bytes", "state", "hash", NULL};
    static const struct argp_child children[] = {{&client_argp, 0, NULL, 0}, {0}};
    static const struct argp argp = {options,
                                     parse,
                                     "[RUN|CELL|TRIAL|SERVICE]",
                                     "The files that services left (default: of @last). `panther-coord logs NAME` prints one.",
                                     children,
                                     NULL,
                                     NULL};
    struct artifact_arguments arguments = {0};
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    arguments.scope = arguments.scope ? arguments.scope : "@last";
    if (arguments.open) {
        int opened = artifacts_open(&arguments.client, arguments.scope, arguments.open, arguments.folder);
        client_close(&arguments.client);
        return opened;
    }
    struct table *rows = NULL;
    uint64_t cursor = 0;
    int status = client_query(&arguments.client, PB__TABLE__TABLE_ARTIFACTS, arguments.scope, &rows, &cursor, false);
    if (!status && arguments.folder) {
        status = save_all(&arguments.client, arguments.folder, rows);
    } else if (!status) {
        table_show(rows, shown);
        table_print(rows, arguments.client.format, stdout, arguments.client.colour);
    }
    table_free(&rows);
    client_close(&arguments.client);
    return status;
}

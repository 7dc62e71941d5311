// panther-coord artifacts [NAME] [--save DIR]: the files that services left; saved, each is checked against its hash.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/system/file.h"
#include "common/wire/wire.h"
#include "coordinator/cli/client.h"

struct artifact_arguments {
    struct client client;
    const char *scope, *folder;
};

enum { KEY_SAVE = 1000 };

static const struct argp_option options[] = {
    {"save", KEY_SAVE, "DIR", 0, "write them below DIR, each under its full name", 0},
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

// The name comes from a host under test: it must not lead out of the folder.
static bool stays_below(const char *name)
{
    for (const char *part = name; part; part = strchr(part, '/') ? strchr(part, '/') + 1 : NULL) {
        size_t length = strcspn(part, "/");
        if (length == 0 || (length == 1 && part[0] == '.') || (length == 2 && part[0] == '.' && part[1] == '.')) {
            return false;
        }
    }
    return true;
}

static int fetch(struct client *client, const char *hash, FILE *out, struct panther_error *error)
{
    char found[HASH_TEXT_BYTES];
    struct hasher *hasher = hasher_new();
    int result = 0;
    uint64_t offset = 0;
    for (bool end = false; !result && !end;) {
        uint8_t *data = NULL;
        size_t bytes = 0;
        result = bus_call_get(client->call, "", hash, offset, &data, &bytes, &end, error);
        if (!result) {
            hasher_add(hasher, data, bytes);
            offset += bytes;
            if (fwrite(data, 1, bytes, out) != bytes) {
                result = error_set(error, PANTHER_EIO, "could not be written: is the disk full?");
            }
        }
        free(data);
    }
    hasher_end(&hasher, found);
    if (!result && strcmp(found, hash) != 0) {
        result = error_set(error, PANTHER_EPROTOCOL, "arrived with another hash (%s)", found);
    }
    return result;
}

static int save_one(struct client *client, const char *folder, const char *name, const char *hash)
{
    struct panther_error error = {0};
    if (!stays_below(name)) {
        fprintf(stderr, "panther-coord: %s is not saved: its name leads elsewhere\n", name);
        return EXIT_FAIL;
    }
    CLEANUP_FREE char *path = path_join(folder, name);
    CLEANUP_FREE char *parent = memory_string(path);
    *strrchr(parent, '/') = 0;
    if (folder_make(parent, 0777, &error)) {
        return client_problem(&error);
    }
    FILE *out = fopen(path, "w");
    if (!out) {
        error_system(&error, errno, "%s", path);
        return client_problem(&error);
    }
    int result = fetch(client, hash, out, &error);
    if (fclose(out) && !result) {
        result = error_set(&error, PANTHER_EIO, "could not be written: is the disk full?");
    }
    if (result) {
        remove(path);
        fprintf(stderr, "panther-coord: %s: %s\n", path, error.message);
        return EXIT_FAIL;
    }
    printf("%s\n", path);
    return EXIT_PASS;
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
        } else if (save_one(client, folder, name, hash)) {
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
    struct table *rows = NULL;
    uint64_t cursor = 0;
    int status =
        client_query(&arguments.client, PB__TABLE__TABLE_ARTIFACTS, arguments.scope ? arguments.scope : "@last", &rows, &cursor, false);
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

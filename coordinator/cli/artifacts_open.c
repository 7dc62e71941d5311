// panther-coord artifacts TRIAL --open wireshark|qvis: fetches what the program needs and says how to start it.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/system/file.h"
#include "coordinator/cli/artifacts.h"
#include "coordinator/cli/captures.h"

// qvis runs in the browser: what is loaded into it stays on this machine.
#define QVIS "https://qvis.quictools.info/#/files"

struct opening {
    struct evidence *evidence;
    const char *folder;
    struct table *artifacts;
    struct arena *arena;
    const char **files; // NULL-terminated
    size_t count;
    char *keys; // NULL: none
};

// A shell's word for it, whatever is in it.
static void append_word(struct text *out, const char *word)
{
    if (*word && strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=@%+,") == strlen(word)) {
        text_append(out, word);
        return;
    }
    text_append(out, "'");
    for (; *word; word++) {
        if (*word == '\'') {
            text_append(out, "'\\''");
        } else {
            text_append_bytes(out, word, 1);
        }
    }
    text_append(out, "'");
}

// Files of that kind, as far as they are there. 0, or an exit status: what is missing was said.
static int fetch(struct opening *opening, const char *kind)
{
    int status = 0;
    opening->files = ARENA_ARRAY(opening->arena, const char *, table_count(opening->artifacts) + 1);
    for (size_t row = 0; row < table_count(opening->artifacts); row++) {
        if (strcmp(table_value(opening->artifacts, row, "kind"), kind) != 0) {
            continue;
        }
        CLEANUP_FREE char *path = captures_file(opening->evidence, opening->folder, opening->artifacts, row);
        if (path) {
            opening->files[opening->count++] = arena_string(opening->arena, path);
        } else {
            status = EXIT_FAIL;
        }
    }
    return status;
}

// Wireshark reads one file; several are put together by mergecap, which comes with it.
static void wireshark_command(const struct opening *opening, const char **argv, struct text *before)
{
    size_t at = 0;
    const char *file = opening->files[0];
    if (opening->count > 1) {
        CLEANUP_FREE char *merged = path_join(opening->folder, "merged.pcapng");
        file = arena_string(opening->arena, merged);
        text_append(before, "mergecap -w ");
        append_word(before, file);
        for (size_t i = 0; i < opening->count; i++) {
            text_append(before, " ");
            append_word(before, opening->files[i]);
        }
    }
    argv[at++] = "wireshark";
    argv[at++] = "-r";
    argv[at++] = file;
    if (opening->keys) {
        argv[at++] = "-o";
        argv[at++] = arena_printf(opening->arena, "tls.keylog_file:%s", opening->keys);
    }
}

static void qvis_command(const char **argv)
{
    argv[0] = "xdg-open";
    argv[1] = QVIS;
}

static void append_command(struct text *out, const char *const *argv)
{
    for (size_t i = 0; argv[i]; i++) {
        text_append(out, i ? " " : "");
        append_word(out, argv[i]);
    }
}

// For a person what to type; for a program a row for each file that was fetched, with the same.
static void tell(const struct opening *opening, const char *what, const char *before, const char *command, enum report_format format)
{
    static const char *const columns[] = {"file", "program", "before", "command", "keys"};
    struct table *table = table_new(columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < opening->count; i++) {
        table_add(table, (const char *const[]){opening->files[i], what, before, command, opening->keys});
        if (format == REPORT_TABLE && strcmp(what, "qvis") == 0) {
            printf("%s\n", opening->files[i]);
        }
    }
    if (format != REPORT_TABLE) {
        table_print(table, format, stdout, false);
    } else {
        printf("%s%s%s\n", before, *before ? "\n" : "", command);
    }
    table_free(&table);
}

static int show(struct opening *opening, const char *what, enum report_format format)
{
    const char *argv[8] = {NULL};
    struct text before = {0}, command = {0};
    bool is_wireshark = strcmp(what, "wireshark") == 0;
    int status = fetch(opening, is_wireshark ? "pcap" : "qlog");
    if (!status && is_wireshark) {
        status = captures_keys(opening->evidence, opening->folder, opening->artifacts, &opening->keys);
    }
    if (!opening->count) {
        fprintf(stderr, "panther-coord: no service of that left a %s\n", is_wireshark ? "capture" : "qlog");
        return EXIT_FAIL;
    }
    if (is_wireshark) {
        wireshark_command(opening, argv, &before);
    } else {
        qvis_command(argv);
    }
    append_command(&command, argv);
    tell(opening, what, text_string(&before), text_string(&command), format);
    text_free(&before);
    text_free(&command);
    return status;
}

int artifacts_open(struct client *client, const char *scope, const char *what, const char *folder)
{
    // Absolute: the command is typed wherever one is.
    struct panther_error error = {0};
    CLEANUP_FREE char *place = memory_string(folder ? folder : "/tmp/panther-evidence");
    if (folder_make(place, 0700, &error) < 0) {
        return client_problem(&error);
    }
    CLEANUP_FREE char *whole = realpath(place, NULL);
    CLEANUP_FREE char *trial = captures_trial(scope);
    struct evidence evidence = {.client = client};
    struct opening opening = {.evidence = &evidence, .folder = whole ? whole : place, .arena = arena_new(0)};
    int status = evidence_table(&evidence, PB__TABLE__TABLE_ARTIFACTS, trial, &opening.artifacts);
    if (!status) {
        status = show(&opening, what, client->format);
    }
    free(opening.keys);
    table_free(&opening.artifacts);
    arena_free(&opening.arena);
    return status;
}

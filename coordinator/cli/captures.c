#define _GNU_SOURCE // memfd_create, pipe2
#include "coordinator/cli/captures.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/identity.h"
#include "common/system/file.h"
#include "common/system/process.h"
#include "coordinator/cli/save.h"
#include "coordinator/report/readable.h"

// A line a secret: of more connections than anybody looks at.
#define KEYS_MAX_BYTES ((size_t)64 * 1024 * 1024)
#define WORDS_MAX_BYTES 512

char *captures_trial(const char *scope)
{
    struct full_name name;
    if (!*scope || full_name_parse(scope, &name, NULL) < 0 || !*name.service) {
        return memory_string(scope);
    }
    name.service[0] = name.stream[0] = '\0';
    char text[FULL_NAME_MAX_BYTES];
    full_name_format(&name, text, sizeof text);
    return memory_string(text);
}

char *captures_file(struct evidence *evidence, const char *folder, const struct table *artifacts, size_t row)
{
    const char *name = table_value(artifacts, row, "name"), *state = table_value(artifacts, row, "state");
    if (strcmp(state, "stored") != 0) {
        fprintf(stderr, "panther-coord: %s is not there: %s\n", name, state);
        return NULL;
    }
    if (evidence->folder) {
        CLEANUP_FREE char *content = path_join(evidence->folder, EVIDENCE_CONTENT);
        return save_name_is_safe(name) ? path_join(content, name) : NULL;
    }
    if (client_open(evidence->client) || save_content(evidence->client, folder, name, table_value(artifacts, row, "hash"), NULL)) {
        return NULL;
    }
    return path_join(folder, name);
}

static int append_file(const char *path, FILE *out)
{
    struct panther_error error = {0};
    CLEANUP_FREE char *data = NULL;
    size_t bytes;
    if (file_read(path, KEYS_MAX_BYTES, &data, &bytes, &error) < 0) {
        return client_problem(&error);
    }
    fwrite(data, 1, bytes, out);
    if (bytes && data[bytes - 1] != '\n') {
        fputc('\n', out);
    }
    return 0;
}

int captures_keys(struct evidence *evidence, const char *folder, const struct table *artifacts, char **path)
{
    CLEANUP_FREE char *merged = path_join(folder, "keys.log");
    FILE *out = NULL;
    int status = 0;
    *path = NULL;
    for (size_t row = 0; !status && row < table_count(artifacts); row++) {
        if (strcmp(table_value(artifacts, row, "kind"), "keylog") != 0 || strcmp(table_value(artifacts, row, "state"), "stored") != 0) {
            continue;
        }
        CLEANUP_FREE char *file = captures_file(evidence, folder, artifacts, row);
        if (file && !out && !(out = fopen(merged, "w"))) {
            fprintf(stderr, "panther-coord: %s: %s\n", merged, strerror(errno));
        }
        status = file && out ? append_file(file, out) : EXIT_FAIL;
    }
    if (out && fclose(out) && !status) {
        fprintf(stderr, "panther-coord: %s could not be written: is the disk full?\n", merged);
        status = EXIT_FAIL;
    }
    if (out && !status) {
        *path = memory_string(merged);
    }
    return status;
}

// ---- tshark

static const char **arguments_of(struct arena *arena, const char *path, const char *keys, size_t most, const char *const *fields,
                                 size_t count)
{
    const char **argv = ARENA_ARRAY(arena, const char *, 2 * count + 22);
    size_t at = 0;
    argv[at++] = "tshark";
    argv[at++] = "-n"; // no names are looked up
    argv[at++] = "-r";
    argv[at++] = path;
    argv[at++] = "-c";
    argv[at++] = arena_printf(arena, "%zu", most);
    // A capture has both ends of a link: the second sight of a packet would be called a retransmission.
    argv[at++] = "-o";
    argv[at++] = "tcp.analyze_sequence_numbers:FALSE";
    if (keys) {
        argv[at++] = "-o";
        argv[at++] = arena_printf(arena, "tls.keylog_file:%s", keys);
    }
    argv[at++] = "-T";
    argv[at++] = "fields";
    argv[at++] = "-E";
    argv[at++] = "separator=/t";
    argv[at++] = "-E";
    argv[at++] = "occurrence=f";
    for (size_t i = 0; i < count; i++) {
        argv[at++] = "-e";
        argv[at++] = fields[i];
    }
    return argv;
}

// What it complains of goes to a file: nobody reads two pipes here.
static int start(const char *const *argv, int *lines, int *words, int *pidfd, struct panther_error *error)
{
    int out[2];
    *words = memfd_create("tshark", MFD_CLOEXEC);
    if (*words < 0 || pipe2(out, O_CLOEXEC) < 0) {
        return error_system(error, errno, "cannot start tshark");
    }
    int lifted = fcntl(out[1], F_DUPFD_CLOEXEC, 10), lifted_words = fcntl(*words, F_DUPFD_CLOEXEC, 10);
    struct process_descriptor descriptors[] = {{lifted, STDOUT_FILENO}, {lifted_words, STDERR_FILENO}};
    struct process_start started = {
        .program = "tshark", .argv = argv, .place = PROCESS_PLACE_SAME, .descriptors = descriptors, .descriptor_count = 2};
    pid_t pid;
    int result = process_spawn(&started, &pid, pidfd, error);
    close(out[1]);
    close(lifted);
    close(lifted_words);
    *lines = out[0];
    if (result < 0) {
        close(out[0]);
    }
    return result;
}

static void read_lines(int fd, captures_line_fn *take, void *context)
{
    FILE *in = fdopen(fd, "r");
    char *line = NULL;
    size_t capacity = 0;
    while (in && getline(&line, &capacity, in) > 0 && take(context, line)) {
    }
    free(line);
    if (in) {
        fclose(in);
    }
}

// The line that says why is the last one.
static void complain(const char *path, int words, const struct process_end *end)
{
    char text[WORDS_MAX_BYTES] = "", shown[2 * WORDS_MAX_BYTES];
    off_t bytes = lseek(words, 0, SEEK_END);
    ssize_t got = pread(words, text, sizeof text - 1, bytes > (off_t)sizeof text - 1 ? bytes - (off_t)sizeof text + 1 : 0);
    for (; got > 0 && (text[got - 1] == '\n' || text[got - 1] == '\0'); got--) {
        text[got - 1] = '\0';
    }
    const char *last = strrchr(text, '\n');
    readable_line(last ? last + 1 : text, shown, sizeof shown);
    fprintf(stderr, "panther-coord: tshark has not read %s to its end (%s %d): %s\n", path, end->signal ? "signal" : "status",
            end->signal ? end->signal : end->status, shown);
}

int captures_read(const char *path, const char *keys, size_t most, const char *const *fields, size_t count, captures_line_fn *take,
                  void *context)
{
    struct panther_error error = {0};
    struct arena *arena = arena_new(0);
    struct process_end end = {0};
    int lines = -1, words = -1, pidfd = -1;
    int result = start(arguments_of(arena, path, keys, most, fields, count), &lines, &words, &pidfd, &error), status = 0;
    arena_free(&arena);
    if (result < 0) {
        fprintf(stderr, "panther-coord: packets are read by tshark, which cannot be started (package tshark): %s\n", error.message);
        status = EXIT_FAIL;
    } else {
        read_lines(lines, take, context);
        process_reap(pidfd, true, &end);
        status = end.status == 0 ? 0 : EXIT_FAIL;
    }
    if (result == 0 && status) {
        complain(path, words, &end);
    }
    if (words >= 0) {
        close(words);
    }
    if (pidfd >= 0) {
        close(pidfd);
    }
    return status;
}

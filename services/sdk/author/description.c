// Asks panther-service, which loads the plugin in a process of its own: a plugin that crashes there harms nobody here.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/system/file.h"
#include "common/system/process.h"
#include "common/wire/wire.h"
#include "services/sdk/author/author.h"

// A description with all its options and cases; wire allows less.
#define ANSWER_MAX_BYTES (4 * 1024 * 1024)
#define COMPLAINT_MAX_BYTES (64 * 1024)

static void read_all(int fd, size_t max_bytes, struct text *text)
{
    char piece[65536];
    ssize_t got;
    while ((got = read(fd, piece, sizeof piece)) != 0 && text->length < max_bytes)
        if (got > 0)
            text_append_bytes(text, piece, (size_t)got);
        else if (errno != EINTR)
            return;
}

static int spawn(const char *question, const char *path, const int ends[4], int *pidfd, struct panther_error *error)
{
    CLEANUP_FREE char *folder = program_folder();
    CLEANUP_FREE char *program = path_join(folder, "panther-service");
    const char *const argv[] = {"panther-service", question, path, NULL};
    const struct process_descriptor descriptors[] = {{ends[1], STDOUT_FILENO}, {ends[3], STDERR_FILENO}};
    const struct process_start start = {.program = program, .argv = argv, .descriptors = descriptors, .descriptor_count = 2};
    pid_t pid;
    return process_spawn(&start, &pid, pidfd, error);
}

// A service.yaml may have many mistakes, a line each, which are more than an error holds: its author wants to see them all.
static int complain(const char *complaint, const char *path, struct panther_error *error)
{
    size_t lines = 0;
    for (const char *line = complaint; *line != '\0'; line += strcspn(line, "\n"), line += *line == '\n')
        lines++;
    if (lines <= 1)
        return error_set(error, PANTHER_EINVALID, "%.*s", (int)strcspn(complaint, "\n"), complaint);
    fputs(complaint, stderr);
    return error_set(error, PANTHER_EINVALID, "%s does not load: %zu mistakes", path, lines);
}

static int judge(const struct process_end *end, const char *complaint, const char *path, struct panther_error *error)
{
    if (end->signal != 0)
        return error_set(error, PANTHER_EINVALID, "%s: loading it ends panther-service by signal %d", path, end->signal);
    if (end->status != 0)
        return complain(complaint, path, error);
    return 0;
}

// The answer is at most a few pages, so that reading one pipe after the other does not stop the writer.
static int ask(const char *question, const char *path, struct text *answer, struct panther_error *error)
{
    int ends[4], pidfd = -1;
    struct text complaint = {0};
    struct process_end end = {0};
    if (pipe2(ends, O_CLOEXEC) < 0)
        return error_set(error, PANTHER_EIO, "no pipe: %s", strerror(errno));
    if (pipe2(ends + 2, O_CLOEXEC) < 0) {
        close(ends[0]);
        close(ends[1]);
        return error_set(error, PANTHER_EIO, "no pipe: %s", strerror(errno));
    }
    int problem = spawn(question, path, ends, &pidfd, error);
    close(ends[1]);
    close(ends[3]);
    if (problem == 0) {
        read_all(ends[0], ANSWER_MAX_BYTES, answer);
        read_all(ends[2], COMPLAINT_MAX_BYTES, &complaint);
        process_reap(pidfd, true, &end);
        close(pidfd);
        problem = judge(&end, text_string(&complaint), path, error);
    }
    close(ends[0]);
    close(ends[2]);
    text_free(&complaint);
    return problem;
}

Pb__PluginDescription *author_describe(const char *path, struct arena *arena, struct panther_error *error)
{
    struct text answer = {0};
    Pb__PluginDescription *description = NULL;
    if (ask("--describe", path, &answer, error) == 0)
        description = wire_description(answer.data, answer.length, arena, error);
    text_free(&answer);
    return description;
}

Pb__PluginPresence *author_probe(const char *path, struct arena *arena, struct panther_error *error)
{
    struct text answer = {0};
    Pb__PluginPresence *presence = NULL;
    if (ask("--probe", path, &answer, error) == 0)
        presence = wire_unpack(&pb__plugin_presence__descriptor, answer.data, answer.length, arena);
    if (answer.length > 0 && !presence)
        error_set(error, PANTHER_EPROTOCOL, "%s: panther-service gave an answer that is none", path);
    text_free(&answer);
    return presence;
}

char *author_join(struct arena *arena, char *const *items, size_t count, const char *between)
{
    struct text text = {0};
    for (size_t i = 0; i < count; i++)
        text_printf(&text, "%s%s", i ? between : "", items[i]);
    char *joined = arena_string(arena, text_string(&text));
    text_free(&text);
    return joined;
}

#define _GNU_SOURCE // pipe2
#include "start.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "common/system/file.h"
#include "common/system/loop.h"
#include "common/system/process.h"

// A journal of ten million without a snapshot, on a slow machine.
#define START_MAX_MS 120000
#define LINES_MAX_BYTES 65536

// Reads what the program says until `word` is in it.
static int wait_for_word(int fd, const char *word, struct panther_error *error)
{
    struct text said = {0};
    uint64_t until_ns = clock_boottime_ns() + START_MAX_MS * UINT64_C(1000000);
    int result = PANTHER_ETIMEOUT;
    while (clock_boottime_ns() < until_ns && said.length < LINES_MAX_BYTES) {
        char part[1024];
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        ssize_t got = poll(&ready, 1, 1000) > 0 ? read(fd, part, sizeof part) : -1;
        if (got == 0) {
            break; // it ended
        }
        if (got > 0) {
            text_append_bytes(&said, part, (size_t)got);
        }
        if (strstr(text_string(&said), word)) {
            result = 0;
            break;
        }
    }
    if (result < 0) {
        error_set(error, result, "the coordinator did not begin to listen; it said: %.300s", text_string(&said));
    }
    text_free(&said);
    return result;
}

static uint64_t resident_kib(pid_t pid)
{
    CLEANUP_FREE char *path = memory_printf("/proc/%d/status", (int)pid);
    char *data;
    size_t bytes;
    unsigned long long kib = 0;
    if (file_read(path, 65536, &data, &bytes, NULL) < 0) {
        return 0;
    }
    const char *line = strstr(data, "VmRSS:");
    if (line) {
        sscanf(line, "VmRSS: %llu", &kib);
    }
    free(data);
    return kib;
}

static int spawn(const char *programs, const char *folder, int out, pid_t *pid, int *pidfd, struct panther_error *error)
{
    CLEANUP_FREE char *program = path_join(programs, "panther-coord");
    const char *argv[] = {program, "serve", "--data", folder, "--listen", "tcp://127.0.0.1:0", "--bulk-listen", "tcp://127.0.0.1:0", NULL};
    const struct process_descriptor descriptors[] = {{out, 2}};
    const struct process_start start = {
        .program = program, .argv = argv, .place = PROCESS_PLACE_GROUP, .descriptors = descriptors, .descriptor_count = 1};
    return process_spawn(&start, pid, pidfd, error);
}

int start_measure(const char *programs, const char *folder, struct start_figures *figures, struct panther_error *error)
{
    int ends[2], pidfd;
    pid_t pid;
    if (pipe2(ends, O_CLOEXEC) < 0) {
        return error_system(error, errno, "no pipe");
    }
    uint64_t began_ns = clock_boottime_ns();
    int result = spawn(programs, folder, ends[1], &pid, &pidfd, error);
    close(ends[1]);
    if (result == 0) {
        result = wait_for_word(ends[0], "listening on", error);
        figures->seconds = (double)(clock_boottime_ns() - began_ns) / 1e9;
        figures->resident_kib = resident_kib(pid);
        process_signal(pidfd, SIGKILL);
        struct process_end end;
        process_reap(pidfd, true, &end);
        close(pidfd);
    }
    close(ends[0]);
    return result;
}

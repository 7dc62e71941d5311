// See lab.h.
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/environment/lab/lab.h"
#include "common/system/loop.h"
#include "common/system/process.h"

// tc and nft take milliseconds; they wait for the kernel alone.
#define COMMAND_MS 10000
#define OUTPUT_MAX_BYTES (1024 * 1024)
#define NANOSECONDS_PER_MS 1000000ULL

// A file in memory: no pipe that could fill while nobody reads.
static int input_file(const char *input)
{
    int fd = memfd_create("input", MFD_CLOEXEC);
    size_t bytes = input ? strlen(input) : 0;
    if (fd >= 0 && bytes > 0 && (write(fd, input, bytes) != (ssize_t)bytes || lseek(fd, 0, SEEK_SET) != 0)) {
        close(fd);
        return -1;
    }
    return fd;
}

static void read_output(int fd, struct text *output)
{
    char data[4096];
    ssize_t got;
    lseek(fd, 0, SEEK_SET);
    while (output->length < OUTPUT_MAX_BYTES && (got = read(fd, data, sizeof data)) > 0)
        text_append_bytes(output, data, (size_t)got);
}

static int wait_for(const char *name, int pidfd, struct process_end *end, struct panther_error *error)
{
    struct pollfd watched = {.fd = pidfd, .events = POLLIN};
    uint64_t until_ns = clock_boottime_ns() + COMMAND_MS * NANOSECONDS_PER_MS;
    while (poll(&watched, 1, COMMAND_MS) < 0 && errno == EINTR && clock_boottime_ns() < until_ns)
        continue;
    bool is_late = !(watched.revents & POLLIN);
    if (is_late)
        process_signal(pidfd, SIGKILL);
    process_reap(pidfd, true, end);
    return is_late ? error_set(error, PANTHER_ETIMEOUT, "%s did not end", name) : 0;
}

// The first line of what it said, without its own "Error: ".
static int tell(const char *name, struct text *said, struct panther_error *error)
{
    const char *line = text_string(said);
    if (strncmp(line, "Error: ", 7) == 0)
        line += 7;
    return error_set(error, PANTHER_ESYSTEM, "%s: %.*s", name, (int)strcspn(line, "\n"), line);
}

int lab_command(const char *const *argv, const char *input, struct text *output, struct panther_error *error)
{
    struct text out = {0}, said = {0};
    struct process_end end = {0};
    pid_t pid;
    int pidfd, in_fd = input_file(input), out_fd = memfd_create("output", MFD_CLOEXEC), said_fd = memfd_create("said", MFD_CLOEXEC);
    struct process_descriptor descriptors[] = {{in_fd, STDIN_FILENO}, {out_fd, STDOUT_FILENO}, {said_fd, STDERR_FILENO}};
    struct process_start start = {.program = argv[0], .argv = argv, .descriptors = descriptors, .descriptor_count = 3};
    int problem = in_fd < 0 || out_fd < 0 || said_fd < 0 ? error_system(error, errno, "cannot run %s", argv[0])
                                                         : process_spawn(&start, &pid, &pidfd, error);
    if (problem == 0) {
        problem = wait_for(argv[0], pidfd, &end, error);
        close(pidfd);
        read_output(out_fd, &out);
        read_output(said_fd, &said);
        if (problem == 0 && (end.status != 0 || end.signal != 0))
            problem = tell(argv[0], &said, error);
        if (problem == 0 && output)
            text_append(output, text_string(&out));
    }
    const int fds[] = {in_fd, out_fd, said_fd};
    for (size_t i = 0; i < 3; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    text_free(&out);
    text_free(&said);
    return problem;
}

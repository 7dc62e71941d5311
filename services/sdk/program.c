#define _GNU_SOURCE
#include "services/sdk/program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/system/loop.h"
#include "common/system/process.h"
#include "panther/plugin.h"

// A program that is asked for its version answers within milliseconds, or it is broken.
#define COMMAND_OUTPUT_TIMEOUT_MS 5000
// What a shell says of a program that it cannot start.
#define CANNOT_START 127
#define PROGRAM_FOLDERS_AFTER_PATH ":/usr/local/sbin:/usr/sbin:/sbin"

static bool is_executable_file(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

char *program_find(const char *name, struct arena *arena)
{
    if (name == NULL || name[0] == '\0') {
        return NULL;
    }
    if (strchr(name, '/') != NULL) {
        return is_executable_file(name) ? arena_string(arena, name) : NULL;
    }
    const char *path = getenv("PATH");
    const char *folders = arena_printf(arena, "%s" PROGRAM_FOLDERS_AFTER_PATH, path != NULL ? path : "/usr/local/bin:/usr/bin:/bin");
    while (*folders != '\0') {
        const size_t length = strcspn(folders, ":");
        char *candidate = arena_printf(arena, "%.*s/%s", (int)length, folders, name);
        if (length > 0 && is_executable_file(candidate)) {
            return candidate;
        }
        folders += length + (folders[length] == ':');
    }
    return NULL;
}

// Reads until the program closes its end or the time is up; what does not fit is read and dropped, so that it can end.
static bool read_output(int fd, char *text, size_t text_bytes)
{
    const uint64_t end_ns = clock_boottime_ns() + COMMAND_OUTPUT_TIMEOUT_MS * UINT64_C(1000000);
    size_t have = 0;
    char more[4096];
    for (uint64_t now = clock_boottime_ns(); now < end_ns; now = clock_boottime_ns()) {
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        if (poll(&poll_fd, 1, (int)((end_ns - now) / 1000000) + 1) <= 0) {
            continue;
        }
        const ssize_t got = read(fd, more, sizeof(more));
        if (got <= 0) {
            return got == 0;
        }
        const size_t room = text_bytes - 1 - have;
        const size_t taken = (size_t)got < room ? (size_t)got : room;
        memcpy(text + have, more, taken);
        have += taken;
        text[have] = '\0';
    }
    return false;
}

// In the child: only what is safe between fork and exec, for the host has two threads. What is asked dies with who asks: an agent that is
// killed while it looks at its plugins leaves nothing behind.
_Noreturn static void become(const char *program, const char *const *argv, int output, pid_t parent)
{
    sigset_t none;
    sigemptyset(&none);
    const bool is_wanted = prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent;
    const int nothing = open("/dev/null", O_RDONLY);
    if (is_wanted && nothing >= 0 && dup2(nothing, STDIN_FILENO) >= 0 && dup2(output, STDOUT_FILENO) >= 0 &&
        dup2(output, STDERR_FILENO) >= 0 && close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC) == 0) {
        signal(SIGPIPE, SIG_DFL);
        sigprocmask(SIG_SETMASK, &none, NULL);
        execv(program, (char *const *)(uintptr_t)argv);
    }
    _exit(CANNOT_START);
}

// Returns the pidfd, or below 0.
static int spawn_into(const char *program, const char *const *argv, int output)
{
    const pid_t parent = getpid();
    const pid_t pid = fork();
    if (pid == 0) {
        become(program, argv, output, parent);
    }
    int pidfd = -1;
    return pid < 0 || process_open(pid, &pidfd, NULL) < 0 ? -1 : pidfd;
}

int panther_command_output(const char *const *argv, char *text, size_t text_bytes)
{
    struct arena *arena = arena_new(0);
    const char *program = program_find(argv[0], arena);
    int ends[2];
    int result = PANTHER_MISSING;
    text[0] = '\0';
    if (program != NULL && pipe2(ends, O_CLOEXEC) == 0) {
        const int pidfd = spawn_into(program, argv, ends[1]);
        close(ends[1]);
        if (pidfd >= 0) {
            struct process_end end = {.status = PANTHER_FAILED};
            if (!read_output(ends[0], text, text_bytes)) {
                process_signal(pidfd, SIGKILL);
            }
            process_reap(pidfd, true, &end);
            result = end.signal != 0 ? PANTHER_FAILED : end.status == CANNOT_START ? PANTHER_MISSING : end.status;
            close(pidfd);
        }
        close(ends[0]);
    }
    arena_free(&arena);
    return result;
}

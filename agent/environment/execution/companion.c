// See companion.h.
#include "agent/environment/execution/companion.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/environment/execution/plan.h"

// gdb reads symbols before; on a busy machine that takes seconds.
#define ATTACH_MAX_MS 30000
#define ATTACH_LOOK_MS 2
#define STATUS_BYTES 4096
// Ends of pipes that a tool inherits stand above what processes here use.
#define FIRST_FD 10

extern char **environ;

// ---- in the tool

static void replace_words(struct companion *companion, pid_t process, const char *control)
{
    static char pid[16];
    snprintf(pid, sizeof pid, "%d", (int)process);
    for (size_t i = 0; i < companion->argument_count; i++) {
        if (strcmp(companion->arguments[i], PLAN_WORD_PID) == 0)
            companion->arguments[i] = pid;
        else if (strcmp(companion->arguments[i], PLAN_WORD_CONTROL) == 0)
            companion->arguments[i] = (char *)(uintptr_t)control;
    }
}

// What marks the program's own children must not be in the tool: they are killed when they outlast it. A mark of its own stays, by which
// the guard finds it.
static void clean_environment(pid_t process)
{
    static const char *const kept[] = {"PATH", "HOME", "TMPDIR", "LANG", "PANTHER_INSTANCE"};
    static char mark[64];
    char *values[sizeof kept / sizeof *kept];
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        values[i] = getenv(kept[i]) ? strdup(getenv(kept[i])) : NULL;
    clearenv();
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (values[i])
            setenv(kept[i], values[i], 1);
    snprintf(mark, sizeof mark, "%d", (int)process);
    setenv(PLAN_TOOL_MARKER, mark, 1);
}

// The guard becomes the parent once the one between has ended; from then on the tool dies with it.
static bool die_with(pid_t guard)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    while (getppid() != guard) {
        if (getppid() == 1 && guard != 1)
            return false;
        nanosleep(&pause, NULL);
    }
    return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == guard;
}

static void inherit(int fd)
{
    fcntl(fd, F_SETFD, 0);
}

static _Noreturn void become_tool(struct companion *companion, pid_t process, pid_t guard, int go, int alive, int control, int answers)
{
    char word, text[32];
    if (!die_with(guard) || read(go, &word, 1) != 1)
        _exit(0); // the process ended before its program began
    setsid();
    int log = open(companion->log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644), nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    dup2(nothing, STDIN_FILENO);
    dup2(log >= 0 ? log : nothing, STDOUT_FILENO);
    dup2(log >= 0 ? log : nothing, STDERR_FILENO);
    inherit(alive);
    inherit(PLAN_TOOLS_FD);
    if (!companion->is_traced) {
        inherit(control);
        inherit(answers);
    }
    snprintf(text, sizeof text, "fd:%d,%d", control, answers);
    replace_words(companion, process, text);
    clean_environment(process);
    execvp(companion->arguments[0], companion->arguments);
    dprintf(STDERR_FILENO, "cannot run %s: %s\n", companion->arguments[0], strerror(errno));
    _exit(127);
}

// ---- in the process that is to be watched

static int lifted_pipe(int ends[2])
{
    int low[2];
    if (pipe2(low, O_CLOEXEC) < 0)
        return -1;
    for (int i = 0; i < 2; i++) {
        ends[i] = fcntl(low[i], F_DUPFD_CLOEXEC, FIRST_FD);
        close(low[i]);
    }
    return ends[0] < 0 || ends[1] < 0 ? -1 : 0;
}

int companion_start(struct companion *companion, pid_t guard)
{
    int go[2], alive[2], control[2], answers[2];
    if (lifted_pipe(go) < 0 || lifted_pipe(alive) < 0 || lifted_pipe(control) < 0 || lifted_pipe(answers) < 0)
        return -1;
    pid_t process = getpid(), between = fork();
    if (between < 0)
        return -1;
    if (between == 0) {
        pid_t tool = fork();
        if (tool != 0)
            _exit(tool < 0);
        close(go[1]);
        close(alive[0]);
        // perf 6.1 gives up when its control pipe ends, so it holds the other ends itself
        fcntl(control[1], F_SETFD, 0);
        fcntl(answers[0], F_SETFD, 0);
        become_tool(companion, process, guard, go[0], alive[1], control[0], answers[1]);
    }
    int status = 0;
    while (waitpid(between, &status, 0) < 0 && errno == EINTR)
        continue;
    close(go[0]);
    close(alive[1]);
    close(control[0]);
    close(answers[1]);
    companion->go = go[1];
    companion->alive = alive[0];
    companion->control = control[1];
    companion->answers = answers[0];
    errno = EAGAIN;
    return status == 0 ? 0 : -1;
}

static bool is_traced(void)
{
    char text[STATUS_BYTES];
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
    if (fd >= 0)
        close(fd);
    text[got > 0 ? got : 0] = '\0';
    const char *line = strstr(text, "TracerPid:");
    return line && strtol(line + strlen("TracerPid:"), NULL, 10) > 0;
}

static bool has_answered(const struct companion *companion)
{
    struct pollfd fd = {.fd = companion->answers, .events = POLLIN};
    char text[16];
    return poll(&fd, 1, 0) > 0 && fd.revents & POLLIN && read(companion->answers, text, sizeof text) > 0;
}

static bool has_ended(const struct companion *companion)
{
    struct pollfd fd = {.fd = companion->alive, .events = POLLIN};
    return poll(&fd, 1, ATTACH_LOOK_MS) > 0;
}

// The last line that it wrote says why most of the time.
static void say_why(const struct companion *companion, const char *what, char *problem, size_t problem_bytes)
{
    char text[STATUS_BYTES];
    int fd = open(companion->log, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
    if (fd >= 0)
        close(fd);
    while (got > 0 && (text[got - 1] == '\n' || text[got - 1] == ' '))
        got--;
    text[got > 0 ? got : 0] = '\0';
    const char *last = strrchr(text, '\n');
    snprintf(problem, problem_bytes, "%s %s%s%.200s", companion->arguments[0], what, *text ? ": " : "", last ? last + 1 : text);
}

int companion_attach(struct companion *companion, char *problem, size_t problem_bytes)
{
    static const char enable[] = "enable\n";
    if (write(companion->go, "g", 1) != 1 || (!companion->is_traced && write(companion->control, enable, strlen(enable)) < 0)) {
        snprintf(problem, problem_bytes, "%s: %s", companion->arguments[0], strerror(errno));
        return -1;
    }
    struct timespec begin, now;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    do {
        if (companion->is_traced ? is_traced() : has_answered(companion))
            return 0;
        if (has_ended(companion)) {
            say_why(companion, "ended at once", problem, problem_bytes);
            return -1;
        }
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while ((now.tv_sec - begin.tv_sec) * 1000 < ATTACH_MAX_MS);
    say_why(companion, "did not attach itself", problem, problem_bytes);
    return -1;
}

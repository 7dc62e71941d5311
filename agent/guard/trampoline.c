// See trampoline.h. posix_spawn (vfork inside) does descriptors, signals and process group; what it cannot do happens here, after
// its exec and before ours, in a process that holds nothing of the guard's memory.
#include "agent/guard/trampoline.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "agent/environment/execution/enter.h"
#include "agent/environment/execution/plan.h"
#include "agent/guard/clock_offset.h"
#include "agent/guard/namespaces.h"
#include "common/base/memory.h"
#include "common/system/process.h"

// A core is worth keeping, not worth a disk.
#define CORE_MAX_BYTES (512UL * 1024 * 1024)
#define STATUS_MAX_BYTES 512
#define EXIT_START_FAILED 127

// panther-guard --exec PARENT CHANNEL TERMINAL CGROUP CLOCK LIKE FOLDER PLAN PROGRAM ARGUMENT...
enum {
    ARGUMENT_PARENT = 2,
    ARGUMENT_CHANNEL,
    ARGUMENT_TERMINAL,
    ARGUMENT_CGROUP,
    ARGUMENT_CLOCK,
    ARGUMENT_LIKE,
    ARGUMENT_FOLDER,
    ARGUMENT_PLAN,
    ARGUMENT_PROGRAM
};
#define NOTHING "-"
static_assert(TRAMPOLINE_TOOLS_FD == PLAN_TOOLS_FD, "what the guard gives is what the plan's companions inherit");

// ---- in the guard

static bool has_plan(const struct trampoline *trampoline)
{
    return trampoline->plan && *trampoline->plan;
}

static const char **build_argv(const struct trampoline *trampoline, const char *parent, const char *clock, const char *like)
{
    size_t count = 0;
    while (trampoline->argv[count])
        count++;
    const char **argv = memory_new((ARGUMENT_PROGRAM + count + 1) * sizeof *argv);
    argv[0] = "panther-guard";
    argv[1] = TRAMPOLINE_FLAG;
    argv[ARGUMENT_PARENT] = parent;
    argv[ARGUMENT_CHANNEL] = trampoline->channel_fd >= 0 ? "channel" : NOTHING;
    argv[ARGUMENT_TERMINAL] = trampoline->is_terminal ? "terminal" : NOTHING;
    argv[ARGUMENT_CGROUP] = trampoline->cgroup && *trampoline->cgroup ? trampoline->cgroup : NOTHING;
    argv[ARGUMENT_CLOCK] = clock;
    argv[ARGUMENT_LIKE] = like;
    argv[ARGUMENT_FOLDER] = trampoline->folder;
    argv[ARGUMENT_PLAN] = has_plan(trampoline) ? trampoline->plan : NOTHING;
    memcpy(argv + ARGUMENT_PROGRAM, trampoline->argv, count * sizeof *argv);
    return argv;
}

static int spawn_with_status(const struct trampoline *trampoline, int status_fd, pid_t *pid, int *pidfd, struct panther_error *error)
{
    char parent[16], clock[24] = NOTHING, like[16] = NOTHING;
    snprintf(parent, sizeof parent, "%d", (int)getpid());
    if (trampoline->clock_offset_ns != 0)
        snprintf(clock, sizeof clock, "%lld", (long long)trampoline->clock_offset_ns);
    if (trampoline->like)
        snprintf(like, sizeof like, "%d", (int)trampoline->like);
    const char **argv = build_argv(trampoline, parent, clock, like);
    struct process_descriptor descriptors[6] = {
        {trampoline->stdout_fd, STDOUT_FILENO},
        {trampoline->stderr_fd, STDERR_FILENO},
        {status_fd, TRAMPOLINE_STATUS_FD},
    };
    size_t count = 3;
    if (trampoline->channel_fd >= 0)
        descriptors[count++] = (struct process_descriptor){trampoline->channel_fd, TRAMPOLINE_CHANNEL_FD};
    if (has_plan(trampoline))
        descriptors[count++] = (struct process_descriptor){trampoline->tools_fd, TRAMPOLINE_TOOLS_FD};
    if (trampoline->has_stdin)
        descriptors[count++] = (struct process_descriptor){trampoline->stdin_fd, STDIN_FILENO};
    struct process_start start = {
        .program = "/proc/self/exe",
        .argv = argv,
        .environment = trampoline->environment,
        .place = trampoline->is_terminal ? PROCESS_PLACE_SESSION : PROCESS_PLACE_GROUP,
        .descriptors = descriptors,
        .descriptor_count = count,
    };
    int problem = process_spawn(&start, pid, pidfd, error);
    free(argv);
    return problem;
}

// Descriptors that are to be renumbered must not stand on a number that is renumbered to.
static int lift(int fd)
{
    return fcntl(fd, F_DUPFD_CLOEXEC, TRAMPOLINE_TOOLS_FD + 1);
}

int trampoline_spawn(const struct trampoline *trampoline, pid_t *pid, int *pidfd, int *status_fd, struct panther_error *error)
{
    int status[2];
    if (pipe2(status, O_CLOEXEC) < 0)
        return error_system(error, errno, "cannot start %s", trampoline->name);
    struct trampoline lifted = *trampoline;
    int lifted_status = lift(status[1]);
    lifted.stdout_fd = lift(trampoline->stdout_fd);
    lifted.stderr_fd = lift(trampoline->stderr_fd);
    lifted.channel_fd = trampoline->channel_fd >= 0 ? lift(trampoline->channel_fd) : -1;
    lifted.tools_fd = has_plan(trampoline) ? lift(trampoline->tools_fd) : -1;
    lifted.stdin_fd = trampoline->has_stdin ? lift(trampoline->stdin_fd) : -1;
    int problem;
    if (lifted_status < 0 || lifted.stdout_fd < 0 || lifted.stderr_fd < 0 || (trampoline->channel_fd >= 0 && lifted.channel_fd < 0) ||
        (has_plan(trampoline) && lifted.tools_fd < 0) || (trampoline->has_stdin && lifted.stdin_fd < 0))
        problem = error_system(error, errno, "cannot start %s", trampoline->name);
    else
        problem = spawn_with_status(&lifted, lifted_status, pid, pidfd, error);
    const int to_close[] = {status[1],         lifted_status,   lifted.stdout_fd, lifted.stderr_fd,
                            lifted.channel_fd, lifted.tools_fd, lifted.stdin_fd};
    for (size_t i = 0; i < sizeof to_close / sizeof *to_close; i++)
        if (to_close[i] >= 0)
            close(to_close[i]);
    if (problem < 0) {
        close(status[0]);
        return problem;
    }
    if (fcntl(status[0], F_SETFL, O_NONBLOCK) < 0)
        PANIC("fcntl(O_NONBLOCK) of a pipe: %s", strerror(errno));
    *status_fd = status[0];
    return 0;
}

int trampoline_status(int status_fd, char *text, size_t text_bytes)
{
    ssize_t got = read(status_fd, text, text_bytes - 1);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return -1;
    text[got > 0 ? got : 0] = '\0';
    return got > 0;
}

// ---- in the new process

static int fail(const char *what, const char *which)
{
    char text[STATUS_MAX_BYTES];
    int number = errno;
    int length = snprintf(text, sizeof text, "%s %s: %s", what, which, strerror(number));
    if (write(TRAMPOLINE_STATUS_FD, text, (size_t)length < sizeof text ? (size_t)length : sizeof text - 1) < 0)
        return EXIT_START_FAILED; // the exit status alone has to say it
    return EXIT_START_FAILED;
}

// PDEATHSIG counts from here on: a guard that died before leaves another parent behind.
static bool die_with(const char *parent)
{
    return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == (pid_t)strtol(parent, NULL, 10);
}

static bool enter_cgroup(const char *cgroup)
{
    CLEANUP_FREE char *path = memory_printf("%s/cgroup.procs", cgroup);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool entered = write(fd, "0", 1) == 1;
    int number = errno;
    close(fd);
    errno = number;
    return entered;
}

// Cores stay in the work folder and become artifacts. Where the limit cannot be moved there are none.
static void allow_core(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_CORE, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max < CORE_MAX_BYTES ? limit.rlim_max : CORE_MAX_BYTES;
    setrlimit(RLIMIT_CORE, &limit);
}

// A user namespace of its own (sandbox) forgets the signal of death, too.
static bool enter_environment(const char *plan, const char *parent)
{
    char problem[STATUS_MAX_BYTES];
    if (execution_enter(plan, (pid_t)strtol(parent, NULL, 10), problem, sizeof problem) == 0)
        return die_with(parent);
    return write(TRAMPOLINE_STATUS_FD, problem, strlen(problem)) < 0;
}

int trampoline_main(int argc, char **argv)
{
    if (argc <= ARGUMENT_PROGRAM) {
        fprintf(stderr, "panther-guard %s is for the guard itself\n", TRAMPOLINE_FLAG);
        return EXIT_START_FAILED;
    }
    if (fcntl(TRAMPOLINE_STATUS_FD, F_SETFD, FD_CLOEXEC) < 0)
        return EXIT_START_FAILED;
    if (strcmp(argv[ARGUMENT_CHANNEL], NOTHING) == 0)
        close(TRAMPOLINE_CHANNEL_FD);
    if (strcmp(argv[ARGUMENT_PLAN], NOTHING) == 0)
        close(TRAMPOLINE_TOOLS_FD);
    else
        fcntl(TRAMPOLINE_TOOLS_FD, F_SETFD, FD_CLOEXEC);
    if (!die_with(argv[ARGUMENT_PARENT]))
        return EXIT_START_FAILED;
    if (strcmp(argv[ARGUMENT_TERMINAL], NOTHING) != 0 && ioctl(STDIN_FILENO, TIOCSCTTY, 0) < 0)
        return fail("cannot have", "a terminal");
    if (strcmp(argv[ARGUMENT_CGROUP], NOTHING) != 0 && !enter_cgroup(argv[ARGUMENT_CGROUP]))
        return fail("cannot enter the cgroup", argv[ARGUMENT_CGROUP]);
    // A user namespace of its own, if it takes one, forgets the signal of death.
    if (strcmp(argv[ARGUMENT_CLOCK], NOTHING) != 0 &&
        (clock_offset_enter(strtoll(argv[ARGUMENT_CLOCK], NULL, 10)) < 0 || !die_with(argv[ARGUMENT_PARENT])))
        return fail("cannot enter a time namespace with offset", argv[ARGUMENT_CLOCK]);
    if (strcmp(argv[ARGUMENT_LIKE], NOTHING) != 0 &&
        (namespaces_enter((pid_t)strtol(argv[ARGUMENT_LIKE], NULL, 10)) < 0 || !die_with(argv[ARGUMENT_PARENT])))
        return fail("cannot enter the namespaces of process", argv[ARGUMENT_LIKE]);
    if (chdir(argv[ARGUMENT_FOLDER]) < 0)
        return fail("cannot enter the folder", argv[ARGUMENT_FOLDER]);
    if (strcmp(argv[ARGUMENT_PLAN], NOTHING) != 0 && !enter_environment(argv[ARGUMENT_PLAN], argv[ARGUMENT_PARENT]))
        return EXIT_START_FAILED;
    allow_core();
    // A file that would get larger than a fault allows (disk_full) is an error of write, not a death.
    signal(SIGXFSZ, SIG_IGN);
    execvp(argv[ARGUMENT_PROGRAM], argv + ARGUMENT_PROGRAM);
    return fail("cannot run", argv[ARGUMENT_PROGRAM]);
}

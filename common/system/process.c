// Start, signal and reap one process.
#include "common/system/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/memory.h"

extern char **environ;

static int add_descriptors(const struct process_start *start, posix_spawn_file_actions_t *actions)
{
    int highest = 2, problem = 0;
    bool stdin_named = false;
    for (size_t i = 0; i < start->descriptor_count && problem == 0; i++) {
        const struct process_descriptor *descriptor = &start->descriptors[i];
        // With from == to glibc clears FD_CLOEXEC.
        problem = posix_spawn_file_actions_adddup2(actions, descriptor->from, descriptor->to);
        stdin_named |= descriptor->to == STDIN_FILENO;
        if (descriptor->to > highest)
            highest = descriptor->to;
    }
    if (problem == 0 && !stdin_named)
        problem = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    return problem != 0 ? problem : posix_spawn_file_actions_addclosefrom_np(actions, highest + 1);
}

static int add_attributes(const struct process_start *start, posix_spawnattr_t *attributes)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
    if (start->place == PROCESS_PLACE_GROUP)
        flags = (short)(flags | POSIX_SPAWN_SETPGROUP);
    if (start->place == PROCESS_PLACE_SESSION)
        flags = (short)(flags | POSIX_SPAWN_SETSID);
    posix_spawnattr_setsigmask(attributes, &none);
    posix_spawnattr_setsigdefault(attributes, &all);
    posix_spawnattr_setpgroup(attributes, 0);
    return posix_spawnattr_setflags(attributes, flags);
}

static char *const *mutable_strings(const char *const *strings)
{
    union {
        const char *const *constant;
        char *const *plain;
    } both = {.constant = strings};
    return both.plain; // posix_spawn's prototype is older than const; it changes nothing
}

static int spawn(const struct process_start *start, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    int problem = add_attributes(start, &attributes);
    if (problem == 0 && start->folder)
        problem = posix_spawn_file_actions_addchdir_np(&actions, start->folder);
    if (problem == 0)
        problem = add_descriptors(start, &actions);
    char *const *environment = start->environment ? mutable_strings(start->environment) : environ;
    if (problem == 0)
        problem = posix_spawnp(pid, start->program, &actions, &attributes, mutable_strings(start->argv), environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return problem;
}

int process_open(pid_t pid, int *pidfd, struct panther_error *error)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0); // O_CLOEXEC by itself
    if (fd < 0 && errno == ESRCH)
        return error_set(error, PANTHER_ENOTFOUND, "there is no process %d", (int)pid);
    if (fd < 0)
        return error_system(error, errno, "cannot open process %d", (int)pid);
    *pidfd = fd;
    return 0;
}

int process_spawn(const struct process_start *start, pid_t *pid, int *pidfd, struct panther_error *error)
{
    pid_t child;
    int fd = -1, problem = spawn(start, &child);
    if (problem != 0)
        return error_system(error, problem, "cannot start %s", start->program);
    // Race-free: the child stays ours, as a zombie if need be, until it is reaped.
    if (pidfd && (problem = process_open(child, &fd, error)) < 0) {
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        return problem;
    }
    if (pidfd)
        *pidfd = fd;
    *pid = child;
    return 0;
}

static uint64_t microseconds(struct timeval time)
{
    return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_usec;
}

int process_reap(int pidfd, bool wait, struct process_end *end)
{
    siginfo_t info;
    struct rusage usage;
    memset(&info, 0, sizeof info);
    int options = WEXITED | (wait ? 0 : WNOHANG), result;
    do // the raw call: glibc's waitid has no rusage
        result = (int)syscall(SYS_waitid, pidfd < 0 ? P_ALL : P_PIDFD, pidfd < 0 ? 0 : pidfd, &info, options, &usage);
    while (result < 0 && errno == EINTR);
    if (result < 0)
        return PANTHER_ENOTFOUND;
    if (info.si_pid == 0)
        return 0;
    bool exited = info.si_code == CLD_EXITED;
    *end = (struct process_end){
        .pid = info.si_pid,
        .status = exited ? info.si_status : -1,
        .signal = exited ? 0 : info.si_status,
        .core_dumped = info.si_code == CLD_DUMPED,
        .user_us = microseconds(usage.ru_utime),
        .system_us = microseconds(usage.ru_stime),
        .max_rss_bytes = (uint64_t)usage.ru_maxrss * 1024,
    };
    return 1;
}

int process_signal(int pidfd, int signal_number)
{
    if (syscall(SYS_pidfd_send_signal, pidfd, signal_number, NULL, 0) == 0)
        return 0;
    return errno == ESRCH ? PANTHER_ENOTFOUND : PANTHER_ESYSTEM;
}

char *program_folder(void)
{
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length < 0)
        PANIC("readlink of /proc/self/exe: %s", strerror(errno));
    path[length] = '\0';
    char *slash = strrchr(path, '/');
    INVARIANT(slash);
    slash[slash == path] = '\0';
    return memory_string(path);
}

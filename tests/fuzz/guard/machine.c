// See machine.h.
#include "tests/fuzz/guard/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "agent/guard/trampoline.h"
#include "common/base/memory.h"
#include "common/system/loop.h"
#include "common/system/process.h"

#define PROCESSES_MAX 512 // more than the guard lets live at once, over a whole story
#define FIRST_PID 5000000 // above the kernel's greatest, so that no number is a real one

struct fake {
    bool lives, reaped;
    int status, signal;
    int channel_fd, stdout_fd, stderr_fd;
};

static struct fake processes[PROCESSES_MAX];
static int process_count;

// What the guard calls instead.
int __wrap_kill(pid_t pid, int signal_number);
int __wrap_prlimit(pid_t pid, int resource, const struct rlimit *wanted, struct rlimit *old);
pid_t __wrap_fork(void);
int __wrap_process_signal(int pidfd, int signal_number);
int __wrap_process_reap(int pidfd, bool wait, struct process_end *end);
void __wrap_process_descendants(pid_t root, struct process_list *list);
void __wrap_processes_with_environment(const char *entry, struct process_list *list);
int __wrap_folder_lock(const char *folder, int *fd, struct panther_error *error);
int __wrap_loop_signal(struct loop *loop, int signal_number, void (*callback)(void *context, int signal_number), void *context);

static void close_one(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void end(struct fake *process, int status, int signal_number)
{
    if (!process->lives)
        return;
    process->lives = false;
    process->status = signal_number ? -1 : status;
    process->signal = signal_number;
    close_one(&process->channel_fd);
    close_one(&process->stdout_fd);
    close_one(&process->stderr_fd);
}

void machine_begin(void)
{
    process_count = 0;
}

void machine_end(void)
{
    for (int i = 0; i < process_count; i++)
        end(&processes[i], 0, SIGKILL);
}

static struct fake *youngest(void)
{
    for (int i = process_count - 1; i > 0; i--)
        if (processes[i].lives)
            return &processes[i];
    return NULL;
}

void machine_print(const void *data, size_t bytes, bool to_stderr)
{
    const struct fake *process = youngest();
    if (!process)
        return;
    ssize_t ignored = write(to_stderr ? process->stderr_fd : process->stdout_fd, data, bytes);
    (void)ignored;
}

void machine_exit(uint8_t status)
{
    struct fake *process = youngest();
    if (process)
        end(process, status & 0x7f, status & 0x80 ? SIGSEGV : 0);
}

int machine_host_fd(void)
{
    return process_count > 0 && processes[0].lives ? processes[0].channel_fd : -1;
}

void machine_host_dies(uint8_t status)
{
    if (process_count > 0)
        end(&processes[0], status & 0x7f, status & 0x80 ? SIGSEGV : 0);
}

bool machine_has_ended_ones(void)
{
    for (int i = 0; i < process_count; i++)
        if (!processes[i].lives && !processes[i].reaped)
            return true;
    return false;
}

// ---- what the guard calls

static int keep(int fd)
{
    int kept = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 3) : -1;
    if (kept >= 0)
        fcntl(kept, F_SETFL, O_NONBLOCK); // what the guard does not read is not printed
    return kept;
}

int trampoline_spawn(const struct trampoline *trampoline, pid_t *pid, int *pidfd, int *status_fd, struct panther_error *error)
{
    int status_pipe[2];
    if (process_count == PROCESSES_MAX || pipe2(status_pipe, O_CLOEXEC) < 0)
        return error_set(error, PANTHER_ELIMIT, "%s: no more processes", trampoline->name);
    close(status_pipe[1]); // its program runs
    struct fake *process = &processes[process_count];
    *process = (struct fake){.lives = true};
    process->channel_fd = keep(trampoline->channel_fd);
    process->stdout_fd = keep(trampoline->stdout_fd);
    process->stderr_fd = keep(trampoline->stderr_fd);
    *pid = FIRST_PID + process_count++;
    *pidfd = eventfd((unsigned)*pid, EFD_CLOEXEC | EFD_NONBLOCK);
    *status_fd = status_pipe[0];
    return 0;
}

int trampoline_status(int status_fd, char *text, size_t text_bytes)
{
    (void)status_fd, (void)text, (void)text_bytes;
    return 0;
}

static int signalled(pid_t pid, int signal_number)
{
    int index = (pid < 0 ? -pid : pid) - FIRST_PID;
    if (index < 0 || index >= process_count || processes[index].reaped)
        return -1;
    if (signal_number != 0 && signal_number != SIGCONT)
        end(&processes[index], 0, signal_number);
    return 0;
}

int __wrap_kill(pid_t pid, int signal_number)
{
    return signalled(pid, signal_number);
}

int __wrap_prlimit(pid_t pid, int resource, const struct rlimit *wanted, struct rlimit *old)
{
    (void)pid, (void)resource, (void)wanted;
    if (old)
        *old = (struct rlimit){.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
    return 0;
}

// A time namespace is tried in a child: none of ours, and none of the fuzzer's.
pid_t __wrap_fork(void)
{
    errno = EAGAIN;
    return -1;
}

int __wrap_process_signal(int pidfd, int signal_number)
{
    uint64_t pid = 0;
    if (read(pidfd, &pid, sizeof pid) != sizeof pid)
        return PANTHER_ENOTFOUND;
    ssize_t ignored = write(pidfd, &pid, sizeof pid);
    (void)ignored;
    return signalled((pid_t)pid, signal_number) == 0 ? 0 : PANTHER_ENOTFOUND;
}

int __wrap_process_reap(int pidfd, bool wait, struct process_end *ended)
{
    (void)pidfd, (void)wait;
    bool any = false;
    for (int i = 0; i < process_count; i++) {
        struct fake *process = &processes[i];
        any = any || !process->reaped;
        if (process->lives || process->reaped)
            continue;
        process->reaped = true;
        *ended = (struct process_end){.pid = FIRST_PID + i, .status = process->status, .signal = process->signal};
        return 1;
    }
    return any ? 0 : PANTHER_ENOTFOUND;
}

void __wrap_process_descendants(pid_t root, struct process_list *list)
{
    (void)root;
    for (int i = 0; i < process_count; i++)
        if (processes[i].lives)
            APPEND(list->pids, list->count, list->capacity) = FIRST_PID + i;
}

void __wrap_processes_with_environment(const char *entry, struct process_list *list)
{
    (void)entry, (void)list;
}

// Held until the process ends, which is too long here.
int __wrap_folder_lock(const char *folder, int *fd, struct panther_error *error)
{
    (void)folder, (void)error;
    *fd = -1;
    return 0;
}

int __wrap_loop_signal(struct loop *loop, int signal_number, void (*callback)(void *context, int signal_number), void *context)
{
    (void)loop, (void)signal_number, (void)callback, (void)context;
    return 0;
}

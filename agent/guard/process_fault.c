// What faults do to the processes of the plugin: all of a process's group and all that carries its marker.
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>

#include "agent/guard/events.h"
#include "agent/guard/processes_state.h"

// Those that are born while the others are stopped are found the second time; who forks faster than this is stopped in its parent.
#define PAUSE_ROUNDS 2

static bool is_target(const struct process *process)
{
    return process->running && !process->ended && !process->beside;
}

static void name_target(const struct process *process, struct text *who)
{
    if (who)
        text_printf(who, " %s (pid %d)", process->stem, (int)process->pid);
}

static size_t each_member(const struct process *process, process_member_fn *member, void *context)
{
    struct arena *arena = arena_new(0);
    size_t count = process_each_member(process->pid, process_marker(process, arena), member, context);
    arena_free(&arena);
    return count;
}

static void signal_member(void *context, pid_t pid)
{
    const int *number = context;
    if (kill(pid, *number) < 0)
        errno = 0; // it has just ended
}

static bool ends_a_process(int signal_number)
{
    static const int ending[] = {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS};
    for (size_t i = 0; i < sizeof ending / sizeof *ending; i++)
        if (ending[i] == signal_number)
            return true;
    return process_signal_ends(signal_number);
}

size_t processes_strike(struct processes *processes, int signal_number, struct text *who)
{
    size_t count = 0;
    for (struct process *process = processes->first; process; process = process->next) {
        if (!is_target(process))
            continue;
        process->struck_by = signal_number;
        process->struck_to_end |= ends_a_process(signal_number);
        name_target(process, who);
        each_member(process, signal_member, &signal_number);
        count++;
    }
    return count;
}

size_t processes_pause(struct processes *processes, struct text *who)
{
    size_t count = 0;
    int number = SIGSTOP;
    for (struct process *process = processes->first; process; process = process->next) {
        if (!is_target(process))
            continue;
        name_target(process, who);
        for (int i = 0; i < PAUSE_ROUNDS; i++)
            each_member(process, signal_member, &number);
        count++;
    }
    return count;
}

void processes_resume(struct processes *processes)
{
    int number = SIGCONT;
    for (struct process *process = processes->first; process; process = process->next)
        if (is_target(process))
            each_member(process, signal_member, &number);
}

// ---- limits

struct file_limit {
    uint64_t bytes;
    int problem; // errno
};

// Only the soft limit, so that it can be given back without privileges.
static void limit_member(void *context, pid_t pid)
{
    struct file_limit *wanted = context;
    struct rlimit limit;
    bool known = prlimit(pid, RLIMIT_FSIZE, NULL, &limit) == 0;
    if (known)
        limit.rlim_cur = wanted->bytes < limit.rlim_max ? wanted->bytes : limit.rlim_max;
    if ((!known || prlimit(pid, RLIMIT_FSIZE, &limit, NULL) < 0) && errno != ESRCH)
        wanted->problem = errno;
}

int processes_limit_files(struct processes *processes, uint64_t limit_bytes, struct text *who, struct panther_error *error)
{
    struct file_limit wanted = {.bytes = limit_bytes == PROCESSES_FILES_UNLIMITED ? RLIM_INFINITY : limit_bytes};
    processes->files_limited = limit_bytes != PROCESSES_FILES_UNLIMITED;
    processes->files_limit_bytes = limit_bytes;
    for (struct process *process = processes->first; process; process = process->next) {
        if (!is_target(process))
            continue;
        name_target(process, who);
        each_member(process, limit_member, &wanted);
    }
    return wanted.problem == 0 ? 0 : error_system(error, wanted.problem, "cannot limit the files of the instance's programs");
}

void processes_set_clock(struct processes *processes, int64_t offset_ns)
{
    processes->clock_offset_ns = offset_ns;
}

void processes_memory_is_short(struct processes *processes, bool is_short)
{
    processes->memory_short = is_short;
}

void process_apply_faults(struct process *process)
{
    struct file_limit wanted = {.bytes = process->all->files_limit_bytes};
    if (process->all->files_limited)
        limit_member(&wanted, process->pid);
    if (wanted.problem != 0)
        events_note(process->all->events, "%s starts without the limit of its files that a fault set", process->stem);
}

// Who was killed by hand has not crashed, nor whom the kernel ended for what a fault took. Whatever else a program does about a full
// disk or little memory is its own: an abort stays a crash.
bool process_died_of_fault(const struct process *process)
{
    int number = process->end.signal;
    bool was_to_end = process->end_expected || process->all->ends_expected;
    if ((process->struck_to_end && !was_to_end) || (number != 0 && number == process->struck_by))
        return true;
    return (number == SIGKILL && process->all->memory_short) || (number == SIGXFSZ && process->all->files_limited);
}

// The kill ladder: stop signal, grace, KILL; and what happens when a process has ended but its output has not.
#include <errno.h>
#include <signal.h>

#include "agent/environment/execution/execution.h"
#include "agent/guard/events.h"
#include "agent/guard/processes_state.h"
#include "common/system/loop.h"

#define DEFAULT_GRACE_MS 2000
#define NANOSECONDS_PER_MS 1000000ULL

int process_stop_signal(const struct process *process)
{
    return process->request->stop_signal > 0 ? process->request->stop_signal : SIGTERM;
}

void process_set_timer(struct process *process, uint64_t delay_ms)
{
    loop_timer_set(process->timer, clock_boottime_ns() + delay_ms * NANOSECONDS_PER_MS);
}

static void send_to_group(struct process *process, int signal_number)
{
    // It is our child and not yet reaped, so the number still means its group.
    if (!process->ended && kill(-process->pid, signal_number) < 0)
        errno = 0;
}

void process_timer_elapsed(void *context)
{
    struct process *process = context;
    if (!process->ended) {
        process->all->killed++;
        send_to_group(process, SIGKILL);
    } else if (process->drain == DRAIN_WAITING) {
        process->drain = DRAIN_KILLED;
        process_set_timer(process, DRAIN_MS);
        process_kill_leftovers(process);
    } else {
        process_end_streams(process);
    }
}

static void set_kill(struct process *process, uint64_t delay_ms)
{
    process->kill_ns = clock_boottime_ns() + delay_ms * NANOSECONDS_PER_MS;
    loop_timer_set(process->timer, process->kill_ns);
}

void process_begin_ladder(struct process *process, uint32_t grace_ms)
{
    process->end_expected = true;
    if (process->ended || process->killing)
        return;
    process->killing = true;
    // A stopped process gets its signal only when it goes on. CONT comes first: behind the stop signal it would take away the STOP with
    // which LeakSanitizer attaches itself at the end of the process, and that waits for ever.
    send_to_group(process, SIGCONT);
    send_to_group(process, process_stop_signal(process));
    set_kill(process, grace_ms ? grace_ms : DEFAULT_GRACE_MS);
}

static struct process *find(struct processes *processes, uint32_t number)
{
    for (struct process *process = processes->first; process; process = process->next)
        if (process->number == number)
            return process;
    return NULL;
}

bool process_signal_ends(int signal_number)
{
    return signal_number == SIGKILL || signal_number == SIGTERM || signal_number == SIGINT || signal_number == SIGQUIT;
}

void processes_signal(struct processes *processes, const Pb__SignalRequest *request)
{
    struct process *process = find(processes, request->process);
    if (!process || process->ended)
        return; // it ended while the request was on its way
    if (request->kill_ladder) {
        // the plugin meant a program that runs at its own speed
        process_begin_ladder(process, execution_longer_ms(processes->execution, request->grace_ms));
        return;
    }
    if (process_signal_ends(request->signal) || request->signal == process_stop_signal(process))
        process->end_expected = true;
    if (process_signal(process->pidfd, request->signal) == PANTHER_ESYSTEM)
        events_note(processes->events, "signal %d could not be sent to %s", request->signal, process->stem);
}

void processes_expect_end(struct processes *processes)
{
    processes->ends_expected = true;
}

void processes_hurry(struct processes *processes, uint32_t grace_ms)
{
    uint64_t kill_ns = clock_boottime_ns() + grace_ms * NANOSECONDS_PER_MS;
    for (struct process *process = processes->first; process; process = process->next)
        if (process->killing && !process->ended && process->kill_ns > kill_ns)
            set_kill(process, grace_ms);
}

void processes_stop_all(struct processes *processes, uint32_t grace_ms)
{
    for (struct process *process = processes->first; process; process = process->next)
        process_begin_ladder(process, grace_ms);
}

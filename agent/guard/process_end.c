// The end of a process: its output is drained, what it left behind is killed, and what its end means is told.
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/environment/execution/execution.h"
#include "agent/guard/events.h"
#include "agent/guard/processes_state.h"
#include "agent/guard/streams.h"
#include "common/base/limits.h"
#include "common/base/message.h"
#include "common/system/loop.h"

void process_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void process_free(struct process *process)
{
    struct processes *all = process->all;
    if (process->previous)
        process->previous->next = process->next;
    else
        all->first = process->next;
    if (process->next)
        process->next->previous = process->previous;
    all->count--;
    loop_remove(&process->status_source);
    loop_remove(&process->timer);
    process_close(&process->status_fd);
    process_close(&process->stdout_fd);
    process_close(&process->stderr_fd);
    process_close(&process->pidfd);
    execution_abandon(&process->run);
    free(process->tails[0]);
    free(process->tails[1]);
    message_free(process->request);
    free(process);
}

static Pb__ExitExpectation expectation(const struct process *process)
{
    if (process_died_of_fault(process))
        return PB__EXIT_EXPECTATION__EXIT_EXPECTATION_FAULT;
    if (process->end_expected || process->all->ends_expected)
        return PB__EXIT_EXPECTATION__EXIT_EXPECTATION_STOPPED;
    // A client that was meant to end by itself did not mean to end by a signal.
    if (process->request->finishes && process->end.signal == 0)
        return PB__EXIT_EXPECTATION__EXIT_EXPECTATION_FINISHED;
    return PB__EXIT_EXPECTATION__EXIT_EXPECTATION_UNEXPECTED;
}

static bool is_clean(const struct process *process, Pb__ExitExpectation expected)
{
    const struct process_end *end = &process->end;
    if (expected == PB__EXIT_EXPECTATION__EXIT_EXPECTATION_UNEXPECTED)
        return false;
    if (expected == PB__EXIT_EXPECTATION__EXIT_EXPECTATION_FAULT)
        return true; // nobody can end more cleanly when killed
    for (size_t i = 0; i < process->request->n_clean_statuses; i++)
        if (end->signal == 0 && process->request->clean_statuses[i] == end->status)
            return true;
    bool by_stop_signal = end->signal == process_stop_signal(process) || end->status == 128 + process_stop_signal(process);
    if (process->request->clean_on_term && expected == PB__EXIT_EXPECTATION__EXIT_EXPECTATION_STOPPED && by_stop_signal)
        return true;
    return end->signal == 0 && end->status == 0;
}

// What ended it stands before its own last words.
static char *tail_of(const struct process *process, const char *own)
{
    if (!*process->why)
        return memory_string(own);
    return memory_printf("%s%s%.*s", process->why, *own ? "\n" : "", (int)(TEXT_MAX_BYTES - sizeof process->why), own);
}

static void tell_exit(struct process *process)
{
    Pb__ProcessExited exited;
    static char nothing[] = "";
    pb__process_exited__init(&exited);
    char *tails[2] = {process->tails[0] ? process->tails[0] : nothing, process->tails[1] ? process->tails[1] : nothing};
    exited.process = process->number;
    exited.name = process->stem;
    exited.status = process->end.status;
    exited.signal = process->end.signal;
    exited.core_dumped = process->end.core_dumped;
    exited.expectation = expectation(process);
    exited.clean = is_clean(process, exited.expectation);
    CLEANUP_FREE char *tail = tail_of(process, *tails[1] ? tails[1] : tails[0]);
    exited.tail = tail;
    exited.user_us = process->end.user_us;
    exited.system_us = process->end.system_us;
    exited.max_rss_bytes = process->end.max_rss_bytes;
    EVENT_ADD(process->all->events, PROCESS_EXITED, process_exited, &exited);
    Pb__HostProcessExited word;
    pb__host_process_exited__init(&word);
    word.process = process->number;
    word.status = process->end.status;
    word.signal = process->end.signal;
    process->all->callbacks.exited(process->all->context, &word);
}

static void finish_if_drained(struct process *process)
{
    struct processes *all = process->all;
    if (!process->ended || process->streams[0] || process->streams[1])
        return;
    if (process->running && process->beside)
        all->callbacks.beside(all->context, process->beside, process->number, &process->end, NULL);
    else if (process->running)
        tell_exit(process);
    process_free(process);
    if (all->count == 0)
        all->callbacks.all_gone(all->context);
}

void process_stream_ended(void *context, struct stream *stream)
{
    struct process *process = context;
    int index = process->streams[1] == stream;
    INVARIANT(process->streams[index] == stream);
    process->streams[index] = NULL;
    process->tails[index] = stream_tail(stream);
    finish_if_drained(process);
}

void process_end_streams(struct process *process)
{
    static const char why[] = "its process has ended, others still hold it open";
    struct stream *streams[2] = {process->streams[0], process->streams[1]};
    for (int i = 0; i < 2; i++) // the last one frees the process
        if (streams[i])
            stream_end(streams[i], why);
}

const char *process_marker(const struct process *process, struct arena *arena)
{
    return arena_printf(arena, "PANTHER_PROCESS=%u", process->number);
}

static bool is_among(pid_t pid, const struct process_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->pids[i] == pid)
            return true;
    return false;
}

// Our descendants that are of the group or carry the marker.
size_t process_each_member(pid_t group, const char *marker, process_member_fn *member, void *context)
{
    struct process_list ours = {0}, marked = {0};
    size_t count = 0;
    process_descendants(getpid(), &ours);
    if (marker)
        processes_with_environment(marker, &marked);
    for (size_t i = 0; i < ours.count; i++)
        if (getpgid(ours.pids[i]) == group || is_among(ours.pids[i], &marked)) {
            member(context, ours.pids[i]);
            count++;
        }
    process_list_free(&ours);
    process_list_free(&marked);
    return count;
}

static void kill_member(void *context, pid_t pid)
{
    size_t *killed = context;
    *killed += kill(pid, SIGKILL) == 0;
}

size_t leftovers_kill(pid_t group, const char *marker)
{
    size_t killed = 0;
    process_each_member(group, marker, kill_member, &killed);
    return killed;
}

void process_kill_leftovers(struct process *process)
{
    struct arena *arena = arena_new(0);
    size_t killed = leftovers_kill(process->pid, process_marker(process, arena));
    arena_free(&arena);
    process->all->killed += (uint32_t)killed;
    if (killed > 0)
        events_note(process->all->events, "%s has ended; %zu processes that it left behind were killed", process->stem, killed);
}

// ---- a child ended

// What it printed before its end is in the pipes now; what others may still print there is given DRAIN_MS.
static void drain(struct process *process)
{
    struct stream *streams[2] = {process->streams[0], process->streams[1]};
    process->drain = DRAIN_WAITING;
    process_set_timer(process, DRAIN_MS);
    // Draining the last stream may free the process: no look at it behind that.
    for (int i = 0; i < 2; i++)
        if (streams[i])
            stream_drain(streams[i]);
}

bool processes_ended(struct processes *processes, const struct process_end *end)
{
    struct process *process = processes->first;
    while (process && (process->pid != end->pid || process->ended))
        process = process->next;
    if (!process)
        return false;
    if (process->status_fd >= 0)
        process_look_at_status(process);
    process->ended = true;
    process->end = *end;
    execution_ended(&process->run, end, process->why, sizeof process->why);
    if (process->streams[0] || process->streams[1])
        drain(process);
    else
        finish_if_drained(process);
    return true;
}

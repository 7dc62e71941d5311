// The table of the instance's processes. All children are reaped in one place (ending.c); pidfds send signals that cannot reach a
// stranger.
#include "agent/guard/processes.h"

#include <stdlib.h>

#include "agent/guard/processes_state.h"

struct processes *processes_new(struct loop *loop, struct events *events, struct streams *streams, const char *work, const char *marker,
                                const char *cgroup, const struct processes_callbacks *callbacks, void *context)
{
    struct processes *processes = NEW(struct processes);
    *processes = (struct processes){.loop = loop,
                                    .events = events,
                                    .streams = streams,
                                    .work = work,
                                    .marker = marker,
                                    .cgroup = cgroup,
                                    .callbacks = *callbacks,
                                    .context = context,
                                    .names = map_new()};
    return processes;
}

void processes_use(struct processes *processes, struct execution *execution)
{
    processes->execution = execution;
}

bool processes_any(const struct processes *processes)
{
    return processes->first != NULL;
}

const Pb__SpawnRequest *processes_first(const struct processes *processes)
{
    const struct process *first = NULL; // the list begins with the youngest
    for (const struct process *process = processes->first; process; process = process->next)
        first = process->beside ? first : process;
    return first ? first->request : NULL;
}

pid_t processes_apart(const struct processes *processes)
{
    pid_t pid = 0;
    for (const struct process *process = processes->first; process; process = process->next)
        if (process->is_apart && process->running && !process->ended)
            pid = process->pid; // the oldest
    return pid;
}

uint32_t processes_killed(const struct processes *processes)
{
    return processes->killed;
}

void processes_free(struct processes **pointer)
{
    struct processes *processes = *pointer;
    if (!processes)
        return;
    while (processes->first)
        process_free(processes->first);
    map_free(&processes->names);
    free(processes);
    *pointer = NULL;
}

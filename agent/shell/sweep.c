#include "agent/shell/sweep.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "agent/shell/cgroup.h"
#include "agent/shell/folder.h"
#include "common/base/memory.h"
#include "common/system/descriptors.h"
#include "common/system/log.h"
#include "common/system/loop.h"
#include "common/system/process.h"

#define NS_PER_MS UINT64_C(1000000)
// SIGKILL takes effect within a round; what is still there after two seconds hangs in the kernel.
#define ROUND_MS 10
#define ROUNDS_MAX 200
// Without a descriptor for /proc.
#define LOOK_LATER_MS 100

struct sweeps {
    struct loop *loop;
    const char *state, *host_id, *cgroup;
    swept_fn *callback;
    void *context;
    struct sweep *first;
};

struct sweep {
    struct sweep *next;
    struct sweeps *sweeps;
    uint64_t instance;
    uint32_t generation;
    char *marker, *cgroup, *folder;
    struct folder_guard guard; // pid 0: not known
    struct loop_source *timer;
    uint32_t killed;
    unsigned rounds;
};

static bool is_in(const struct process_list *list, pid_t pid)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->pids[i] == pid)
            return true;
    return false;
}

// Negative: we could not look at all of them.
static int find(const struct sweep *sweep, struct process_list *list)
{
    struct process_list others = {0};
    int result = processes_with_environment(sweep->marker, list);
    if (result == 0 && sweep->guard.pid)
        result = processes_of_session(sweep->guard.pid, sweep->guard.start_ticks, sweep->folder, &others);
    for (size_t i = 0; i < others.count; i++)
        if (!is_in(list, others.pids[i]))
            APPEND(list->pids, list->count, list->capacity) = others.pids[i];
    process_list_free(&others);
    return result;
}

// Opened first and then looked for again: a pid that was given to a stranger meanwhile carries no mark.
static int kill_marked(struct sweep *sweep, pid_t pid)
{
    struct process_list again = {0};
    int pidfd, result = process_open(pid, &pidfd, NULL);
    if (result < 0)
        return result == PANTHER_ESHORT ? result : 0;
    result = find(sweep, &again);
    if (is_in(&again, pid) && process_signal(pidfd, SIGKILL) == 0)
        sweep->killed++;
    process_list_free(&again);
    close(pidfd);
    return result;
}

// 1: nothing is left; 0: not yet; PANTHER_ESHORT: we could not do it, which says nothing.
static int round_of(struct sweep *sweep)
{
    struct process_list list = {0};
    int result = find(sweep, &list);
    for (size_t i = 0; i < list.count; i++) {
        int killed = kill_marked(sweep, list.pids[i]);
        result = killed < 0 ? killed : result;
    }
    if (result == 0)
        result = list.count == 0 && cgroup_kill(sweep->cgroup);
    process_list_free(&list);
    return result;
}

static void sweep_free(struct sweep *sweep)
{
    struct sweep **place = &sweep->sweeps->first;
    while (*place != sweep)
        place = &(*place)->next;
    *place = sweep->next;
    loop_remove(&sweep->timer);
    free(sweep->marker);
    free(sweep->cgroup);
    free(sweep->folder);
    free(sweep);
}

static void on_round(void *context)
{
    struct sweep *sweep = context;
    if (!descriptors_have(DESCRIPTORS_TO_LOOK)) { // nothing would be found
        loop_timer_set(sweep->timer, clock_boottime_ns() + LOOK_LATER_MS * NS_PER_MS);
        return;
    }
    int result = round_of(sweep);
    if (result < 0) {
        loop_timer_set(sweep->timer, clock_boottime_ns() + LOOK_LATER_MS * NS_PER_MS);
        return;
    }
    if (result == 0 && ++sweep->rounds < ROUNDS_MAX) {
        loop_timer_set(sweep->timer, clock_boottime_ns() + ROUND_MS * NS_PER_MS);
        return;
    }
    if (result == 0)
        log_error("what instance %llu.%u left does not die", (unsigned long long)sweep->instance, sweep->generation);
    struct sweeps *sweeps = sweep->sweeps;
    uint64_t instance = sweep->instance;
    uint32_t generation = sweep->generation, killed = sweep->killed;
    sweep_free(sweep);
    sweeps->callback(sweeps->context, instance, generation, killed);
}

struct sweeps *sweeps_new(struct loop *loop, const char *state, const char *host_id, const char *cgroup, swept_fn *callback, void *context)
{
    struct sweeps *sweeps = NEW(struct sweeps);
    *sweeps = (struct sweeps){loop, state, host_id, cgroup, callback, context, NULL};
    return sweeps;
}

void sweeps_free(struct sweeps **sweeps)
{
    if (!*sweeps)
        return;
    while ((*sweeps)->first)
        sweep_free((*sweeps)->first);
    free(*sweeps);
    *sweeps = NULL;
}

// Every guard has a session of its own, in which its processes stay unless they leave it.
static void know_guard(struct sweep *sweep)
{
    char boot[BOOT_ID_BYTES];
    boot_id(boot);
    if (folder_guard_read(sweep->folder, &sweep->guard, NULL) < 0 || strcmp(sweep->guard.boot_id, boot) != 0)
        sweep->guard.pid = 0;
}

void sweeps_start(struct sweeps *sweeps, uint64_t instance, uint32_t generation)
{
    struct sweep *sweep = NEW(struct sweep);
    sweep->sweeps = sweeps;
    sweep->instance = instance;
    sweep->generation = generation;
    sweep->marker = folder_marker(sweeps->host_id, instance, generation);
    sweep->folder = folder_path(sweeps->state, instance, generation);
    know_guard(sweep);
    if (sweeps->cgroup)
        sweep->cgroup = cgroup_of(sweeps->cgroup, instance, generation);
    sweep->next = sweeps->first;
    sweeps->first = sweep;
    sweep->timer = loop_timer(sweeps->loop, on_round, sweep);
    loop_timer_set(sweep->timer, clock_boottime_ns());
}

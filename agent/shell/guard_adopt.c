// After a restart of the agent: is the guard of this row still there? A guard is known by pid, start time and boot id; a pid alone
// may be a stranger's.
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "agent/shell/guard_state.h"
#include "common/system/descriptors.h"

// A guard that was spawned just before its agent died has not written guard.pid yet.
#define LOOK_AGAIN_MS 20

static void on_end(void *context, int fd, uint32_t epoll_events)
{
    struct guard *guard = context;
    (void)fd;
    (void)epoll_events;
    guard_ended(guard, "its guard ended without a word");
}

static void missing(struct guard *guard, const char *why)
{
    snprintf(guard->why, sizeof guard->why, "%s", why);
    guard_ended(guard, guard->why);
}

static void never_spawned(struct guard *guard)
{
    guard->stage = GUARD_GONE;
    struct agent_input input = {.kind = AGENT_INPUT_NEVER_SPAWNED};
    guard_tell(guard, &input);
}

static void found(struct guard *guard, const struct folder_guard *file)
{
    int result = process_open(file->pid, &guard->pidfd, NULL);
    if (result == PANTHER_ESHORT) {
        loop_timer_set(guard->timer, clock_boottime_ns() + LOOK_AGAIN_MS * NS_PER_MS);
        return;
    }
    guard->pid = file->pid;
    if (result < 0 || !process_is_alive(file->pid, file->start_ticks)) {
        missing(guard, "its guard was killed");
        return;
    }
    guard->end_source = loop_watch(guard->guards->loop, guard->pidfd, EPOLLIN, on_end, guard);
    guard_connect(guard);
}

// Without guard.pid: somebody carries the instance's mark, so its guard may be starting.
static void look_for_mark(struct guard *guard)
{
    struct process_list list = {0};
    CLEANUP_FREE char *marker = folder_marker(guard->guards->settings.host_id, guard->instance, guard->generation);
    bool any = processes_with_environment(marker, &list) < 0 || list.count > 0;
    process_list_free(&list);
    if (any && clock_boottime_ns() < guard->give_up_ns)
        loop_timer_set(guard->timer, clock_boottime_ns() + LOOK_AGAIN_MS * NS_PER_MS);
    else
        missing(guard, "its guard was killed while it started");
}

void guard_look(struct guard *guard)
{
    struct folder_guard file;
    if (!descriptors_have(DESCRIPTORS_TO_LOOK)) {
        loop_timer_set(guard->timer, clock_boottime_ns() + LOOK_AGAIN_MS * NS_PER_MS);
        return;
    }
    if (!folder_has(guard->folder, "spec")) {
        never_spawned(guard);
        return;
    }
    int result = folder_guard_read(guard->folder, &file, NULL);
    if (result == PANTHER_ENOTFOUND) {
        look_for_mark(guard);
    } else if (result == PANTHER_ESHORT) {
        loop_timer_set(guard->timer, clock_boottime_ns() + LOOK_AGAIN_MS * NS_PER_MS);
    } else if (result < 0) {
        missing(guard, "its guard.pid is damaged");
    } else if (strcmp(file.boot_id, guard->guards->boot_id) != 0) {
        guard->rebooted = true;
        missing(guard, "the host was rebooted");
    } else {
        found(guard, &file);
    }
}

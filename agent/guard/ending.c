// The end of an instance, whatever brought it: kill ladder, sweep until the kernel says that we have no child left, last words.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/guard/cgroup.h"
#include "agent/guard/guard.h"
#include "common/system/file.h"
#include "common/system/log.h"
#include "common/system/process.h"
#include "common/wire/wire.h"

#define NANOSECONDS_PER_MS 1000000ULL
// A host that has cleaned up ends when its socket does.
#define HOST_LEAVES_MS 1000
#define SWEEP_PERIOD_MS 20
// A process that does not die of KILL waits for the kernel (a dead disk, a tracer). It is named, and the instance ends without it.
#define SWEEP_MAX_MS 10000

static uint64_t in_ms(uint64_t ms)
{
    return clock_boottime_ns() + ms * NANOSECONDS_PER_MS;
}

// ---- reaping: the one place

void guard_reap(struct guard *guard)
{
    struct process_end end;
    int result;
    while ((result = process_reap(-1, false, &end)) == 1)
        if (!host_link_ended(guard->host, &end) && !faults_ended(guard->faults, &end) && !shells_ended(guard->shells, &end))
            (void)(execution_child_ended(guard->execution, &end) ||
                   processes_ended(guard->processes, &end)); // or an orphan that became ours: nothing to tell
    guard->childless = result == PANTHER_ENOTFOUND;
}

// ---- ladder

static void timer_elapsed(void *context)
{
    (void)context; // the round that follows looks at everything
}

void guard_end(struct guard *guard, Pb__EndCause cause, const char *text)
{
    if (guard->state >= GUARD_ENDING)
        return;
    lifecycle_move(&guard_lifecycle, &guard->state, GUARD_ENDING);
    log_info("instance %llu.%u ends: %s", (unsigned long long)guard->spec->instance, guard->spec->generation, text);
    guard->cause = cause;
    guard->cause_text = memory_string(text);
    guard->ending_timer = loop_timer(guard->loop, timer_elapsed, guard);
    loop_timer_set(guard->case_timer, 0);
    commands_hold(guard->commands, true);
    guard_calm(guard, guard->cause_text);
    shells_close(guard->shells, guard->cause_text);
    processes_expect_end(guard->processes);
    processes_stop_all(guard->processes, guard_grace_ms(guard));
    processes_hurry(guard->processes, guard_grace_ms(guard));
    bool has_cleaned = guard->cleanup_sent;
    host_link_close(guard->host);
    if (!has_cleaned)
        host_link_kill(guard->host); // it would only spawn more
    guard->host_until_ns = in_ms(HOST_LEAVES_MS);
    loop_timer_set(guard->ending_timer, guard->host_until_ns);
}

static bool processes_are_gone(struct guard *guard)
{
    if (host_link_lives(guard->host) && clock_boottime_ns() >= guard->host_until_ns)
        host_link_kill(guard->host);
    return !processes_any(guard->processes) && !faults_any(guard->faults) && !shells_any(guard->shells) && !host_link_lives(guard->host);
}

// ---- sweep: whatever left its group, its session, its parent; as our descendant it cannot leave us

static void kill_descendants(struct guard *guard)
{
    struct process_list list = {0};
    cgroup_kill(guard->cgroup);
    process_descendants(getpid(), &list);
    for (size_t i = 0; i < list.count; i++)
        if (kill(list.pids[i], SIGKILL) == 0)
            guard->swept++;
    process_list_free(&list);
}

static void name_survivors(struct guard *guard)
{
    struct process_list list = {0};
    struct text text = {0};
    process_descendants(getpid(), &list);
    for (size_t i = 0; i < list.count; i++)
        text_printf(&text, " %d", (int)list.pids[i]);
    events_note(guard->events, "processes that KILL did not end:%s", text_string(&text));
    text_free(&text);
    process_list_free(&list);
}

static bool sweep_is_done(struct guard *guard)
{
    guard_reap(guard);
    if (guard->childless)
        return true;
    if (guard->sweep_until_ns == 0)
        guard->sweep_until_ns = in_ms(SWEEP_MAX_MS);
    if (clock_boottime_ns() > guard->sweep_until_ns) {
        name_survivors(guard);
        return true;
    }
    kill_descendants(guard);
    loop_timer_set(guard->ending_timer, in_ms(SWEEP_PERIOD_MS));
    return false;
}

// ---- last words

static void say_last_words(struct guard *guard)
{
    struct panther_error error;
    Pb__InstanceEnded ended;
    host_link_end_stream(guard->host);
    stream_end(guard->plugin_log, NULL);
    cgroup_kill(guard->cgroup);
    cgroup_remove(guard->cgroup);
    if (folder_remove(guard->spec->work_path, &error) < 0)
        events_note(guard->events, "%s", error.message);
    pb__instance_ended__init(&ended);
    ended.cause = guard->cause;
    ended.text = guard->cause_text;
    ended.killed_processes = processes_killed(guard->processes) + guard->swept;
    EVENT_ADD(guard->events, INSTANCE_ENDED, instance_ended, &ended);
}

static void write_exit(const struct guard *guard)
{
    struct panther_error error;
    Pb__GuardExit message;
    size_t bytes;
    pb__guard_exit__init(&message);
    message.cause = guard->cause;
    message.spool_bytes = events_bytes(guard->events);
    message.boottime_ns = clock_boottime_ns();
    CLEANUP_FREE uint8_t *data = wire_pack(&message, NULL, &bytes);
    if (file_write_atomic("exit", data, bytes, 0600, &error) < 0)
        log_error("%s", error.message); // the spool has InstanceEnded, which says the same
}

static bool finish(struct guard *guard)
{
    if (!events_all_synced(guard->events))
        return false; // the disk is full: InstanceEnded is worth waiting for
    write_exit(guard);
    unlink("guard.sock");
    lifecycle_move(&guard_lifecycle, &guard->state, GUARD_ENDED);
    loop_stop(guard->loop, 0);
    return false;
}

bool guard_ending(struct guard *guard)
{
    switch (guard->ending_step) {
    case ENDING_PROCESSES:
        if (!processes_are_gone(guard))
            return false;
        guard->ending_step = ENDING_SWEEP;
        return true;
    case ENDING_SWEEP:
        if (!sweep_is_done(guard))
            return false;
        guard->ending_step = ENDING_LAST_WORDS;
        return true;
    case ENDING_LAST_WORDS:
        say_last_words(guard);
        guard->ending_step = ENDING_SYNC;
        return true;
    default:
        return finish(guard);
    }
}

void guard_abandon(struct guard *guard, const char *why)
{
    log_error("instance %llu.%u is given up: %s", (unsigned long long)guard->spec->instance, guard->spec->generation, why);
    for (int i = 0; i < SWEEP_MAX_MS / SWEEP_PERIOD_MS && process_reap(-1, false, &(struct process_end){0}) != PANTHER_ENOTFOUND; i++) {
        kill_descendants(guard);
        usleep(SWEEP_PERIOD_MS * 1000);
    }
    _exit(1);
}

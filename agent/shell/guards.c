#include "agent/shell/guards.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/shell/cgroup.h"
#include "agent/shell/guard_state.h"
#include "common/base/message.h"
#include "common/system/descriptors.h"
#include "common/system/file.h"
#include "common/system/log.h"

// A guard that was spawned answers within milliseconds; after this it is killed and reported.
#define START_MS 10000
// How long a guard without guard.pid is waited for.
#define LOOK_MS 2000
// How often a full outbox is looked at, or a spool that could not be opened.
#define READ_AGAIN_MS 20

struct key {
    uint64_t part[2];
};

static struct guard *find(const struct guards *guards, uint64_t instance, uint32_t generation)
{
    struct key key = {{instance, generation}};
    return map_get(guards->all, &key, sizeof key);
}

void guard_tell(const struct guard *guard, struct agent_input *input)
{
    input->instance = guard->instance;
    input->generation = guard->generation;
    reactor_later(guard->guards->reactor, input);
}

void guard_kill(struct guard *guard)
{
    if (guard->pidfd >= 0)
        process_signal(guard->pidfd, SIGKILL);
}

// ---- end

static void tell_gone(struct guard *guard)
{
    struct guards *guards = guard->guards;
    guard->stage = GUARD_GONE;
    guard_spool_close(guard);
    guards->callbacks.on_gone(guards->context, guard->instance, guard->generation);
    struct agent_input input = {.kind = AGENT_INPUT_GUARD_GONE};
    input.gone.rebooted = guard->rebooted;
    input.gone.why = arena_string(reactor_arena(guards->reactor), guard->why);
    guard_tell(guard, &input);
}

// The rest of a round's share at once; with a full outbox, when there may be room.
static void read_again(struct guard *guard)
{
    bool has_room = guard->reader && agent_core_event_room(reactor_core(guard->guards->reactor)) > 0;
    loop_timer_set(guard->timer, clock_boottime_ns() + (has_room ? 0 : READ_AGAIN_MS * NS_PER_MS));
}

// Without descriptors its files would seem not to be there: they are read when there are some again.
static void read_rest(struct guard *guard)
{
    if (!descriptors_have(DESCRIPTORS_TO_LOOK)) {
        loop_timer_set(guard->timer, clock_boottime_ns() + READ_AGAIN_MS * NS_PER_MS);
        return;
    }
    if (guard_spool_read(guard, UINT64_MAX))
        tell_gone(guard);
    else
        read_again(guard);
}

void guard_ended(struct guard *guard, const char *why)
{
    if (guard->stage == GUARD_READING_REST || guard->stage == GUARD_GONE)
        return;
    if (!guard->damaged && why != guard->why)
        snprintf(guard->why, sizeof guard->why, "%s", why);
    guard_link_free(&guard->link);
    loop_remove(&guard->end_source);
    guard->stage = GUARD_READING_REST;
    read_rest(guard);
}

static void on_child_ended(void *context, const struct process_end *end)
{
    struct guard *guard = context;
    char why[128];
    if (end->signal)
        snprintf(why, sizeof why, "its guard was killed by signal %d", end->signal);
    else
        snprintf(why, sizeof why, "its guard ended with status %d", end->status);
    guard_ended(guard, why);
}

// ---- link

static void read_on(struct guard *guard)
{
    if (!guard_spool_read(guard, guard->spool_limit))
        read_again(guard);
}

static void grown(struct guard *guard, uint64_t bytes)
{
    if (bytes > guard->spool_limit)
        guard->spool_limit = bytes;
    read_on(guard);
}

static void on_attached(void *context, const Pb__GuardState *state)
{
    struct guard *guard = context;
    guard->stage = GUARD_RUNNING;
    loop_timer_set(guard->timer, 0);
    struct agent_input input = {.kind = AGENT_INPUT_GUARD_ATTACHED, .instance = guard->instance, .generation = guard->generation};
    input.attached.state = state;
    reactor_feed(guard->guards->reactor, &input);
    grown(guard, state->spool_bytes);
}

static void tell_shell(const struct guard *guard, const Pb__ShellAnswer *answer)
{
    struct agent_input input = {.kind = AGENT_INPUT_SHELL};
    input.shell.answer = MESSAGE_COPY(answer, reactor_arena(guard->guards->reactor));
    guard_tell(guard, &input);
}

static void on_notice(void *context, const Pb__GuardNotice *notice)
{
    struct guard *guard = context;
    struct guards *guards = guard->guards;
    if (notice->body_case == PB__GUARD_NOTICE__BODY_SPOOL)
        grown(guard, notice->spool->bytes);
    else if (notice->body_case == PB__GUARD_NOTICE__BODY_STREAMS)
        guards->callbacks.on_streams(guards->context, guard->instance, guard->generation, notice->streams);
    else if (notice->body_case == PB__GUARD_NOTICE__BODY_SHELL)
        tell_shell(guard, notice->shell);
}

static void on_detached(void *context)
{
    struct guard *guard = context;
    struct agent_input input = {.kind = AGENT_INPUT_GUARD_DETACHED};
    guard_tell(guard, &input);
}

// A guard of another version cannot be worked with, but it must not be left alone either: its lease ends it.
static void on_refused(void *context, const char *why)
{
    const struct guard *guard = context;
    log_error("the guard of instance %llu.%u cannot be attached: %s", (unsigned long long)guard->instance, guard->generation, why);
}

void guard_connect(struct guard *guard)
{
    static const struct guard_link_callbacks callbacks = {on_attached, on_notice, on_detached, on_refused};
    struct guards *guards = guard->guards;
    guard->stage = GUARD_STARTING;
    guard->link = guard_link_new(guards->loop, guard->folder, guard->pid, guard->instance, guard->generation, guards->settings.agent,
                                 &callbacks, guard);
}

// ---- table

static void on_timer(void *context)
{
    struct guard *guard = context;
    switch (guard->stage) {
    case GUARD_LOOKING:
        guard_look(guard);
        break;
    case GUARD_STARTING:
        log_error("the guard of instance %llu.%u does not answer: killed", (unsigned long long)guard->instance, guard->generation);
        guard_kill(guard);
        break;
    case GUARD_RUNNING:
        read_on(guard);
        break;
    case GUARD_READING_REST:
        read_rest(guard);
        break;
    case GUARD_GONE:
        break;
    }
}

struct guard *guard_add(struct guards *guards, uint64_t instance, uint32_t generation, uint64_t spool_offset)
{
    struct guard *guard = NEW(struct guard);
    guard->guards = guards;
    guard->instance = instance;
    guard->generation = generation;
    guard->folder = folder_path(guards->settings.state, instance, generation);
    guard->pidfd = guard->spool_fd = -1;
    guard->spool_offset = spool_offset;
    guard->timer = loop_timer(guards->loop, on_timer, guard);
    struct key key = {{instance, generation}};
    map_put(guards->all, &key, sizeof key, guard);
    return guard;
}

static void guard_free(struct guard *guard)
{
    if (guard->is_child)
        children_forget(guard->guards->children, guard->pid);
    guard_link_free(&guard->link);
    loop_remove(&guard->end_source);
    loop_remove(&guard->timer);
    guard_spool_close(guard);
    if (guard->pidfd >= 0)
        close(guard->pidfd);
    free(guard->folder);
    free(guard);
}

struct guards *guards_new(struct loop *loop, struct reactor *reactor, struct children *children, const struct guards_settings *settings,
                          const struct guards_callbacks *callbacks, void *context)
{
    struct guards *guards = NEW(struct guards);
    guards->loop = loop;
    guards->reactor = reactor;
    guards->children = children;
    guards->settings = *settings;
    guards->callbacks = *callbacks;
    guards->context = context;
    guards->all = map_new();
    guards->removals = removals_new(loop);
    guards->arena = arena_new(0);
    boot_id(guards->boot_id);
    return guards;
}

void guards_free(struct guards **guards)
{
    if (!*guards)
        return;
    for (struct map_entry *e = map_first((*guards)->all); e; e = map_next((*guards)->all, e))
        guard_free(e->value);
    map_free(&(*guards)->all);
    removals_free(&(*guards)->removals);
    arena_free(&(*guards)->arena);
    free(*guards);
    *guards = NULL;
}

void guards_spawn(struct guards *guards, const Pb__GuardSpec *spec)
{
    struct panther_error error = {0};
    struct guard *guard = find(guards, spec->instance, spec->generation);
    if (!guard) // else it was looked for after a restart, and never spawned
        guard = guard_add(guards, spec->instance, spec->generation, 0);
    if (guard_spawn(guard, spec, &error) < 0) {
        struct agent_input input = {.kind = AGENT_INPUT_NOT_SPAWNED};
        input.gone.why = arena_string(reactor_arena(guards->reactor), error.message);
        guard_tell(guard, &input);
        return;
    }
    guard->is_child = true;
    children_watch(guards->children, guard->pid, on_child_ended, guard);
    guards->callbacks.on_instance(guards->context, guard->instance, guard->generation, guard->folder);
    guard_connect(guard);
    loop_timer_set(guard->timer, clock_boottime_ns() + START_MS * NS_PER_MS);
}

void guards_adopt(struct guards *guards, const struct agent_row *row)
{
    struct guard *guard = guard_add(guards, row->instance, row->generation, row->spool_offset);
    guard->stage = GUARD_LOOKING;
    guard->give_up_ns = clock_boottime_ns() + LOOK_MS * NS_PER_MS;
    loop_timer_set(guard->timer, clock_boottime_ns());
    if (!folder_has(guard->folder, "spec"))
        return;
    guards->callbacks.on_instance(guards->context, guard->instance, guard->generation, guard->folder);
    guard_spool_replay(guard);
}

// A judge reads files of the services that it judges: where those are that this host has, only we know.
static void send_with_folders(const struct guards *guards, const struct guard *judge, const Pb__GuardRequest *request)
{
    struct arena *arena = arena_new(0);
    Pb__GuardRequest *copy = MESSAGE_COPY(request, arena);
    const Pb__RunCase *run_case = copy->command->run_case;
    for (size_t i = 0; i < run_case->n_peers; i++) {
        Pb__Peer *peer = run_case->peers[i]->peer;
        const struct guard *guard = find(guards, peer->instance, peer->generation);
        peer->folder = guard ? arena_printf(arena, "%s/work", guard->folder) : arena_string(arena, "");
    }
    guard_link_send(judge->link, copy);
    arena_free(&arena);
}

void guards_send(struct guards *guards, uint64_t instance, uint32_t generation, const Pb__GuardRequest *request)
{
    const struct guard *guard = find(guards, instance, generation);
    if (!guard || !guard->link)
        return;
    const Pb__Command *command = request->body_case == PB__GUARD_REQUEST__BODY_COMMAND ? request->command : NULL;
    if (command && command->body_case == PB__COMMAND__BODY_RUN_CASE && command->run_case->n_peers > 0)
        send_with_folders(guards, guard, request);
    else
        guard_link_send(guard->link, request);
}

void guards_each(const struct guards *guards, guard_each_fn *callback, void *context)
{
    for (struct map_entry *e = map_first(guards->all); e; e = map_next(guards->all, e)) {
        const struct guard *guard = e->value;
        if (guard->pid > 0)
            callback(context, guard->pid, guard->instance, guard->generation);
    }
}

void guards_kill(struct guards *guards, uint64_t instance, uint32_t generation)
{
    struct guard *guard = find(guards, instance, generation);
    if (guard)
        guard_kill(guard);
}

void guards_forget(struct guards *guards, uint64_t instance, uint32_t generation)
{
    struct key key = {{instance, generation}};
    struct guard *guard = map_remove(guards->all, &key, sizeof key);
    CLEANUP_FREE char *folder = folder_path(guards->settings.state, instance, generation);
    CLEANUP_FREE char *cgroup = guards->settings.cgroup ? cgroup_of(guards->settings.cgroup, instance, generation) : NULL;
    if (guard)
        guard_free(guard);
    removals_add(guards->removals, folder, cgroup);
}

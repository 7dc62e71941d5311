// Reading a guard's spool from its own offset: in one way for a live guard, one that was adopted, and a dead one.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/shell/guard_state.h"
#include "common/system/file.h"
#include "common/system/log.h"

static bool open_spool(struct guard *guard)
{
    if (guard->reader)
        return true;
    CLEANUP_FREE char *path = path_join(guard->folder, "spool");
    guard->spool_fd = open(path, O_RDONLY | O_CLOEXEC);
    if (guard->spool_fd < 0)
        return false;
    guard->reader = spool_reader_new(guard->spool_fd, guard->spool_offset);
    return true;
}

void guard_spool_close(struct guard *guard)
{
    spool_reader_free(&guard->reader);
    if (guard->spool_fd >= 0)
        close(guard->spool_fd);
    guard->spool_fd = -1;
}

static void damaged(struct guard *guard, const char *why)
{
    log_error("the spool of instance %llu.%u is damaged: %s", (unsigned long long)guard->instance, guard->generation, why);
    snprintf(guard->why, sizeof guard->why, "its spool is damaged: %.200s", why);
    guard->damaged = true;
    guard_kill(guard);
}

// Returns false when the record is no event: it is skipped, its sequence will be missing.
static bool take(struct guard *guard, const void *payload, size_t bytes, struct agent_spooled *spooled)
{
    struct panther_error error = {0};
    struct arena *arena = reactor_arena(guard->guards->reactor);
    spooled->event = wire_event(payload, bytes, guard->guards->arena, &error);
    if (!spooled->event) {
        log_error("an event of instance %llu.%u is refused: %s", (unsigned long long)guard->instance, guard->generation, error.message);
        return false;
    }
    void *copy = arena_allocate(arena, bytes);
    memcpy(copy, payload, bytes);
    spooled->packed = copy;
    spooled->bytes = bytes;
    return true;
}

static void feed(struct guard *guard, const struct agent_spooled *events, size_t count)
{
    struct guards *guards = guard->guards;
    struct agent_input input = {.kind = AGENT_INPUT_SPOOL, .instance = guard->instance, .generation = guard->generation};
    input.spool.events = events;
    input.spool.count = count;
    input.spool.offset = guard->spool_offset = spool_reader_offset(guard->reader);
    reactor_feed(guards->reactor, &input);
    for (size_t i = 0; i < count; i++)
        guards->callbacks.on_event(guards->context, guard->instance, guard->generation, events[i].event);
}

static bool read_group(struct guard *guard, uint64_t limit, size_t room)
{
    struct agent_spooled events[EVENTS_PER_FRAME_MAX];
    struct panther_error error = {0};
    size_t count = 0, records = 0;
    int result = 1;
    arena_reset(guard->guards->arena);
    while (records < room && result == 1) {
        const void *payload;
        size_t bytes;
        result = spool_next(guard->reader, limit, &payload, &bytes, &error);
        if (result == 1) {
            records++;
            count += take(guard, payload, bytes, &events[count]);
        }
    }
    if (records > 0)
        feed(guard, events, count);
    if (result < 0)
        damaged(guard, error.message);
    return result != 1; // at the end, or of no more use
}

bool guard_spool_read(struct guard *guard, uint64_t limit)
{
    if (guard->damaged)
        return true;
    if (!open_spool(guard))
        return errno == ENOENT; // it never observed anything; else too many files are open, and it is tried again
    size_t room = agent_core_event_room(reactor_core(guard->guards->reactor));
    if (room == 0)
        return false;
    return read_group(guard, limit, room < EVENTS_PER_FRAME_MAX ? room : EVENTS_PER_FRAME_MAX);
}

void guard_spool_replay(struct guard *guard)
{
    struct guards *guards = guard->guards;
    CLEANUP_FREE char *path = path_join(guard->folder, "spool");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    struct spool_reader *reader = spool_reader_new(fd, 0);
    const void *payload;
    size_t bytes;
    while (spool_next(reader, guard->spool_offset, &payload, &bytes, NULL) == 1) {
        arena_reset(guards->arena);
        const Pb__Event *event = wire_event(payload, bytes, guards->arena, NULL);
        if (event)
            guards->callbacks.on_event(guards->context, guard->instance, guard->generation, event);
    }
    spool_reader_free(&reader);
    close(fd);
}

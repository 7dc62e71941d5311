// A link that blocks: the loop runs until what was waited for is there.
#include "common/bus/call_line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "common/base/memory.h"

#define NANOSECONDS_PER_MILLISECOND UINT64_C(1000000)

static uint8_t *copy_bytes(const void *data, size_t bytes)
{
    uint8_t *copy = memory_new(bytes + 1);
    if (bytes)
        memcpy(copy, data, bytes);
    return copy;
}

static void on_up(void *context)
{
    struct call_line *line = context;
    line->up = true;
}

static void on_message(void *context, const uint8_t *data, size_t bytes, const uint8_t *payload, size_t payload_bytes)
{
    struct call_line *line = context;
    struct call_frame *frame = NEW(struct call_frame);
    frame->data = copy_bytes(data, bytes);
    frame->bytes = bytes;
    frame->payload = copy_bytes(payload, payload_bytes);
    frame->payload_bytes = payload_bytes;
    *(line->last ? &line->last->next : &line->first) = frame;
    line->last = frame;
}

static void on_lost(void *context, const char *why)
{
    struct call_line *line = context;
    snprintf(line->lost, sizeof line->lost, "%s", why);
}

static const struct bus_link_callbacks callbacks = {.on_up = on_up, .on_message = on_message, .on_lost = on_lost};

void call_frame_free(struct call_frame **frame)
{
    if (!*frame)
        return;
    free((*frame)->data);
    free((*frame)->payload);
    free(*frame);
    *frame = NULL;
}

uint64_t call_deadline_ns(const struct call_target *target)
{
    return clock_boottime_ns() + target->timeout_ms * NANOSECONDS_PER_MILLISECOND;
}

static bool is_settled(const struct call_line *line)
{
    return line->up || line->lost[0];
}

static bool has_news(const struct call_line *line)
{
    return line->first || line->lost[0];
}

// Returns false at the deadline, but not before it has looked: after a pause of this process the reply may be there already.
static bool run_until(struct call_line *line, struct loop *loop, bool (*done)(const struct call_line *line), uint64_t deadline_ns)
{
    bool late = false;
    while (!done(line) && !late) {
        uint64_t now_ns = clock_boottime_ns();
        late = now_ns >= deadline_ns;
        loop_run_once(loop, late ? 0 : (int)((deadline_ns - now_ns) / NANOSECONDS_PER_MILLISECOND) + 1);
    }
    return done(line);
}

int call_line_open(struct call_line *line, const struct call_target *target, struct panther_error *error)
{
    if (line->link)
        loop_run_once(target->loop, 0); // a loss since the last call is noticed now
    if (bus_link_is_up(line->link))
        return 0;
    call_line_close(line);
    struct bus_link_options options = {.endpoint = target->endpoint,
                                       .server_key = target->peer->server_key,
                                       .secret_key = target->peer->secret_key,
                                       .connect_timeout_ms = target->timeout_ms};
    int result = bus_link_new(&line->link, target->loop, &options, &callbacks, line, error);
    if (result)
        return result;
    // The link has the same timeout and says more about it, so it goes first.
    run_until(line, target->loop, is_settled, call_deadline_ns(target) + NANOSECONDS_PER_MILLISECOND);
    if (line->up)
        return 0;
    result = error_set(error, PANTHER_EUNAVAILABLE, "%s", line->lost[0] ? line->lost : "no answer");
    call_line_close(line);
    return result;
}

void call_line_close(struct call_line *line)
{
    bus_link_free(&line->link);
    while (line->first) {
        struct call_frame *frame = line->first;
        line->first = frame->next;
        call_frame_free(&frame);
    }
    *line = (struct call_line){0};
}

int call_line_send(struct call_line *line, const void *data, size_t bytes, const void *payload, size_t payload_bytes,
                   struct panther_error *error)
{
    int result = bus_link_send(line->link, data, bytes, payload, payload_bytes);
    if (result == PANTHER_EINVALID)
        return error_set(error, result, "the message is too long (%zu and %zu bytes)", bytes, payload_bytes);
    if (result) {
        result = error_set(error, result, "%s", line->lost[0] ? line->lost : "the connection takes nothing");
        call_line_close(line); // the next call opens it anew
    }
    return result;
}

static struct call_frame *take_first(struct call_line *line)
{
    struct call_frame *frame = line->first;
    line->first = frame->next;
    if (!line->first)
        line->last = NULL;
    return frame;
}

int call_line_wait(struct call_line *line, const struct call_target *target, uint64_t deadline_ns, struct call_frame **frame,
                   struct panther_error *error)
{
    if (!run_until(line, target->loop, has_news, deadline_ns))
        return error_set(error, PANTHER_ETIMEOUT, "%s: no reply within %u ms", target->endpoint, (unsigned)target->timeout_ms);
    if (!line->first)
        return error_set(error, PANTHER_EUNAVAILABLE, "%s", line->lost);
    *frame = take_first(line);
    return 0;
}

static void on_readable(void *context, int fd, uint32_t events)
{
    bool *is_readable = context;
    (void)fd, (void)events;
    *is_readable = true;
}

int call_line_wait_beside(struct call_line *line, struct loop *loop, int fd, uint64_t deadline_ns, struct call_frame **frame,
                          struct panther_error *error)
{
    bool is_readable = false;
    struct loop_source *source = fd >= 0 ? loop_watch(loop, fd, EPOLLIN, on_readable, &is_readable) : NULL;
    uint64_t now_ns;
    while (!has_news(line) && !is_readable && (now_ns = clock_boottime_ns()) < deadline_ns)
        loop_run_once(loop, (int)((deadline_ns - now_ns) / NANOSECONDS_PER_MILLISECOND) + 1);
    loop_remove(&source);
    *frame = line->first ? take_first(line) : NULL;
    return *frame || !line->lost[0] ? 0 : error_set(error, PANTHER_EUNAVAILABLE, "%s", line->lost);
}

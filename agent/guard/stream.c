// One stream. Files are written through the page cache; each is synced before its StreamEnd says that it is complete.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "agent/guard/events.h"
#include "agent/guard/printable.h"
#include "agent/guard/streams_state.h"
#include "common/base/memory.h"
#include "common/base/units.h"
#include "common/system/loop.h"
#include "common/wire/wire.h"

#define STREAMS_FOLDER "streams"
// Reads of one stream in one round, so that a flood on one pipe leaves the others their turn.
#define READS_PER_ROUND_MAX 8
// Between two looks at the disk of one stream.
#define SPACE_LOOK_BYTES (256 * 1024)
// A pipe holds 64 KiB, at most 1 MiB when its owner asked for more.
#define DRAIN_READS_MAX 64

// ---- its bytes

static void tell_gap(struct stream *stream, const char *reason)
{
    Pb__Gap gap;
    pb__gap__init(&gap);
    CLEANUP_FREE char *text = memory_string(reason);
    gap.stream = stream->name;
    gap.offset = stream->kept;
    gap.bytes = stream->length - stream->kept;
    gap.reason = text;
    EVENT_ADD(stream->streams->events, GAP, gap, &gap);
}

// What is kept is always a prefix: once something was not kept, nothing after it is.
static void stop_keeping(struct stream *stream, const char *reason)
{
    stream->full = true;
    tell_gap(stream, reason);
}

// Looked at now and then: what all streams of a host write between two looks is far below the reserve.
static bool disk_is_short(struct stream *stream)
{
    struct space *space = &stream->streams->space;
    if (stream->kept < stream->looked + SPACE_LOOK_BYTES && stream->kept > 0)
        return space->level >= SPACE_NO_LOGS;
    stream->looked = stream->kept;
    space_look(space, ".");
    return space->level >= SPACE_NO_LOGS;
}

static void keep(struct stream *stream, const char *data, size_t bytes)
{
    if (disk_is_short(stream)) {
        char why[160];
        space_why(&stream->streams->space, why, sizeof why);
        stop_keeping(stream, why);
        return;
    }
    uint64_t room = stream->streams->limit - stream->kept;
    size_t wanted = bytes < room ? bytes : (size_t)room;
    while (wanted > 0 && !stream->full) {
        ssize_t put = write(stream->file, data, wanted);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0) {
            stop_keeping(stream, strerror(errno));
            return;
        }
        stream->kept += (uint64_t)put;
        data += put;
        wanted -= (size_t)put;
        bytes -= (size_t)put;
    }
    if (bytes > 0 && !stream->full) {
        char limit[32], reason[80];
        size_format(stream->streams->limit, limit, sizeof limit);
        snprintf(reason, sizeof reason, "over the limit of %s a stream", limit);
        stop_keeping(stream, reason);
    }
}

static void remember_tail(struct stream *stream, const char *data, size_t bytes)
{
    if (bytes >= STREAM_TAIL_BYTES) {
        memcpy(stream->tail, data + bytes - STREAM_TAIL_BYTES, STREAM_TAIL_BYTES);
        stream->tail_bytes = STREAM_TAIL_BYTES;
        return;
    }
    if (stream->tail_bytes + bytes > sizeof stream->tail) {
        memmove(stream->tail, stream->tail + stream->tail_bytes - STREAM_TAIL_BYTES, STREAM_TAIL_BYTES);
        stream->tail_bytes = STREAM_TAIL_BYTES;
    }
    memcpy(stream->tail + stream->tail_bytes, data, bytes);
    stream->tail_bytes += bytes;
}

static void compare_line(void *context, const char *line, size_t bytes, uint64_t offset)
{
    struct stream *stream = context;
    rule_matches_line(stream->matches, line, bytes, offset);
}

// Nobody wants the lines: only the unfinished one is followed, so that a later watch starts at a line's beginning.
static void skip_lines(struct stream *stream, const char *data, size_t bytes)
{
    const char *newline = memrchr(data, '\n', bytes);
    if (newline) {
        size_t skipped = (size_t)(newline - data) + 1;
        stream->lines.offset += stream->lines.bytes + skipped;
        stream->lines.bytes = 0;
        data += skipped;
        bytes -= skipped;
    }
    lines_add(&stream->lines, data, bytes, compare_line, stream);
}

void stream_write(struct stream *stream, const void *data, size_t bytes)
{
    struct streams *streams = stream->streams;
    stream->length += bytes;
    read_times_add(&stream->times, clock_boottime_ns(), bytes);
    hasher_add(stream->hasher, data, bytes);
    if (!stream->full)
        keep(stream, data, bytes);
    remember_tail(stream, data, bytes);
    if (rule_matches_are_wanted(stream->matches))
        lines_add(&stream->lines, data, bytes, compare_line, stream);
    else
        skip_lines(stream, data, bytes);
    if (stream->copies)
        streams->callbacks.output(streams->context, stream->process, stream->name, data, bytes);
    if (stream->kept != stream->reported)
        streams->callbacks.grown(streams->context);
}

static const char *level_name(uint32_t level)
{
    static const char *const names[] = {"debug", "info", "warning", "error"};
    return names[level < 4 ? level : 3];
}

void stream_log(struct stream *stream, uint32_t level, const char *text)
{
    int64_t now_ns = clock_wall_ns();
    time_t seconds = (time_t)(now_ns / 1000000000);
    struct tm parts;
    char when[32];
    gmtime_r(&seconds, &parts);
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &parts);
    CLEANUP_FREE char *line = memory_printf("%s.%03dZ %s %s\n", when, (int)(now_ns / 1000000 % 1000), level_name(level), text);
    stream_write(stream, line, strlen(line));
}

// From the first whole line of what is remembered.
char *stream_tail(const struct stream *stream)
{
    const char *from = stream->tail;
    size_t bytes = stream->tail_bytes;
    if (bytes > STREAM_TAIL_BYTES) {
        from += bytes - STREAM_TAIL_BYTES;
        bytes = STREAM_TAIL_BYTES;
    }
    const char *newline = stream->length > bytes ? memchr(from, '\n', bytes) : NULL;
    if (newline && newline + 1 < from + bytes) {
        bytes -= (size_t)(newline + 1 - from);
        from = newline + 1;
    }
    return printable(from, bytes, STREAM_TAIL_BYTES);
}

// ---- from open to end

static struct stream *open_with(struct streams *streams, const char *name, uint32_t process, struct rule_matches *matches)
{
    struct stream *stream = NEW(struct stream);
    CLEANUP_FREE char *path = memory_printf(STREAMS_FOLDER "/%s", name);
    stream->streams = streams;
    stream->name = memory_string(name);
    stream->process = process;
    stream->pipe = -1;
    stream->hasher = hasher_new();
    stream->matches = matches;
    stream->file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    stream->next = streams->first;
    if (streams->first)
        streams->first->previous = stream;
    streams->first = stream;
    if (stream->file < 0)
        stop_keeping(stream, strerror(errno));
    return stream;
}

struct stream *stream_open(struct streams *streams, const char *name, uint32_t process)
{
    return open_with(streams, name, process, rule_matches_new(streams->rules, name, process));
}

struct stream *stream_open_apart(struct streams *streams, const char *name)
{
    return open_with(streams, name, 0, rule_matches_none(streams->rules, name));
}

const char *stream_name(const struct stream *stream)
{
    return stream->name;
}

static void unlink_stream(struct stream *stream)
{
    if (stream->previous)
        stream->previous->next = stream->next;
    else
        stream->streams->first = stream->next;
    if (stream->next)
        stream->next->previous = stream->previous;
}

void stream_free(struct stream *stream)
{
    unlink_stream(stream);
    loop_remove(&stream->source);
    if (stream->pipe >= 0)
        close(stream->pipe);
    if (stream->file >= 0)
        close(stream->file);
    hasher_end(&stream->hasher, NULL);
    free(stream->name);
    free(stream);
}

static void tell_end(struct stream *stream)
{
    char hash[HASH_TEXT_BYTES];
    uint64_t times[3 * READ_TIMES_MAX];
    Pb__StreamEnd end;
    pb__stream_end__init(&end);
    hasher_peek(stream->hasher, hash);
    end.stream = stream->name;
    end.length_bytes = stream->length;
    end.hash = hash;
    end.dropped_bytes = stream->length - stream->kept;
    end.read_times = times;
    end.n_read_times = read_times_numbers(&stream->times, times);
    EVENT_ADD(stream->streams->events, STREAM_END, stream_end, &end);
}

void stream_end(struct stream *stream, const char *why)
{
    struct streams *streams = stream->streams;
    loop_remove(&stream->source);
    lines_end(&stream->lines, compare_line, stream);
    rule_matches_end(&stream->matches);
    if (why)
        tell_gap(stream, why);
    if (stream->kept > 0 && fdatasync(stream->file) < 0)
        tell_gap(stream, strerror(errno));
    tell_end(stream);
    APPEND(streams->ended, streams->ended_count, streams->ended_capacity) =
        (struct ended_stream){memory_string(stream->name), stream->kept};
    streams->callbacks.grown(streams->context);
    if (stream->ended)
        stream->ended(stream->context, stream);
    stream_free(stream);
}

// ---- pipes

// 1: read something, 0: nothing there now, -1: at its end (the stream is freed).
static int read_once(struct stream *stream)
{
    static char buffer[STREAM_READ_BYTES + BUFFER_END_BYTES];
    ssize_t got;
    do
        got = read(stream->pipe, buffer, STREAM_READ_BYTES);
    while (got < 0 && errno == EINTR);
    if (got > 0) {
        stream_write(stream, buffer, (size_t)got);
        return 1;
    }
    if (got < 0 && errno == EAGAIN)
        return 0;
    stream_end(stream, NULL);
    return -1;
}

static void pipe_ready(void *context, int fd, uint32_t events)
{
    (void)fd, (void)events;
    struct stream *stream = context;
    // stream->source goes away when the output callback pauses us in the middle.
    for (int i = 0; i < READS_PER_ROUND_MAX && stream->source; i++)
        if (read_once(stream) <= 0)
            return;
}

void stream_drain(struct stream *stream)
{
    for (int i = 0; i < DRAIN_READS_MAX && stream->pipe >= 0; i++)
        if (read_once(stream) <= 0)
            return;
}

// A paused pipe is taken out of the loop: with no events asked for, epoll would still report its hang-up, over and over.
void stream_update_watch(struct stream *stream)
{
    const struct streams *streams = stream->streams;
    bool paused = streams->paused || (stream->copies && streams->copies_paused);
    if (stream->pipe < 0)
        return;
    if (paused)
        loop_remove(&stream->source);
    else if (!stream->source)
        stream->source = loop_watch(streams->loop, stream->pipe, EPOLLIN, pipe_ready, stream);
}

void stream_read_from(struct stream *stream, int fd, bool copies, stream_ended_fn *ended, void *context)
{
    INVARIANT(stream->pipe < 0);
    if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
        PANIC("fcntl(O_NONBLOCK) of a pipe: %s", strerror(errno));
    stream->pipe = fd;
    stream->copies = copies;
    stream->ended = ended;
    stream->context = context;
    stream_update_watch(stream);
}

// All streams of the instance: rules and watches over them, what of them was reported, when they are not read.
#include "agent/guard/streams.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/guard/streams_state.h"
#include "common/base/memory.h"

// When the experiment does not say: a talkative server at debug level for an hour.
#define DEFAULT_LIMIT_BYTES (64ULL * 1024 * 1024)
// What a new watch looks at of what was printed before it.
#define OLD_LINES_MAX_BYTES (1024 * 1024)

int streams_new(struct streams **out, struct loop *loop, struct events *events, const Pb__GuardSpec *spec,
                const struct streams_callbacks *callbacks, void *context, struct panther_error *error)
{
    struct rules *rules;
    int problem = rules_new(&rules, spec, events, callbacks->line_seen, context, error);
    if (problem < 0)
        return problem;
    struct streams *streams = NEW(struct streams);
    *streams = (struct streams){.loop = loop, .events = events, .rules = rules, .callbacks = *callbacks, .context = context};
    streams->space.reserve_bytes = spec->reserve_bytes;
    streams->limit = spec->stream_limit_bytes ? spec->stream_limit_bytes : DEFAULT_LIMIT_BYTES;
    *out = streams;
    return 0;
}

void streams_pause(struct streams *streams, bool paused)
{
    if (streams->paused == paused)
        return;
    streams->paused = paused;
    for (struct stream *stream = streams->first; stream; stream = stream->next)
        stream_update_watch(stream);
}

void streams_pause_copies(struct streams *streams, bool paused)
{
    if (streams->copies_paused == paused)
        return;
    streams->copies_paused = paused;
    for (struct stream *stream = streams->first; stream; stream = stream->next)
        stream_update_watch(stream);
}

// ---- watches and reports

static void compare_old_line(void *context, const char *line, size_t bytes, uint64_t offset)
{
    struct stream *stream = context;
    if (offset < stream->lines.offset) // the unfinished one comes again when it is finished
        rule_matches_old_line(stream->matches, line, bytes);
}

static void compare_old_lines(struct stream *stream)
{
    static char buffer[STREAM_READ_BYTES + BUFFER_END_BYTES];
    struct lines lines = {0};
    if (stream->file < 0)
        return;
    for (uint64_t offset = 0; offset < stream->kept && offset < OLD_LINES_MAX_BYTES;) {
        ssize_t got = pread(stream->file, buffer, STREAM_READ_BYTES, (off_t)offset);
        if (got <= 0)
            return;
        lines_add(&lines, buffer, (size_t)got, compare_old_line, stream);
        offset += (uint64_t)got;
    }
}

int streams_watch(struct streams *streams, const Pb__WatchLine *watch, struct panther_error *error)
{
    int problem = rules_add_watch(streams->rules, watch, error);
    if (problem < 0)
        return problem;
    for (struct stream *stream = streams->first; stream; stream = stream->next)
        compare_old_lines(stream);
    return 0;
}

static void add_size(Pb__StreamsGrown *report, struct arena *arena, const char *name, uint64_t bytes, bool ended)
{
    Pb__StreamSize *size = ARENA_NEW(arena, Pb__StreamSize);
    pb__stream_size__init(size);
    size->stream = arena_string(arena, name);
    size->bytes = bytes;
    size->ended = ended;
    report->streams[report->n_streams++] = size;
}

static size_t report_ended(struct streams *streams, size_t max, Pb__StreamsGrown *report, struct arena *arena)
{
    size_t count = streams->ended_count < max ? streams->ended_count : max;
    for (size_t i = 0; i < count; i++) {
        add_size(report, arena, streams->ended[i].name, streams->ended[i].kept, true);
        free(streams->ended[i].name);
    }
    streams->ended_count -= count;
    if (count > 0)
        memmove(streams->ended, streams->ended + count, streams->ended_count * sizeof *streams->ended);
    return count;
}

void streams_forget_reports(struct streams *streams)
{
    for (struct stream *stream = streams->first; stream; stream = stream->next)
        stream->reported = UINT64_MAX;
}

bool streams_report(struct streams *streams, size_t max, Pb__StreamsGrown *report, struct arena *arena)
{
    report->streams = ARENA_ARRAY(arena, Pb__StreamSize *, max);
    report->n_streams = 0;
    report_ended(streams, max, report, arena);
    for (struct stream *stream = streams->first; stream; stream = stream->next) {
        if (stream->kept == stream->reported)
            continue;
        if (report->n_streams == max)
            return true;
        add_size(report, arena, stream->name, stream->kept, false);
        stream->reported = stream->kept;
    }
    return streams->ended_count > 0;
}

void streams_free(struct streams **pointer)
{
    struct streams *streams = *pointer;
    if (!streams)
        return;
    while (streams->first) {
        rule_matches_end(&streams->first->matches);
        stream_free(streams->first);
    }
    for (size_t i = 0; i < streams->ended_count; i++)
        free(streams->ended[i].name);
    free(streams->ended);
    rules_free(&streams->rules);
    free(streams);
    *pointer = NULL;
}

// Lines of streams: the guard said which bytes it read when.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/units.h"
#include "coordinator/report/readable.h"
#include "coordinator/report/timeline_observed.h"

#define NS_PER_US INT64_C(1000)
// A host that runs for longer is none: a hundred years.
#define BOOTTIME_MAX_US (UINT64_C(100) * 365 * 24 * 3600 * 1000000)

// Bytes from begin to end of the stream were read between two times of the host's clock.
struct part {
    uint64_t begin, end;
    int64_t first_us, last_us;
};

struct cursor {
    const char *times;
    struct part part;
};

static bool read_number(const char **text, uint64_t *value)
{
    char *end;
    *text += strspn(*text, " ");
    if (**text < '0' || **text > '9') {
        return false;
    }
    *value = strtoull(*text, &end, 10);
    *text = end;
    return true;
}

static bool next_part(struct cursor *cursor)
{
    uint64_t bytes, gap_us, span_us;
    if (!read_number(&cursor->times, &bytes) || !read_number(&cursor->times, &gap_us) || !read_number(&cursor->times, &span_us)) {
        return false;
    }
    struct part *part = &cursor->part;
    uint64_t last_us = (uint64_t)part->last_us;
    if (bytes > UINT64_MAX - part->end || gap_us > BOOTTIME_MAX_US - last_us || span_us > BOOTTIME_MAX_US - last_us - gap_us) {
        cursor->times = ""; // no part after it has a place
        return false;
    }
    *part = (struct part){.begin = part->end,
                          .end = part->end + bytes,
                          .first_us = (int64_t)(last_us + gap_us),
                          .last_us = (int64_t)(last_us + gap_us + span_us)};
    return true;
}

// A line was there when its last byte was. Parts that were gathered say between which times; the place within them is a guess.
static bool time_of(struct cursor *cursor, uint64_t offset, struct timeline_observation *line)
{
    while (offset >= cursor->part.end) {
        if (!next_part(cursor)) {
            return false;
        }
    }
    const struct part *part = &cursor->part;
    double share = (double)(offset - part->begin) / (double)(part->end - part->begin);
    int64_t span_us = part->last_us - part->first_us;
    line->time_ns = (part->first_us + (int64_t)(share * (double)span_us)) * NS_PER_US;
    line->error_ns = (uint64_t)(span_us + 1) * NS_PER_US;
    return true;
}

void timeline_add_log(struct timeline *timeline, const struct timeline_origin *stream, const char *times, const char *data, size_t bytes,
                      size_t *room)
{
    struct cursor cursor = {.times = times ? times : ""};
    char text[TIMELINE_TEXT_MAX_BYTES];
    for (size_t begin = 0; begin < bytes;) {
        const char *newline = memchr(data + begin, '\n', bytes - begin);
        size_t length = newline ? (size_t)(newline - data) - begin : bytes - begin;
        struct timeline_observation line = {
            .source = TIMELINE_LOGS, .agent = stream->agent, .service = stream->service, .kind = stream->name, .text = text};
        if (*room == 0) {
            timeline->left_out[TIMELINE_LOGS]++;
        } else if (!time_of(&cursor, begin + length - (newline ? 0 : 1), &line)) {
            timeline->unplaced[TIMELINE_LOGS]++;
        } else {
            snprintf(text, sizeof text, "%.*s", (int)(length < sizeof text ? length : sizeof text - 1), data + begin);
            timeline_add(timeline, &line);
            --*room;
        }
        begin += length + 1;
    }
}

// See lines.h. Whole lines are handed on where they lie; only unfinished ones are copied.
#include "agent/guard/lines.h"

#include <string.h>

static void hand_on(struct lines *lines, const char *line, size_t bytes, size_t consumed, line_fn *each, void *context)
{
    each(context, line, bytes, lines->offset);
    lines->offset += consumed;
    lines->bytes = 0;
}

// Completes the unfinished line; returns how much of the data it took.
static size_t complete(struct lines *lines, const char *data, size_t bytes, line_fn *each, void *context)
{
    const char *newline = memchr(data, '\n', bytes);
    size_t wanted = newline ? (size_t)(newline - data) : bytes, room = LINE_MAX_BYTES - lines->bytes;
    size_t taken = wanted < room ? wanted : room;
    memcpy(lines->unfinished + lines->bytes, data, taken);
    lines->bytes += taken;
    if (newline && taken == wanted)
        hand_on(lines, lines->unfinished, lines->bytes, lines->bytes + 1, each, context);
    else if (lines->bytes == LINE_MAX_BYTES)
        hand_on(lines, lines->unfinished, lines->bytes, lines->bytes, each, context);
    return newline && taken == wanted ? taken + 1 : taken;
}

void lines_add(struct lines *lines, const char *data, size_t bytes, line_fn *each, void *context)
{
    while (bytes > 0) {
        const char *newline = lines->bytes == 0 ? memchr(data, '\n', bytes) : NULL;
        size_t length = newline ? (size_t)(newline - data) : 0, taken;
        if (newline && length <= LINE_MAX_BYTES) {
            hand_on(lines, data, length, length + 1, each, context);
            taken = length + 1;
        } else {
            taken = complete(lines, data, bytes, each, context);
        }
        data += taken;
        bytes -= taken;
    }
}

void lines_end(struct lines *lines, line_fn *each, void *context)
{
    if (lines->bytes > 0)
        hand_on(lines, lines->unfinished, lines->bytes, lines->bytes, each, context);
}

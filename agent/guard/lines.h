// Cuts a stream of bytes into lines. A line longer than LINE_MAX_BYTES comes in pieces.
#ifndef PANTHER_AGENT_GUARD_LINES_H
#define PANTHER_AGENT_GUARD_LINES_H

#include <stddef.h>
#include <stdint.h>

// What is compared with patterns at once: longer than what programs print for people, short for a regular expression.
#define LINE_MAX_BYTES 8192

// Behind every buffer that lines are read from: patterns are compared by offsets and need no end, but a sanitizer's regexec() does not know
// of REG_STARTEND and looks for one.
#define BUFFER_END_BYTES 1

struct lines {
    uint64_t offset; // of the unfinished line
    size_t bytes;    // of it that are here
    char unfinished[LINE_MAX_BYTES + BUFFER_END_BYTES];
};

// offset: where the line begins in the stream. Without its newline.
typedef void line_fn(void *context, const char *line, size_t bytes, uint64_t offset);
void lines_add(struct lines *lines, const char *data, size_t bytes, line_fn *each, void *context);
void lines_end(struct lines *lines, line_fn *each, void *context); // the last one may lack its newline

#endif

// Text in memory, line by line: what all parsers of tools' output read by. The text need not end with NUL.
#ifndef PANTHER_AGENT_ENVIRONMENT_EXECUTION_LINES_H
#define PANTHER_AGENT_ENVIRONMENT_EXECUTION_LINES_H

#include <stdbool.h>
#include <stddef.h>

// Longer lines of a tool are cut: a function's name and its arguments.
#define LINE_MAX_BYTES 1024

struct line_reader {
    const char *at, *end;
    char line[LINE_MAX_BYTES]; // without its end, NUL-terminated, blanks in front are kept
    bool whole;                // the last line given had its newline
};

static inline struct line_reader line_reader(const char *text, size_t bytes)
{
    return (struct line_reader){.at = text, .end = text + bytes};
}
bool line_next(struct line_reader *reader);
const char *line_past(const char *line, const char *beginning); // what stands behind it; NULL: it does not begin so
const char *line_words(const char *line);                       // past the blanks in front

#endif

// How the bytes of streams are printed: raw into a pipe, readable on a terminal, with the stream's name in front of each line when there
// are several, or a JSON object per line.
#ifndef PANTHER_COORDINATOR_CLI_LOG_LINES_H
#define PANTHER_COORDINATOR_CLI_LOG_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/memory.h"
#include "coordinator/report/value.h"

// A line that is longer is printed in pieces: a program may print gigabytes without a newline.
#define LOG_LINE_MAX_BYTES (64 * 1024)

struct log_lines {
    enum report_format format; // REPORT_JSON: one array, REPORT_JSONL: objects
    bool prefixed, colour, terminal;
    bool any; // a JSON object was printed
};
void log_lines_begin(struct log_lines *lines, enum report_format format, bool colour);
// rest: what of the stream's last line has come so far. Whole lines are printed, so that those of two streams do not mix.
void log_lines_print(struct log_lines *lines, const char *name, struct text *rest, const void *data, size_t bytes);
// A whole line of a stream that is followed, with where and when it was printed.
struct log_origin {
    const char *name, *host; // host: NULL: not told
    int64_t time_ns;         // on the coordinator's boottime; 0: not known
};
void log_lines_one(struct log_lines *lines, const struct log_origin *origin, const char *data, size_t bytes);
void log_lines_flush(struct log_lines *lines, const char *name, struct text *rest); // the last line, which has no end
void log_lines_end(struct log_lines *lines);

#endif

// How the bytes of streams are printed: raw into a pipe, readable on a terminal, with the stream's name in front of each line when there
// are several, or a JSON object per line.
#ifndef PANTHER_COORDINATOR_CLI_LOG_LINES_H
#define PANTHER_COORDINATOR_CLI_LOG_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/memory.h"
#include "coordinator/report/value.h"

struct log_lines {
    enum report_format format; // REPORT_JSON: one array, REPORT_JSONL: objects
    bool prefixed, colour, terminal;
    bool any; // a JSON object was printed
};
void log_lines_begin(struct log_lines *lines, enum report_format format, bool colour);
// rest: what of the stream's last line has come so far. Whole lines are printed, so that those of two streams do not mix.
void log_lines_print(struct log_lines *lines, const char *name, struct text *rest, const void *data, size_t bytes);
void log_lines_flush(struct log_lines *lines, const char *name, struct text *rest); // the last line, which has no end
void log_lines_end(struct log_lines *lines);

#endif

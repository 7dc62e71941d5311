// How one value is shown. A column's type is read off its name's unit: _ms and _ns are durations, _bytes sizes, _wall_ns moments, _count
// and some other names numbers; the rest is text.
#ifndef PANTHER_COORDINATOR_REPORT_VALUE_H
#define PANTHER_COORDINATOR_REPORT_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum report_format { REPORT_TABLE, REPORT_JSON, REPORT_JSONL, REPORT_JUNIT, REPORT_TAP, REPORT_CSV, REPORT_MARKDOWN, REPORT_HTML };
bool report_format_parse(const char *text, enum report_format *format); // the first three: what every command prints
// The same with those of a command that prints documents: REPORT_DOCUMENT(REPORT_HTML) | ...
#define REPORT_DOCUMENT(format) (1u << (format))
bool report_document_parse(const char *text, unsigned documents, enum report_format *format);

bool report_is_number(const char *column);
// What a person reads of a value, on one line: "2.41s", "1.2MiB", "11-22 14:03:07.120".
void report_value(const char *column, const char *value, char *text, size_t bytes);
void report_heading(const char *column, char *text, size_t bytes); // "duration_ms": "DURATION"

bool report_wants_colour(FILE *out);          // a terminal, and NO_COLOR is not set
const char *report_colour(const char *value); // escape sequence for a verdict or state; "" for others
#define REPORT_COLOUR_END "\033[0m"

#endif

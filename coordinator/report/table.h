// Rows for a person or a program: a table (coloured on a terminal), one JSON array, or a JSON object per line. A column's type is read off
// its name's unit: _ms and _ns are durations, _bytes sizes, _wall_ns moments, _count and some other names numbers; the rest is text.
#ifndef PANTHER_COORDINATOR_REPORT_TABLE_H
#define PANTHER_COORDINATOR_REPORT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/base/memory.h"

enum report_format { REPORT_TABLE, REPORT_JSON, REPORT_JSONL };
bool report_format_parse(const char *text, enum report_format *format);

struct table;
struct table *table_new(const char *const *columns, size_t count);
void table_free(struct table **table);
void table_add(struct table *table, const char *const *values); // copied, one per column; NULL: empty
size_t table_count(const struct table *table);
const char *table_value(const struct table *table, size_t row, const char *column); // NULL: no such column
// The columns to show as a table, in this order (NULL-terminated); JSON always has all. NULL: all.
void table_show(struct table *table, const char *const *columns);
void table_print(const struct table *table, enum report_format format, FILE *out, bool colour);
void table_render(const struct table *table, struct text *out, bool colour, size_t width_max); // 0: no limit
// One row as a JSON object in a line (streams of rows: events -f, logs).
void table_print_row(const struct table *table, size_t row, FILE *out);
bool report_wants_colour(FILE *out); // a terminal, and NO_COLOR is not set
// What a person reads of a value: "2.41s", "1.2 MiB", "14:03:07".
void report_value(const char *column, const char *value, char *text, size_t bytes);
const char *report_colour(const char *value); // escape sequence for a verdict or state; "" for others
#define REPORT_COLOUR_END "\033[0m"

#endif

// Rows for a person or a program: a table (coloured on a terminal), one JSON array, or a JSON object per line.
#ifndef PANTHER_COORDINATOR_REPORT_TABLE_H
#define PANTHER_COORDINATOR_REPORT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/base/memory.h"
#include "coordinator/report/value.h"

struct table;
struct table *table_new(const char *const *columns, size_t count);
void table_free(struct table **table);
void table_add(struct table *table, const char *const *values); // copied, one per column; NULL: empty
size_t table_count(const struct table *table);
const char *table_value(const struct table *table, size_t row, const char *column); // NULL: no such column
// The columns to show as a table, in this order (NULL-terminated); JSON always has all. NULL: all.
void table_show(struct table *table, const char *const *columns);
void table_print(const struct table *table, enum report_format format, FILE *out, bool colour);
// width_max: columns of the terminal, beyond which a line is cut; 0: no limit.
void table_render(const struct table *table, struct text *out, bool colour, size_t width_max);
// All rows as one JSON array in a line, or one as an object, for a document that holds several tables.
void table_append_json(const struct table *table, struct text *out);
void table_append_row_json(const struct table *table, size_t row, struct text *out);
size_t table_columns(const struct table *table);
const char *table_column(const struct table *table, size_t index);
// One row as a JSON object in a line (streams of rows: events -f, logs).
void table_print_row(const struct table *table, size_t row, FILE *out);

#endif

// Rows as JSON: numbers where the column's name says so, text elsewhere; always valid UTF-8, and plain ASCII on a terminal.
#ifndef PANTHER_COORDINATOR_REPORT_JSON_H
#define PANTHER_COORDINATOR_REPORT_JSON_H

#include <stddef.h>
#include <stdio.h>

#include "common/base/memory.h"

// The same as text, compact, without a newline.
void json_append_object(struct text *out, const char *const *columns, const char *const *values, size_t columns_count);
// One object on a line.
void json_print_object(FILE *out, const char *const *columns, const char *const *values, size_t columns_count);
// One array of objects; values stand row by row.
void json_print_array(FILE *out, const char *const *columns, const char *const *values, size_t columns_count, size_t rows);

#endif

// Rows of a table by the text in one of its columns, in the table's order: "the cases of this trial".
#ifndef PANTHER_COORDINATOR_REPORT_ROW_INDEX_H
#define PANTHER_COORDINATOR_REPORT_ROW_INDEX_H

#include "coordinator/report/table.h"

struct row_group {
    size_t *rows, count, capacity;
};
struct row_index;
struct row_index *row_index_new(const struct table *table, const char *column); // table may be NULL: no rows
void row_index_free(struct row_index **index);
const struct row_group *row_index_find(const struct row_index *index, const char *value); // never NULL; empty when there is none
// The different values, as they were met first.
size_t row_index_count(const struct row_index *index);
const char *row_index_value(const struct row_index *index, size_t at);

#endif

#include "coordinator/report/row_index.h"

#include "common/base/map.h"

struct row_index {
    struct map *groups;
    const char **values; // of the table
    size_t count, capacity;
};

struct row_index *row_index_new(const struct table *table, const char *column)
{
    struct row_index *index = NEW(struct row_index);
    index->groups = map_new();
    for (size_t row = 0; table && row < table_count(table); row++) {
        const char *value = table_value(table, row, column);
        if (!value) {
            break; // no such column
        }
        struct row_group *group = map_get_text(index->groups, value);
        if (!group) {
            group = NEW(struct row_group);
            map_put_text(index->groups, value, group);
            APPEND(index->values, index->count, index->capacity) = value;
        }
        APPEND(group->rows, group->count, group->capacity) = row;
    }
    return index;
}

void row_index_free(struct row_index **pointer)
{
    struct row_index *index = *pointer;
    if (!index) {
        return;
    }
    for (struct map_entry *entry = map_first(index->groups); entry; entry = map_next(index->groups, entry)) {
        struct row_group *group = entry->value;
        free(group->rows);
        free(group);
    }
    map_free(&index->groups);
    free(index->values);
    free(index);
    *pointer = NULL;
}

const struct row_group *row_index_find(const struct row_index *index, const char *value)
{
    static const struct row_group none;
    const struct row_group *group = map_get_text(index->groups, value);
    return group ? group : &none;
}

size_t row_index_count(const struct row_index *index)
{
    return index->count;
}

const char *row_index_value(const struct row_index *index, size_t at)
{
    return index->values[at];
}

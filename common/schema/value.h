// A YAML document as a tree with places, made by common/system/yaml.h, read by experiment, configuration and option checks.
// Scalars stay text: the schema gives them their type. Lives in one arena; read-only after it was made.
#ifndef PANTHER_COMMON_SCHEMA_VALUE_H
#define PANTHER_COMMON_SCHEMA_VALUE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/memory.h"

enum value_kind { VALUE_SCALAR, VALUE_MAP, VALUE_LIST };

struct value {
    enum value_kind kind;
    unsigned line, column; // from 1
    const char *text;      // scalar; else NULL
    bool quoted;           // scalar was in quotes: "null" and "" are then texts
    size_t count;          // items of a map or list
    struct value **items;
    const char **keys;         // map only
    struct value **key_places; // map only: line and column of each key
    size_t *index;             // map only, private: where a key stands, by its hash
    size_t index_size;
};

struct value *value_scalar(struct arena *arena, const char *text, unsigned line, unsigned column);
struct value *value_map(struct arena *arena, unsigned line, unsigned column);
struct value *value_list(struct arena *arena, unsigned line, unsigned column);
void value_map_put(struct arena *arena, struct value *map, const char *key, struct value *item); // replaces, else appends
void value_list_add(struct arena *arena, struct value *list, struct value *item);
struct value *value_get(const struct value *map, const char *key); // NULL: not there, or not a map
bool value_is_null(const struct value *value);                     // NULL, or an unquoted empty/null/~ scalar
const char *value_kind_name(const struct value *value);            // "a map", "a list", "text"

#endif

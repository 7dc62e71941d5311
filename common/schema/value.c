// Trees of values, and how they grow: arrays in an arena double, and a count that is a power of two is a full array, so that no
// capacity is kept beside it.
#include "common/schema/value.h"

#include <stdint.h>
#include <string.h>

#include "common/base/error.h"

static struct value *value_new(struct arena *arena, enum value_kind kind, unsigned line, unsigned column)
{
    struct value *value = ARENA_NEW(arena, struct value);
    INVARIANT(value != NULL); // trees live in arenas without a cap: their size was checked before
    value->kind = kind;
    value->line = line;
    value->column = column;
    return value;
}

struct value *value_scalar(struct arena *arena, const char *text, unsigned line, unsigned column)
{
    struct value *value = value_new(arena, VALUE_SCALAR, line, column);
    value->text = arena_string(arena, text);
    return value;
}

struct value *value_map(struct arena *arena, unsigned line, unsigned column)
{
    return value_new(arena, VALUE_MAP, line, column);
}

struct value *value_list(struct arena *arena, unsigned line, unsigned column)
{
    return value_new(arena, VALUE_LIST, line, column);
}

// The array with room for one more pointer.
static void *with_room(struct arena *arena, void *items, size_t count)
{
    if ((count & (count - 1)) != 0)
        return items;
    void *grown = arena_allocate_array(arena, count == 0 ? 1 : count * 2, sizeof(void *));
    INVARIANT(grown != NULL);
    if (count > 0)
        memcpy(grown, items, count * sizeof(void *));
    return grown;
}

void value_list_add(struct arena *arena, struct value *list, struct value *item)
{
    INVARIANT(list->kind == VALUE_LIST);
    list->items = with_room(arena, list->items, list->count);
    list->items[list->count++] = item;
}

// ---- the index of a map: slots by hash, each a position + 1, or 0; the next slot is tried when one is taken. A document of one
// megabyte may hold a map of 100,000 keys, which must not be walked for each of them.

#define INDEX_FROM 16 // smaller maps are walked

static size_t hash_of(const char *key)
{
    uint64_t hash = UINT64_C(14695981039346656037); // FNV-1a
    for (; *key != '\0'; key++)
        hash = (hash ^ (unsigned char)*key) * UINT64_C(1099511628211);
    return (size_t)(hash ^ (hash >> 32));
}

// The slot that holds the key, or the empty one where it belongs.
static size_t *slot_of(const struct value *map, const char *key)
{
    size_t slot = hash_of(key) & (map->index_size - 1);
    while (map->index[slot] != 0 && strcmp(map->keys[map->index[slot] - 1], key) != 0)
        slot = (slot + 1) & (map->index_size - 1);
    return &map->index[slot];
}

static size_t position(const struct value *map, const char *key)
{
    if (map->index_size > 0) {
        size_t found = *slot_of(map, key);
        return found == 0 ? map->count : found - 1;
    }
    size_t at = 0;
    while (at < map->count && strcmp(map->keys[at], key) != 0)
        at++;
    return at;
}

// Puts the newest key into the index, which is made anew when it is half full.
static void index_newest(struct arena *arena, struct value *map)
{
    if (map->count < INDEX_FROM)
        return;
    size_t first = map->count - 1;
    if (map->count * 2 > map->index_size) {
        map->index_size = map->index_size == 0 ? (size_t)INDEX_FROM * 4 : map->index_size * 2;
        map->index = ARENA_ARRAY(arena, size_t, map->index_size);
        INVARIANT(map->index != NULL);
        first = 0;
    }
    for (size_t at = first; at < map->count; at++)
        *slot_of(map, map->keys[at]) = at + 1;
}

// Until somebody knows better, a key stands where its item does.
void value_map_put(struct arena *arena, struct value *map, const char *key, struct value *item)
{
    INVARIANT(map->kind == VALUE_MAP);
    size_t at = position(map, key);
    if (at == map->count) {
        map->items = with_room(arena, map->items, map->count);
        map->keys = with_room(arena, map->keys, map->count);
        map->key_places = with_room(arena, map->key_places, map->count);
        map->keys[at] = arena_string(arena, key);
        map->key_places[at] = value_scalar(arena, key, item->line, item->column);
        map->count++;
        index_newest(arena, map);
    }
    map->items[at] = item;
}

struct value *value_get(const struct value *map, const char *key)
{
    if (map == NULL || map->kind != VALUE_MAP)
        return NULL;
    size_t at = position(map, key);
    return at < map->count ? map->items[at] : NULL;
}

bool value_is_null(const struct value *value)
{
    if (value == NULL)
        return true;
    if (value->kind != VALUE_SCALAR || value->quoted)
        return false;
    return value->text[0] == '\0' || strcmp(value->text, "null") == 0 || strcmp(value->text, "~") == 0;
}

const char *value_kind_name(const struct value *value)
{
    if (value_is_null(value))
        return "nothing";
    switch (value->kind) {
    case VALUE_SCALAR:
        return "text";
    case VALUE_MAP:
        return "a map";
    case VALUE_LIST:
        return "a list";
    }
    return "invalid";
}

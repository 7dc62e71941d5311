// A hash map from byte strings to pointers that iterates in the order of insertion, so that a core that walks one is
// deterministic. Keys are copied. Removing during iteration is allowed: the entry just returned stays readable for the next 64
// removals, and map_next of it is what follows and is still there. (Do not fetch the next entry before the body: it may go.)
#ifndef PANTHER_COMMON_BASE_MAP_H
#define PANTHER_COMMON_BASE_MAP_H

#include <stddef.h>
#include <stdint.h>

struct map;
struct map_entry {
    const void *key;
    size_t key_bytes;
    void *value;
};

struct map *map_new(void);
void map_free(struct map **map); // values are the caller's
size_t map_count(const struct map *map);
void *map_put(struct map *map, const void *key, size_t key_bytes, void *value); // returns the value replaced, or NULL
void *map_get(const struct map *map, const void *key, size_t key_bytes);        // NULL: none
void *map_remove(struct map *map, const void *key, size_t key_bytes);           // returns the value, or NULL

// Convenience for the two kinds of key in use.
void *map_put_text(struct map *map, const char *key, void *value);
void *map_get_text(const struct map *map, const char *key);
void *map_remove_text(struct map *map, const char *key);
void *map_put_number(struct map *map, uint64_t key, void *value);
void *map_get_number(const struct map *map, uint64_t key);
void *map_remove_number(struct map *map, uint64_t key);

// for (struct map_entry *e = map_first(m); e; e = map_next(m, e))
struct map_entry *map_first(const struct map *map);
struct map_entry *map_next(const struct map *map, const struct map_entry *entry);
uint64_t map_entry_number(const struct map_entry *entry);

#endif

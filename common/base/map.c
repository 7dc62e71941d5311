// A hash map whose entries are also a list in the order of insertion: hashing decides where an entry is found, never what comes
// first, so cores that walk a map stay deterministic.
//
// A removed node stays in memory for the next GRAVES_MAX removals, so that a walk can go on from it. What stood behind it when it was
// removed is either still there or was removed later, and then leaves memory later too: the way from it is always safe to walk.
#include "common/base/map.h"

#include <stdbool.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/memory.h"

#define BUCKETS_FIRST 16
#define GRAVES_MAX 64 // a step that ends a whole test removes all its services from under a walk

struct node {
    struct map_entry entry;
    struct node *chain;          // the next of the same bucket
    struct node *before, *after; // order of insertion
    struct node *next_grave;     // removed after this one
    bool is_removed;
    uint64_t hash;
    max_align_t key[];
};

struct map {
    struct node **buckets;
    size_t bucket_count; // a power of two, or 0
    size_t count;
    struct node *first, *last;
    struct node *oldest_grave, *newest_grave;
    size_t graves;
};

struct map *map_new(void)
{
    return NEW(struct map);
}

void map_free(struct map **map)
{
    if (map == NULL || *map == NULL)
        return;
    for (struct node *node = (*map)->first, *after; node != NULL; node = after) {
        after = node->after;
        free(node);
    }
    for (struct node *node = (*map)->oldest_grave, *next; node != NULL; node = next) {
        next = node->next_grave;
        free(node);
    }
    free((*map)->buckets);
    free(*map);
    *map = NULL;
}

size_t map_count(const struct map *map)
{
    return map->count;
}

// FNV-1a, then mixed: the low bits choose the bucket and numbers that count up must not fall into few.
static uint64_t hash_of(const void *key, size_t key_bytes)
{
    const unsigned char *byte = key;
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < key_bytes; i++)
        hash = (hash ^ byte[i]) * UINT64_C(1099511628211);
    hash ^= hash >> 32;
    hash *= UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ (hash >> 29);
}

// The place that points to the node with this key, or to NULL at the end of its bucket.
static struct node **find(const struct map *map, uint64_t hash, const void *key, size_t key_bytes)
{
    struct node **place = &map->buckets[hash & (map->bucket_count - 1)];
    while (*place != NULL) {
        const struct node *node = *place;
        if (node->hash == hash && node->entry.key_bytes == key_bytes && memcmp(node->key, key, key_bytes) == 0)
            break;
        place = &(*place)->chain;
    }
    return place;
}

static void grow(struct map *map)
{
    free(map->buckets);
    map->bucket_count = map->bucket_count == 0 ? BUCKETS_FIRST : map->bucket_count * 2;
    map->buckets = memory_new(map->bucket_count * sizeof *map->buckets);
    for (struct node *node = map->first; node != NULL; node = node->after) {
        struct node **bucket = &map->buckets[node->hash & (map->bucket_count - 1)];
        node->chain = *bucket;
        *bucket = node;
    }
}

static struct node *node_new(uint64_t hash, const void *key, size_t key_bytes, void *value)
{
    struct node *node = memory_new(sizeof *node + key_bytes);
    node->hash = hash;
    memcpy(node->key, key, key_bytes);
    node->entry = (struct map_entry){.key = node->key, .key_bytes = key_bytes, .value = value};
    return node;
}

static void append_to_order(struct map *map, struct node *node)
{
    node->before = map->last;
    if (map->last != NULL)
        map->last->after = node;
    else
        map->first = node;
    map->last = node;
    map->count++;
}

void *map_put(struct map *map, const void *key, size_t key_bytes, void *value)
{
    INVARIANT(value != NULL); // NULL is map_get's "none"
    uint64_t hash = hash_of(key, key_bytes);
    if (map->bucket_count > 0) {
        struct node *present = *find(map, hash, key, key_bytes);
        if (present != NULL) {
            void *replaced = present->entry.value;
            present->entry.value = value;
            return replaced;
        }
    }
    if (map->count >= map->bucket_count)
        grow(map);
    struct node *node = node_new(hash, key, key_bytes, value);
    struct node **bucket = &map->buckets[hash & (map->bucket_count - 1)];
    node->chain = *bucket;
    *bucket = node;
    append_to_order(map, node);
    return NULL;
}

void *map_get(const struct map *map, const void *key, size_t key_bytes)
{
    if (map->count == 0)
        return NULL;
    const struct node *node = *find(map, hash_of(key, key_bytes), key, key_bytes);
    return node == NULL ? NULL : node->entry.value;
}

static void bury(struct map *map, struct node *node)
{
    node->is_removed = true;
    *(map->newest_grave != NULL ? &map->newest_grave->next_grave : &map->oldest_grave) = node;
    map->newest_grave = node;
    if (++map->graves <= GRAVES_MAX)
        return;
    struct node *oldest = map->oldest_grave;
    map->oldest_grave = oldest->next_grave;
    map->graves--;
    free(oldest);
}

void *map_remove(struct map *map, const void *key, size_t key_bytes)
{
    if (map->count == 0)
        return NULL;
    struct node **place = find(map, hash_of(key, key_bytes), key, key_bytes);
    struct node *node = *place;
    if (node == NULL)
        return NULL;
    *place = node->chain;
    *(node->before != NULL ? &node->before->after : &map->first) = node->after;
    *(node->after != NULL ? &node->after->before : &map->last) = node->before;
    map->count--;
    bury(map, node);
    return node->entry.value;
}

void *map_put_text(struct map *map, const char *key, void *value)
{
    return map_put(map, key, strlen(key) + 1, value); // with its NUL, so that entry->key is a string
}

void *map_get_text(const struct map *map, const char *key)
{
    return map_get(map, key, strlen(key) + 1);
}

void *map_remove_text(struct map *map, const char *key)
{
    return map_remove(map, key, strlen(key) + 1);
}

void *map_put_number(struct map *map, uint64_t key, void *value)
{
    return map_put(map, &key, sizeof key, value);
}

void *map_get_number(const struct map *map, uint64_t key)
{
    return map_get(map, &key, sizeof key);
}

void *map_remove_number(struct map *map, uint64_t key)
{
    return map_remove(map, &key, sizeof key);
}

// The entry is the node's first member.
struct map_entry *map_first(const struct map *map)
{
    return map->first == NULL ? NULL : &map->first->entry;
}

struct map_entry *map_next(const struct map *map, const struct map_entry *entry)
{
    (void)map;
    struct node *after = ((const struct node *)(const void *)entry)->after;
    while (after != NULL && after->is_removed)
        after = after->after;
    return after == NULL ? NULL : &after->entry;
}

uint64_t map_entry_number(const struct map_entry *entry)
{
    uint64_t number;
    INVARIANT(entry->key_bytes == sizeof number);
    memcpy(&number, entry->key, sizeof number);
    return number;
}

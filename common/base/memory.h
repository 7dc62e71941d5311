// Allocation that cannot fail (a process out of memory says so and aborts), an arena with a hard cap, growing arrays,
// and a growing text.
#ifndef PANTHER_COMMON_BASE_MEMORY_H
#define PANTHER_COMMON_BASE_MEMORY_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

void *memory_new(size_t bytes); // zeroed
void *memory_grow(void *old, size_t count, size_t item_bytes);
char *memory_string(const char *text); // copy; NULL -> NULL
char *memory_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

// NEW(struct agent) -> zeroed struct agent *
#define NEW(type) ((type *)memory_new(sizeof(type)))

// APPEND(list->items, list->count, list->capacity) = item;   amortised growth
#define APPEND(items, count, capacity)                                                                                                     \
    (*((count) == (capacity) ? ((capacity) = (capacity) ? (capacity)*2 : 8, (items) = memory_grow((items), (capacity), sizeof *(items)),   \
                                &(items)[(count)++])                                                                                       \
                             : &(items)[(count)++]))

// free() as a cleanup attribute: CLEANUP_FREE char *name = ...
void memory_cleanup(void *pointer_to_pointer);
#define CLEANUP_FREE __attribute__((cleanup(memory_cleanup)))

// ---- arena: everything in it is freed together. cap_bytes 0: no cap (PANIC when memory ends).
struct arena;
struct arena *arena_new(size_t cap_bytes);
void arena_free(struct arena **arena);
void arena_reset(struct arena *arena);
void *arena_allocate(struct arena *arena, size_t bytes); // zeroed, aligned for any type; NULL only over the cap
void *arena_allocate_array(struct arena *arena, size_t count, size_t item_bytes);
char *arena_string(struct arena *arena, const char *text);
char *arena_string_bytes(struct arena *arena, const char *text, size_t bytes);
char *arena_printf(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
size_t arena_used_bytes(const struct arena *arena);
#define ARENA_NEW(arena, type) ((type *)arena_allocate((arena), sizeof(type)))
#define ARENA_ARRAY(arena, type, count) ((type *)arena_allocate_array((arena), (count), sizeof(type)))

// ---- text: a string that grows. Zero-initialised is empty; text_free when done.
struct text {
    char *data; // NUL-terminated once something was appended; else NULL
    size_t length, capacity;
};
void text_append(struct text *text, const char *string);
void text_append_bytes(struct text *text, const void *bytes, size_t count);
void text_printf(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
const char *text_string(const struct text *text); // never NULL
void text_clear(struct text *text);
void text_free(struct text *text);

#endif

// An arena: blocks that grow, freed together. The cap counts what is handed out, so the same input is refused on every machine.
#include <stdalign.h>
#include <stdio.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/memory.h"

#define BLOCK_FIRST_BYTES 4000       // a page less malloc's own header: most batches need no second one
#define BLOCK_MAX_BYTES (256 * 1024) // beyond it a block holds one large thing
#define ALIGNMENT (alignof(max_align_t))

struct block {
    struct block *before;
    size_t size, used;
    alignas(max_align_t) unsigned char data[];
};

struct arena {
    struct block *block; // newest; allocation happens here only
    size_t cap_bytes, used_bytes;
};

struct arena *arena_new(size_t cap_bytes)
{
    struct arena *arena = NEW(struct arena);
    arena->cap_bytes = cap_bytes;
    return arena;
}

static void free_blocks(struct block *block)
{
    while (block != NULL) {
        struct block *before = block->before;
        free(block);
        block = before;
    }
}

void arena_free(struct arena **arena)
{
    if (arena == NULL || *arena == NULL)
        return;
    free_blocks((*arena)->block);
    free(*arena);
    *arena = NULL;
}

// Keeps the newest block (the largest of the usual ones), so that a loop that resets per batch stops calling malloc.
void arena_reset(struct arena *arena)
{
    arena->used_bytes = 0;
    struct block *block = arena->block;
    if (block == NULL)
        return;
    free_blocks(block->before);
    block->before = NULL;
    block->used = 0;
    if (block->size > BLOCK_MAX_BYTES) {
        free(block);
        arena->block = NULL;
    }
}

static void add_block(struct arena *arena, size_t bytes)
{
    size_t size = arena->block == NULL ? BLOCK_FIRST_BYTES : arena->block->size * 2;
    if (size > BLOCK_MAX_BYTES)
        size = BLOCK_MAX_BYTES;
    if (size < bytes)
        size = bytes;
    struct block *block = memory_grow(NULL, sizeof *block + size, 1);
    block->before = arena->block;
    block->size = size;
    block->used = 0;
    arena->block = block;
}

void *arena_allocate(struct arena *arena, size_t bytes)
{
    if (bytes > SIZE_MAX - sizeof(struct block) - ALIGNMENT)
        PANIC("out of memory: %zu bytes asked of an arena", bytes);
    size_t aligned = bytes == 0 ? ALIGNMENT : (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (arena->cap_bytes != 0 && (aligned > arena->cap_bytes || arena->used_bytes > arena->cap_bytes - aligned))
        return NULL;
    if (arena->block == NULL || arena->block->size - arena->block->used < aligned)
        add_block(arena, aligned);
    void *memory = arena->block->data + arena->block->used;
    arena->block->used += aligned;
    arena->used_bytes += aligned;
    return memset(memory, 0, aligned);
}

void *arena_allocate_array(struct arena *arena, size_t count, size_t item_bytes)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, item_bytes, &bytes))
        PANIC("out of memory: %zu items of %zu bytes asked of an arena", count, item_bytes);
    return arena_allocate(arena, bytes);
}

char *arena_string_bytes(struct arena *arena, const char *text, size_t bytes)
{
    char *copy = arena_allocate(arena, bytes + 1);
    if (copy != NULL && bytes > 0)
        memcpy(copy, text, bytes);
    return copy;
}

char *arena_string(struct arena *arena, const char *text)
{
    return text == NULL ? NULL : arena_string_bytes(arena, text, strlen(text));
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    INVARIANT(length >= 0);
    char *text = arena_allocate(arena, (size_t)length + 1);
    if (text == NULL)
        return NULL;
    va_start(arguments, format);
    vsnprintf(text, (size_t)length + 1, format, arguments);
    va_end(arguments);
    return text;
}

size_t arena_used_bytes(const struct arena *arena)
{
    return arena->used_bytes;
}

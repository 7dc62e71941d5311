// Allocation that cannot fail: where memory ends, the process says so and aborts (STYLE: decoders refuse by size before).
#include "common/base/memory.h"

#include <stdio.h>
#include <string.h>

#include "common/base/error.h"

void *memory_new(size_t bytes)
{
    void *memory = calloc(1, bytes > 0 ? bytes : 1);
    if (memory == NULL)
        PANIC("out of memory: %zu bytes asked for", bytes);
    return memory;
}

void *memory_grow(void *old, size_t count, size_t item_bytes)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, item_bytes, &bytes))
        PANIC("out of memory: %zu items of %zu bytes asked for", count, item_bytes);
    void *memory = realloc(old, bytes > 0 ? bytes : 1);
    if (memory == NULL)
        PANIC("out of memory: %zu bytes asked for", bytes);
    return memory;
}

char *memory_string(const char *text)
{
    if (text == NULL)
        return NULL;
    size_t bytes = strlen(text) + 1;
    char *copy = memory_grow(NULL, bytes, 1);
    memcpy(copy, text, bytes);
    return copy;
}

char *memory_printf(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    INVARIANT(length >= 0);
    size_t bytes = (size_t)length + 1;
    char *text = memory_grow(NULL, bytes, 1);
    va_start(arguments, format);
    vsnprintf(text, bytes, format, arguments);
    va_end(arguments);
    return text;
}

void memory_cleanup(void *pointer_to_pointer)
{
    void *memory;
    memcpy(&memory, pointer_to_pointer, sizeof memory);
    free(memory);
}

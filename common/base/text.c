// A string that grows.
#include <stdio.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/memory.h"

static void make_room(struct text *text, size_t count)
{
    size_t needed;
    if (__builtin_add_overflow(text->length + 1, count, &needed))
        PANIC("out of memory: %zu bytes appended to a text", count);
    if (needed <= text->capacity)
        return;
    size_t capacity = text->capacity == 0 ? 64 : text->capacity;
    while (capacity < needed)
        capacity = capacity > SIZE_MAX / 2 ? needed : capacity * 2;
    text->data = memory_grow(text->data, capacity, 1);
    text->capacity = capacity;
}

void text_append_bytes(struct text *text, const void *bytes, size_t count)
{
    make_room(text, count);
    if (count > 0)
        memcpy(text->data + text->length, bytes, count);
    text->length += count;
    text->data[text->length] = '\0';
}

void text_append(struct text *text, const char *string)
{
    text_append_bytes(text, string, strlen(string));
}

void text_printf(struct text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    INVARIANT(length >= 0);
    make_room(text, (size_t)length);
    va_start(arguments, format);
    vsnprintf(text->data + text->length, (size_t)length + 1, format, arguments);
    va_end(arguments);
    text->length += (size_t)length;
}

const char *text_string(const struct text *text)
{
    return text->data == NULL ? "" : text->data;
}

void text_clear(struct text *text)
{
    text->length = 0;
    if (text->data != NULL)
        text->data[0] = '\0';
}

void text_free(struct text *text)
{
    free(text->data);
    *text = (struct text){0};
}

// Finds references in texts and puts values in their place.
#include "coordinator/experiment/reference.h"

#include <string.h>

#define WORD_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

static bool is_lone_word(const struct reference *reference)
{
    return reference_is(reference, "seed", 1) || reference_is(reference, "repetition", 1);
}

// text stands at "$(".
static bool parse(const char *text, struct reference *reference)
{
    *reference = (struct reference){.start = text};
    const char *cursor = text + 2;
    for (;; cursor++) {
        size_t length = strspn(cursor, WORD_CHARACTERS);
        if (length == 0)
            return false;
        if (reference->parts < REFERENCE_PARTS_MAX && length < NAME_MAX_BYTES)
            memcpy(reference->part[reference->parts], cursor, length);
        reference->parts++;
        cursor += length;
        if (*cursor != '.')
            break;
    }
    reference->length = (size_t)(cursor + 1 - text);
    return *cursor == ')' && (reference->parts > 1 || is_lone_word(reference));
}

bool reference_next(const char *text, struct reference *reference)
{
    while ((text = strchr(text, '$')) != NULL) {
        if (text[1] == '$' && text[2] == '(')
            text += 3;
        else if (text[1] == '(' && parse(text, reference))
            return true;
        else
            text++;
    }
    return false;
}

bool reference_is_whole(const char *text, struct reference *reference)
{
    return reference_next(text, reference) && reference->start == text && text[reference->length] == '\0';
}

bool reference_is_in(const char *text)
{
    struct reference reference;
    return reference_next(text, &reference);
}

bool reference_is(const struct reference *reference, const char *first, size_t parts)
{
    return reference->parts == parts && strcmp(reference->part[0], first) == 0;
}

static void append_literal(struct text *out, const char *from, const char *to, bool finally)
{
    for (const char *cursor = from; cursor < to; cursor++) {
        if (finally && to - cursor > 2 && strncmp(cursor, "$$(", 3) == 0)
            cursor++;
        text_append_bytes(out, cursor, 1);
    }
}

char *reference_put_in(const char *text, reference_value *value, void *context, bool finally, struct arena *arena)
{
    struct text out = {0};
    struct reference reference;
    const char *cursor = text;
    while (reference_next(cursor, &reference)) {
        append_literal(&out, cursor, reference.start, finally);
        const char *put = value(&reference, context);
        if (put)
            text_append(&out, put);
        else
            text_append_bytes(&out, reference.start, reference.length);
        cursor = reference.start + reference.length;
    }
    append_literal(&out, cursor, cursor + strlen(cursor), finally);
    char *result = arena_string(arena, text_string(&out));
    text_free(&out);
    return result;
}

// Collects mistakes with their places: all of an input at once, each only once.
#include "common/schema/diagnostics.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/memory.h"

#define MESSAGE_MAX_BYTES 1024 // a message that quotes a whole document is cut here

void diagnostics_begin(struct diagnostics *diagnostics, struct arena *arena, const char *file)
{
    *diagnostics = (struct diagnostics){.file = file, .arena = arena};
}

static bool is_known(const struct diagnostics *diagnostics, unsigned line, unsigned column, const char *message)
{
    for (size_t i = 0; i < diagnostics->count; i++) {
        const Pb__Diagnostic *item = diagnostics->items[i];
        if (item->line == line && item->column == column && strcmp(item->message, message) == 0)
            return true;
    }
    return false;
}

static void make_room(struct diagnostics *diagnostics)
{
    if (diagnostics->count < diagnostics->capacity)
        return;
    size_t capacity = diagnostics->capacity == 0 ? 8 : diagnostics->capacity * 2;
    Pb__Diagnostic **items = ARENA_ARRAY(diagnostics->arena, Pb__Diagnostic *, capacity);
    INVARIANT(items != NULL);
    if (diagnostics->count > 0)
        memcpy(items, diagnostics->items, diagnostics->count * sizeof(*items));
    diagnostics->items = items;
    diagnostics->capacity = capacity;
}

// Messages quote what somebody wrote, and are shown on terminals: control characters (ASCII's, and C1's in UTF-8) become "?".
static void disarm(char *message)
{
    for (unsigned char *c = (unsigned char *)message; *c != '\0'; c++) {
        bool is_c1 = c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0;
        if (is_c1)
            c[1] = '?';
        if (*c < ' ' || *c == 0x7f || is_c1)
            *c = '?';
    }
}

__attribute__((format(printf, 5, 0))) static void add(struct diagnostics *diagnostics, bool warning, unsigned line, unsigned column,
                                                      const char *format, va_list arguments)
{
    char message[MESSAGE_MAX_BYTES];
    vsnprintf(message, sizeof message, format, arguments);
    disarm(message);
    if (is_known(diagnostics, line, column, message))
        return;
    if (!warning)
        diagnostics->errors++;
    if (diagnostics->count == DIAGNOSTICS_MAX) {
        diagnostics->dropped++;
        return;
    }
    make_room(diagnostics);
    Pb__Diagnostic *item = ARENA_NEW(diagnostics->arena, Pb__Diagnostic);
    INVARIANT(item != NULL);
    pb__diagnostic__init(item);
    item->file = arena_string(diagnostics->arena, diagnostics->file == NULL ? "" : diagnostics->file);
    item->line = line;
    item->column = column;
    item->message = arena_string(diagnostics->arena, message);
    item->warning = warning;
    diagnostics->items[diagnostics->count++] = item;
}

void diagnostics_error(struct diagnostics *diagnostics, unsigned line, unsigned column, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add(diagnostics, false, line, column, format, arguments);
    va_end(arguments);
}

void diagnostics_warning(struct diagnostics *diagnostics, unsigned line, unsigned column, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add(diagnostics, true, line, column, format, arguments);
    va_end(arguments);
}

static bool stands_after(const Pb__Diagnostic *left, const Pb__Diagnostic *right)
{
    int files = strcmp(left->file, right->file);
    if (files != 0)
        return files > 0;
    if (left->line != right->line)
        return left->line > right->line;
    return left->column > right->column;
}

// Insertion: at most DIAGNOSTICS_MAX items, nearly in order, and stable, which qsort is not.
void diagnostics_sort(struct diagnostics *diagnostics)
{
    for (size_t i = 1; i < diagnostics->count; i++) {
        Pb__Diagnostic *item = diagnostics->items[i];
        size_t place = i;
        for (; place > 0 && stands_after(diagnostics->items[place - 1], item); place--)
            diagnostics->items[place] = diagnostics->items[place - 1];
        diagnostics->items[place] = item;
    }
}

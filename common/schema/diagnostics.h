// All mistakes of an input at once: file:line:column: message.
#ifndef PANTHER_COMMON_SCHEMA_DIAGNOSTICS_H
#define PANTHER_COMMON_SCHEMA_DIAGNOSTICS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/schema/value.h"
#include "panther/v1/types.pb-c.h"

#define DIAGNOSTICS_MAX 200 // more are counted, not kept: nobody reads them

struct diagnostics {
    const char *file;       // borrowed; put into every diagnostic
    struct arena *arena;    // borrowed; what is added lives here
    Pb__Diagnostic **items; // [count], in the arena
    size_t count, capacity;
    size_t errors, dropped;
};

void diagnostics_begin(struct diagnostics *diagnostics, struct arena *arena, const char *file);
// The same message at the same place is kept once (an experiment is checked for many cells).
void diagnostics_error(struct diagnostics *diagnostics, unsigned line, unsigned column, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void diagnostics_warning(struct diagnostics *diagnostics, unsigned line, unsigned column, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void diagnostics_sort(struct diagnostics *diagnostics); // by place
// The nearest of the candidates by edit distance, or NULL when none is near: for "did you mean".
const char *suggest(const char *word, const char *const *candidates, size_t count);

#endif

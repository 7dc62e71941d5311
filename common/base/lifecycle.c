// Moves along a table of states.
#include "common/base/lifecycle.h"

#include "common/base/error.h"
#include "common/base/memory.h"

bool lifecycle_allows(const struct lifecycle *lifecycle, unsigned from, unsigned to)
{
    INVARIANT(from < lifecycle->count && to < lifecycle->count);
    return (lifecycle->next[from] & LIFECYCLE_TO(to)) != 0;
}

bool lifecycle_is_final(const struct lifecycle *lifecycle, unsigned state)
{
    INVARIANT(state < lifecycle->count);
    return (lifecycle->final & LIFECYCLE_TO(state)) != 0;
}

void lifecycle_move(const struct lifecycle *lifecycle, unsigned *state, unsigned to)
{
    if (!lifecycle_allows(lifecycle, *state, to))
        PANIC("a %s cannot move from %s to %s", lifecycle->noun, lifecycle->names[*state], lifecycle->names[to]);
    *state = to;
}

const char *lifecycle_name(const struct lifecycle *lifecycle, unsigned state)
{
    return state < lifecycle->count ? lifecycle->names[state] : "invalid";
}

void lifecycle_print(const struct lifecycle *lifecycle, struct text *out)
{
    for (unsigned from = 0; from < lifecycle->count; from++) {
        text_append(out, lifecycle->names[from]);
        const char *separator = " -> ";
        for (unsigned to = 0; to < lifecycle->count; to++) {
            if (!lifecycle_allows(lifecycle, from, to))
                continue;
            text_printf(out, "%s%s", separator, lifecycle->names[to]);
            separator = ", ";
        }
        text_append(out, lifecycle_is_final(lifecycle, from) ? " (end)\n" : "\n");
    }
}

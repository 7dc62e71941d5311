// A lifecycle is a table: states by name, and for each the set of states that may follow. Moves are checked on every step;
// an impossible one is refused loudly by the caller, never ignored. The diagrams in READMEs are printed from the tables.
#ifndef PANTHER_COMMON_BASE_LIFECYCLE_H
#define PANTHER_COMMON_BASE_LIFECYCLE_H

#include <stdbool.h>
#include <stdint.h>

struct text;

struct lifecycle {
    const char *noun;         // "trial"
    unsigned count;           // at most 32
    const char *const *names; // [count]
    const uint32_t *next;     // [count], bit s set: state s may follow
    uint32_t final;           // states that end it
};

#define LIFECYCLE_TO(state) (UINT32_C(1) << (state))

bool lifecycle_allows(const struct lifecycle *lifecycle, unsigned from, unsigned to);
bool lifecycle_is_final(const struct lifecycle *lifecycle, unsigned state);
// Moves *state, or PANICs: call it only where the caller has decided that the move is right.
void lifecycle_move(const struct lifecycle *lifecycle, unsigned *state, unsigned to);
const char *lifecycle_name(const struct lifecycle *lifecycle, unsigned state);
// Appends one line per state: "starting -> ready, stopping"
void lifecycle_print(const struct lifecycle *lifecycle, struct text *out);

#endif

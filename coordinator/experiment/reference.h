// References in texts: $(name.part), $(seed), $(repetition). Only dotted names and these two words are references, so that a
// shell's $(date) stays text; $$( is a literal $(.
#ifndef PANTHER_COORDINATOR_EXPERIMENT_REFERENCE_H
#define PANTHER_COORDINATOR_EXPERIMENT_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/identity.h"
#include "common/base/memory.h"

#define REFERENCE_PARTS_MAX 3 // $(server.quic.port)

struct reference {
    const char *start; // of "$("
    size_t length;     // to and with ")"
    size_t parts;      // over REFERENCE_PARTS_MAX: it has more than are kept
    char part[REFERENCE_PARTS_MAX][NAME_MAX_BYTES];
};

// The next reference at or after `text`. A part that is longer than any name is left empty, and so known to nobody.
bool reference_next(const char *text, struct reference *reference);
bool reference_is_whole(const char *text, struct reference *reference); // the whole text is one reference
bool reference_is_in(const char *text);
bool reference_is(const struct reference *reference, const char *first, size_t parts);

// Gives the text of a reference, or NULL: it stays as it is.
typedef const char *reference_value(const struct reference *reference, void *context);
// The text with the values put in, in the arena. `finally`: nothing is put in after this, so $$( becomes $(.
char *reference_put_in(const char *text, reference_value *value, void *context, bool finally, struct arena *arena);

#endif

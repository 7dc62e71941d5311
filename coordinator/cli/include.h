// `include:` and `expect: {file: ...}` of an experiment: other files are read here and become one text with it, because the coordinator
// sees no files. Where each line came from is kept, so that mistakes are told with the place in the file that holds them.
#ifndef PANTHER_COORDINATOR_CLI_INCLUDE_H
#define PANTHER_COORDINATOR_CLI_INCLUDE_H

#include "common/base/error.h"
#include "common/schema/diagnostics.h"

#define INCLUDE_FILES_MAX 32 // of one experiment
#define INCLUDE_DEPTH_MAX 8  // files that include files

struct include_place {
    unsigned line, column; // in the text
    unsigned from_line, from_column;
    const char *file;
};

struct include_places {
    struct include_place *items; // heap; rising
    size_t count, capacity;
};

// True: the document names other files. Then *document is what all files say together, *text (heap) the same as one text, and places tell
// whence. Mistakes go to diagnostics, with the file that holds them.
bool include_apply(const char *path, struct value **document, char **text, size_t *bytes, struct include_places *places,
                   struct arena *arena, struct diagnostics *diagnostics);
void include_locate(const struct include_places *places, Pb__Diagnostic *item); // a place in the text becomes one in a file
void include_places_free(struct include_places *places);

#endif

// A Markdown file as lines, with what a checker asks about each: is it inside a code block, which heading is it.
#ifndef PANTHER_SERVICES_SDK_AUTHOR_DOCUMENT_H
#define PANTHER_SERVICES_SDK_AUTHOR_DOCUMENT_H

#include <stdbool.h>

#include "common/base/error.h"
#include "common/base/memory.h"

#define DOCUMENT_MAX_BYTES ((size_t)4 * 1024 * 1024)

struct document {
    const char *path;
    char **lines; // in the arena, without their ends
    bool *is_code;
    size_t count;
};
int document_read(struct document *document, const char *path, struct arena *arena, struct panther_error *error);
// The line of this heading ("## Options"), or of its anchor ("options"), from 1; 0: there is none.
size_t document_heading(const struct document *document, const char *heading);
size_t document_anchor(const struct document *document, const char *anchor);

#endif

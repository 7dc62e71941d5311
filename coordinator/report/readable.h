// Any bytes, as tested programs print them, made into text that a terminal only shows: nothing in it moves the cursor, changes a colour,
// sets a title or breaks the line of a table. What is not UTF-8 and every control character is shown as \x1b, \x07 and the like.
#ifndef PANTHER_COORDINATOR_REPORT_READABLE_H
#define PANTHER_COORDINATOR_REPORT_READABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/memory.h"

// One line: newlines and tabs become spaces. Ends at a whole character when it does not fit into bytes.
void readable_line(const char *value, char *line, size_t bytes);
// The same for whole output: newlines and tabs stay.
void readable_append(struct text *text, const void *data, size_t bytes);
// Heap: as it is, but with U+FFFD for each byte that is not UTF-8. For JSON, which escapes control characters itself.
char *readable_utf8(const void *data, size_t bytes);

// Columns of a terminal: none for combining characters, two for wide ones (East Asian, emoji).
size_t readable_width(const char *line);
void readable_cut(char *line, size_t width);

#endif

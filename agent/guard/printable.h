// Output of programs as text of a message: valid UTF-8 without control characters, whatever the program printed.
#ifndef PANTHER_AGENT_GUARD_PRINTABLE_H
#define PANTHER_AGENT_GUARD_PRINTABLE_H

#include <stddef.h>

// At most max_bytes; newlines and tabs stay, other control characters and what is not UTF-8 become '?'. Heap.
char *printable(const char *bytes, size_t count, size_t max_bytes);

#endif

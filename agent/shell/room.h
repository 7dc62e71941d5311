// A file that takes room while there is some and gives it back when the disk is full, so that what runs then can still write down how it
// ended. Whoever filled the disk may take it, too: then it waits, as it would without.
#ifndef PANTHER_AGENT_SHELL_ROOM_H
#define PANTHER_AGENT_SHELL_ROOM_H

#include <stdbool.h>
#include <stdint.h>

// The last events of many instances and the pages of the database that hold them.
#define ROOM_MAX_BYTES (UINT64_C(4) << 20)

// STATE/room of so many bytes, ROOM_MAX_BYTES at most; false: there is no room for it now.
bool room_take(const char *state, uint64_t bytes);
bool room_give(const char *state); // false: there was none

#endif

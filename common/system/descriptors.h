// How many descriptors this process may still open. What runs on is worth more than what would be new: whoever is about to conclude
// something from a file that cannot be opened asks here first, and waits.
#ifndef PANTHER_COMMON_SYSTEM_DESCRIPTORS_H
#define PANTHER_COMMON_SYSTEM_DESCRIPTORS_H

#include <stdbool.h>
#include <stdint.h>

// At once, for a moment: what looking at one process or one folder takes, twice over.
#define DESCRIPTORS_TO_LOOK 4
#define DESCRIPTORS_MAX 16

// Tried, and given back; at most DESCRIPTORS_MAX.
bool descriptors_have(unsigned wanted);
// The soft limit up to the hard one, but not above this: what is spawned inherits it.
void descriptors_raise_limit(uint64_t most);

#endif

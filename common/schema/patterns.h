// Patterns that experiments and service.yaml hold: POSIX extended regular expressions that neither this process nor a guard can be choked
// with.
#ifndef PANTHER_COMMON_SCHEMA_PATTERNS_H
#define PANTHER_COMMON_SCHEMA_PATTERNS_H

#include "common/base/memory.h"

#define PATTERN_MAX_BYTES 1024
#define PATTERN_REPEATS_MAX 1000 // glibc writes x{m,n} out n times, and nested ones as often as their product
#define PATTERN_WRITTEN_MAX 2048 // weight of that: below 50 MiB and a second to compile, at the coordinator and in each guard

// NULL, or why it cannot be used, in the arena.
const char *patterns_refusal(const char *pattern, bool is_regex, struct arena *arena);

#endif

// Output patterns: POSIX extended regular expressions that neither this process nor a guard can be choked with.
#ifndef PANTHER_COORDINATOR_EXPERIMENT_PATTERNS_H
#define PANTHER_COORDINATOR_EXPERIMENT_PATTERNS_H

#include "common/base/memory.h"

// NULL, or why it cannot be used, in the arena.
const char *patterns_refusal(const char *pattern, bool is_regex, struct arena *arena);

#endif

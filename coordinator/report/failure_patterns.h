// Ways to fail that laboratories know by name, and what to do about each. Pure: a table over what events say and programs print.
#ifndef PANTHER_COORDINATOR_REPORT_FAILURE_PATTERNS_H
#define PANTHER_COORDINATOR_REPORT_FAILURE_PATTERNS_H

#include <stdbool.h>
#include <stddef.h>

struct failure_pattern {
    const char *name;
    const char *advice;
    const char *kinds;          // of events that can show it, in blanks; NULL: none
    const char *const *phrases; // one of them stands there, upper and lower case alike; NULL-terminated
    bool in_streams;            // ... or in what a program printed
};
extern const struct failure_pattern failure_patterns[]; // ends with a NULL name

const struct failure_pattern *failure_pattern_named(const char *name);
// The pattern that an event of this kind shows; NULL: none.
const struct failure_pattern *failure_pattern_of_event(const char *kind, const char *text);
// The first one that content shows, and where its line begins. NULL: none.
const struct failure_pattern *failure_pattern_of_content(const char *data, size_t bytes, size_t *offset);

#endif

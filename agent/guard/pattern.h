// What a line is compared with: a substring, or a POSIX extended regular expression.
#ifndef PANTHER_AGENT_GUARD_PATTERN_H
#define PANTHER_AGENT_GUARD_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/error.h"

struct pattern;
int pattern_new(struct pattern **out, const char *text, bool is_regex, struct panther_error *error);
void pattern_free(struct pattern **pattern);
bool pattern_matches(const struct pattern *pattern, const char *line, size_t bytes); // the line without its newline

#endif

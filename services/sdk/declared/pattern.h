// A pattern of the language, compiled when it is used: its references may only be known then.
#ifndef PANTHER_SERVICES_SDK_DECLARED_PATTERN_H
#define PANTHER_SERVICES_SDK_DECLARED_PATTERN_H

#include <regex.h>

#include "services/sdk/declared/template.h"

// Line by line (REG_NEWLINE). False: a reference has no value, or made it no pattern that may be compiled; it matches nothing.
bool pattern_compile(const struct template *pattern, struct scope *scope, regex_t *regex);

#endif

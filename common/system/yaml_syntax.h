// Turns libyaml's complaint into a sentence that says where and what to do. Private to the YAML reader.
#ifndef PANTHER_COMMON_SYSTEM_YAML_SYNTAX_H
#define PANTHER_COMMON_SYSTEM_YAML_SYNTAX_H

#include <yaml.h>

#include "common/schema/diagnostics.h"

// parser has just refused the text that it was given.
void yaml_syntax_report(const yaml_parser_t *parser, const char *text, size_t bytes, struct diagnostics *diagnostics);

#endif

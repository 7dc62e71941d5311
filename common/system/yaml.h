// The strict YAML subset with places: libyaml's events -> struct value. Refuses duplicate keys, `<<`, tags, anchors that are
// not in this document, more than one document, depth over 32, more than 200,000 nodes. A scalar that YAML cannot start plainly
// (*.pcap, @x, [::1]) is answered with "put it in quotes". All mistakes go to diagnostics with their place. An alias becomes a copy, so
// that values can be changed apart. The arena has no cap: nodes and bytes are limited here.
#ifndef PANTHER_COMMON_SYSTEM_YAML_H
#define PANTHER_COMMON_SYSTEM_YAML_H

#include "common/schema/diagnostics.h"

// NULL when diagnostics has errors.
struct value *yaml_read(const char *text, size_t bytes, struct arena *arena, struct diagnostics *diagnostics);

#endif

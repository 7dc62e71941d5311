// Text of tests inside XML and HTML: whatever a tested program printed stays text, and the document stays well-formed.
#ifndef PANTHER_COORDINATOR_REPORT_MARKUP_H
#define PANTHER_COORDINATOR_REPORT_MARKUP_H

#include <stddef.h>

#include "common/base/memory.h"

// For content and for attributes in double quotes, in XML 1.0 and in HTML. Control characters are shown as \x1b and the like.
void markup_append(struct text *out, const char *value);
void markup_append_bytes(struct text *out, const char *value, size_t bytes);
// A string of JSON inside a <script>: nothing in it ends the script.
void markup_append_script(struct text *out, const char *json);
// A part of a link: everything but letters, digits and -._~ as %XX; "/" stays when it parts names.
void markup_append_link(struct text *out, const char *path);

#endif

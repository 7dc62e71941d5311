// What an instance reported, as one line.
#ifndef PANTHER_COORDINATOR_STORE_EVENT_TEXT_H
#define PANTHER_COORDINATOR_STORE_EVENT_TEXT_H

#include "common/base/memory.h"
#include "panther/v1/instance.pb-c.h"

void event_text(const Pb__Event *event, struct text *line);
void text_outcome(struct text *line, const Pb__Outcome *outcome);
// What stands from `start` on becomes one printable line of bounded length: " | " between lines, "?" for control bytes.
void text_make_line(struct text *line, size_t start);

#endif

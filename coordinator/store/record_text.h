// A record as a person reads it: a kind and one line.
#ifndef PANTHER_COORDINATOR_STORE_RECORD_TEXT_H
#define PANTHER_COORDINATOR_STORE_RECORD_TEXT_H

#include "common/base/memory.h"
#include "panther/v1/journal.pb-c.h"

// "run_accepted"; of an instance's event the event's kind, "case_result"
const char *record_kind(const Pb__Record *record);
// Appends one line, without a newline, of at most RECORD_TEXT_MAX_BYTES.
void record_text(const Pb__Record *record, struct text *line);
#define RECORD_TEXT_MAX_BYTES 400

#endif

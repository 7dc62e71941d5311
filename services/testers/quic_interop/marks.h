// What a datagram shows that qlogs tell, too. Pure; for transcript.c, which counts it, and testimony.c, which compares.
#ifndef PANTHER_TESTERS_QUIC_INTEROP_MARKS_H
#define PANTHER_TESTERS_QUIC_INTEROP_MARKS_H

#include "line.h"
#include "transcript.h"

// Adds to the counts (MARKS of them) what the datagram holds.
void marks_note(const struct line *line, size_t *marks);
// The connection ID that the first packet of a client's datagram with long headers goes to.
void marks_note_group(const struct line *line, struct transcript *transcript);

#endif

// What was observed beside the journal, as entries of a timeline: lines that programs printed, packets, events of qlogs. Pure: the bytes
// are the caller's. Whatever finds no more room is counted, not kept.
#ifndef PANTHER_COORDINATOR_REPORT_TIMELINE_OBSERVED_H
#define PANTHER_COORDINATOR_REPORT_TIMELINE_OBSERVED_H

#include "coordinator/report/timeline.h"

// Of a line, a packet, an event: what stands in the list. All of it is in the evidence itself.
#define TIMELINE_TEXT_MAX_BYTES 300

struct timeline_origin {
    const char *agent, *service, *name; // of the stream, of the file
    const char *only;                   // of a capture: packets at the end of that service; NULL or empty: all
};

// times: as in the table "timeline": "BYTES GAP_US SPAN_US " for each part of the stream, one after the other; empty: not known.
void timeline_add_log(struct timeline *timeline, const struct timeline_origin *stream, const char *times, const char *data, size_t bytes,
                      size_t *room);

// created, changed: the file's times on its host's wall clock; 0: not known. They say when it began when the qlog does not.
// NULL, or why nothing of it could be read.
const char *timeline_add_qlog(struct timeline *timeline, const struct timeline_origin *file, int64_t created_ns, int64_t changed_ns,
                              const char *data, size_t bytes, size_t *room);

// What tshark is asked for, each after a -e; the line it prints for a packet has their values between tabs.
extern const char *const timeline_packet_fields[];
#define TIMELINE_PACKET_FIELDS 7
// The service is the packet's interface when the capture names the ends of links, else the origin's. false: the line is none.
bool timeline_add_packet(struct timeline *timeline, const struct timeline_origin *capture, const char *line, size_t *room);

#endif

// What happened in a trial, of all hosts on one axis: the coordinator's boottime. Pure: from the rows of the store's table "timeline".
//
// An event carries its host's boottime; the heartbeats' four stamps say by how much that clock differs from the coordinator's, and how well
// that is known. On the axis an effect never stands before its cause: an answer not before its command, nothing after it was received,
// nothing of an instance before what it did earlier. Where the clocks said otherwise, the entry was moved, and says so.
#ifndef PANTHER_COORDINATOR_REPORT_TIMELINE_H
#define PANTHER_COORDINATOR_REPORT_TIMELINE_H

#include "coordinator/report/table.h"

struct timeline_entry {
    int64_t time_ns;  // on the axis
    int64_t moved_ns; // by so much, for the sake of causality
    uint64_t error_ns;
    bool is_arrival; // its host's clock was not known: the time is when it was received
    const char *host, *service, *kind, *text;
    uint64_t sequence; // of the journal
};
struct timeline {
    struct timeline_entry *entries; // in order
    size_t count, capacity;
    int64_t zero_ns;       // of the first entry
    uint64_t error_ns;     // no entry's time is wrong by more, but for those of arrival
    int64_t moved_most_ns; // the largest move
    size_t moved, arrivals;
};
// Texts stay the table's.
void timeline_make(const struct table *rows, struct timeline *timeline);
void timeline_free(struct timeline *timeline);

struct table *timeline_table(const struct timeline *timeline); // a row an entry
void timeline_text(const struct timeline *timeline, struct text *out);
void timeline_html(const struct timeline *timeline, const char *title, struct text *out); // one page: zoom, filter

#endif

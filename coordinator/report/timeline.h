// What happened in a trial, of all hosts on one axis: the coordinator's boottime. Pure: from the rows of the store's table "timeline", and
// from what else was observed: lines of logs, packets, events of qlogs.
//
// An event carries its host's boottime; the heartbeats' four stamps say by how much that clock differs from the coordinator's, and how well
// that is known. On the axis an effect never stands before its cause: an answer not before its command, nothing after it was received,
// nothing of an instance before what it did earlier. Where the clocks said otherwise, the entry was moved, and says so. What else was
// observed is put between the events of its host, in the order of the host's own clock.
#ifndef PANTHER_COORDINATOR_REPORT_TIMELINE_H
#define PANTHER_COORDINATOR_REPORT_TIMELINE_H

#include "coordinator/report/table.h"

enum timeline_source { TIMELINE_JOURNAL, TIMELINE_METRICS, TIMELINE_LOGS, TIMELINE_PACKETS, TIMELINE_QLOG, TIMELINE_SOURCES };
const char *timeline_source_name(enum timeline_source source); // "journal", "metrics" ...

struct timeline_entry {
    int64_t time_ns;  // on the axis
    int64_t moved_ns; // by so much, for the sake of causality
    uint64_t error_ns;
    bool is_arrival; // its host's clock was not measured: it is known from when its events were received
    enum timeline_source source;
    const char *host, *service, *kind, *text;
    uint64_t sequence; // of the journal; of what is not in it: of what its host reported before
    size_t order;      // among entries of the same time and sequence
};
struct timeline_clocks; // of the hosts; timeline_clocks.h
struct timeline {
    struct timeline_entry *entries; // in order
    size_t count, capacity;
    int64_t zero_ns;       // of the first entry
    uint64_t error_ns;     // no entry's time is wrong by more, but for those of arrival
    int64_t moved_most_ns; // the largest move
    size_t moved, arrivals;
    size_t left_out[TIMELINE_SOURCES]; // beyond what was asked for
    size_t unplaced[TIMELINE_SOURCES]; // nothing says when they were
    struct timeline_clocks *clocks;
    struct arena *arena; // texts of what was observed
};
// Texts stay the table's.
void timeline_make(const struct table *rows, struct timeline *timeline);
void timeline_free(struct timeline *timeline);
void timeline_limit(struct timeline *timeline, enum timeline_source source, size_t most); // the first ones are kept

// What was seen on a host beside the journal. Its texts are copied.
struct timeline_observation {
    enum timeline_source source;
    const char *agent, *service, *kind, *text;
    int64_t time_ns; // of the agent's host: its boottime, or its wall clock
    bool is_wall;
    uint64_t error_ns; // of that time
};
void timeline_add(struct timeline *timeline, const struct timeline_observation *observation);
void timeline_finish(struct timeline *timeline); // puts what was added in order

struct table *timeline_table(const struct timeline *timeline); // a row an entry
void timeline_text(const struct timeline *timeline, struct text *out);
void timeline_html(const struct timeline *timeline, const char *title, struct text *out); // one page: zoom, filter

#endif

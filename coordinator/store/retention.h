// Which streams and artifacts the rules take away, and the removal of their files after the record of that is on the disk. Verdicts,
// metrics, events and the journal stay. coordinator/shell/retention.c calls it, in a thread of its own.
#ifndef PANTHER_COORDINATOR_STORE_RETENTION_H
#define PANTHER_COORDINATOR_STORE_RETENTION_H

#include "coordinator/store/store.h"

struct retention_rules {
    uint64_t age_ms;        // of a run, since it ended; 0: any
    uint64_t at_most_bytes; // of all evidence; the runs that ended first go first; 0: any
};

// What goes, run by run: of runs that have ended and are not pinned. The record is the callback's to copy; false: enough.
typedef bool retention_fn(void *context, const Pb__EvidenceRemoved *removed);
int retention_plan(struct store_reader *reader, const struct retention_rules *rules, int64_t now_wall_ns, retention_fn *callback,
                   void *context, struct panther_error *error);
int retention_kept_bytes(struct store_reader *reader, uint64_t *bytes, struct panther_error *error);

// Removes the files of what was recorded as removed after *cursor (0: ever), unless something else needs the same bytes. The cursor moves
// on; it stays before what was claimed a moment ago. Doing it again does no harm, so a start does it from 0.
int retention_sweep(struct store_reader *reader, uint64_t *cursor, uint64_t *files, struct panther_error *error);

#endif

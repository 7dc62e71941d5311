// The tables: the journal is the truth; everything else is a projection, written from records alone and rebuildable.
// Every projected row has `id` (made when) and, where rows change, `changed`: (sequence of the record << CHANGE_SHIFT) + ordinal,
// unique and rising, so that a cursor never falls between two rows of one record.
#ifndef PANTHER_COORDINATOR_STORE_SCHEMA_H
#define PANTHER_COORDINATOR_STORE_SCHEMA_H

// Rows that one record may make: CASES_PER_SERVICE_MAX unfinished cases are the most.
#define CHANGE_SHIFT 20

#define STORE_SCHEMA_VERSION 1
// A store with other projections is rebuilt from its journal when it is opened.
#define PROJECTION_VERSION 6

// How the state of content begins that retention took away; the reason follows.
#define REMOVED_STATE "removed by retention"

extern const char STORE_SCHEMA[];
extern const char PROJECTION_SCHEMA[];
extern const char PROJECTION_DROP[];

#endif

// The journal in the database: batches of packed records, each linked to the one before by a hash, written together with their
// projections. Replay checks every link and format.
#ifndef PANTHER_COORDINATOR_STORE_JOURNAL_H
#define PANTHER_COORDINATOR_STORE_JOURNAL_H

#include "coordinator/store/projection.h"
#include "coordinator/store/store.h"

#define LINK_BYTES STORE_LINK_BYTES

// The end of the chain; belongs to the thread that performs batches.
struct journal {
    uint8_t link[LINK_BYTES]; // hash of the last record; zeros before the first
    struct projection projection;
    struct arena *arena; // one record unpacked
    struct text scratch; // link || payload
};

// Records on their way, packed: a writer's job.
struct batch;
struct batch *batch_new(struct journal *journal, uint64_t first_sequence, const Pb__Record *const *records, size_t count);
void batch_free(void *batch);
int batch_perform(struct database *database, void *batch, struct panther_error *error);

// Reads the last sequence and link.
int journal_load(struct journal *journal, struct database *database, uint64_t *last_sequence, struct panther_error *error);
void journal_unload(struct journal *journal);
// What follows *position, which moves on.
int journal_replay(struct database *database, struct store_position *position, store_replay_fn *callback, void *context,
                   struct panther_error *error);
// link becomes that of the record with this payload, behind the record whose it was.
void journal_link(struct text *scratch, uint8_t link[LINK_BYTES], const void *payload, size_t bytes);
// Drops the projections and makes them again from the journal, in one transaction.
int journal_rebuild(struct database *database, struct panther_error *error);
// Do the projections have the shape that this program reads?
bool journal_projections_are_current(struct database *database);

#endif

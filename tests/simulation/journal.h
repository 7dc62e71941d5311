// The coordinator's store as a model: packed records in one sequence, of which a prefix is on the disk. Batches are committed in groups,
// one group after the other; what no commit has covered is lost with the process, all of a group or nothing of it.
#ifndef PANTHER_TESTS_SIMULATION_JOURNAL_H
#define PANTHER_TESTS_SIMULATION_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/memory.h"
#include "panther/v1/journal.pb-c.h"

struct kept_record {
    const uint8_t *data;
    size_t bytes;
};

struct journal {
    struct arena *arena; // the records' bytes
    struct kept_record *records;
    size_t count, capacity;
    size_t synced;     // records on the disk
    size_t committing; // records that the group at hand covers; 0: no commit runs
    uint64_t batches, committed_batches, committing_batches;
};

void journal_end(struct journal *journal);
uint64_t journal_append(struct journal *journal, const Pb__Record *const *records, size_t count); // number of the batch
bool journal_begin_commit(struct journal *journal);                                               // false: nothing to commit, or one runs
void journal_end_commit(struct journal *journal);
// The process dies. A commit that runs may have been made.
void journal_die(struct journal *journal, bool commit_was_made);
void journal_truncate(struct journal *journal, size_t records);
const Pb__Record *journal_read(const struct journal *journal, size_t index, struct arena *arena); // NULL: it would not replay

#endif

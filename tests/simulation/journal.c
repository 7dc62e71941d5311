// See journal.h.
#include "tests/simulation/journal.h"

#include <string.h>

#include "common/wire/wire.h"

void journal_end(struct journal *journal)
{
    free(journal->records);
}

uint64_t journal_append(struct journal *journal, const Pb__Record *const *records, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct kept_record kept;
        kept.data = wire_pack(records[i], journal->arena, &kept.bytes);
        APPEND(journal->records, journal->count, journal->capacity) = kept;
    }
    return ++journal->batches;
}

bool journal_begin_commit(struct journal *journal)
{
    if (journal->committing || journal->committed_batches == journal->batches)
        return false;
    journal->committing = journal->count;
    journal->committing_batches = journal->batches;
    return true;
}

void journal_end_commit(struct journal *journal)
{
    journal->synced = journal->committing;
    journal->committed_batches = journal->committing_batches;
    journal->committing = 0;
}

void journal_die(struct journal *journal, bool commit_was_made)
{
    if (journal->committing && commit_was_made)
        journal->synced = journal->committing;
    journal->count = journal->synced;
    journal->committing = 0;
    journal->committed_batches = journal->batches;
}

void journal_truncate(struct journal *journal, size_t records)
{
    journal->count = journal->synced = records;
}

const Pb__Record *journal_read(const struct journal *journal, size_t index, struct arena *arena)
{
    return wire_record(journal->records[index].data, journal->records[index].bytes, arena, NULL);
}

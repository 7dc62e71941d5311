// An append-only file of records that survives kill -9 and power loss: what a guard observed, until its agent has it.
// A record is `length, u32 little-endian | CRC-32C of the payload, u32 little-endian | payload`. Writer and readers need not live
// at the same time: a reader goes by offset, and reads a live, a re-adopted and a dead writer's file in one way.
#ifndef PANTHER_COMMON_SYSTEM_SPOOL_H
#define PANTHER_COMMON_SYSTEM_SPOOL_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"

#define SPOOL_HEADER_BYTES 8
// A payload; what claims to be larger is damage, not a record. Twice an event's limit.
#define SPOOL_RECORD_MAX_BYTES (128 * 1024)

// ---- the one writer
struct spool;
// Made if it is not there. A torn tail (a crash in the middle of a write) is cut off.
int spool_open(struct spool **out, const char *path, struct panther_error *error);
void spool_close(struct spool **spool);                                 // what was not written is lost
void spool_add(struct spool *spool, const void *payload, size_t bytes); // gathered in memory
uint64_t spool_pending_bytes(const struct spool *spool);                // gathered and not synced
// One write and one fdatasync of all that was gathered. On failure all of it stays gathered: after PANTHER_ENOSPACE the same call
// may be repeated (it writes the data again); after PANTHER_EIO it must not.
int spool_sync(struct spool *spool, struct panther_error *error);
// The write alone: from now on readers of this host see it, and it survives the writer, but not yet a power loss. Fails as above.
int spool_write(struct spool *spool, struct panther_error *error);
uint64_t spool_bytes(const struct spool *spool); // written or synced: how far readers may go

// ---- readers
struct spool_reader;
// The descriptor stays the caller's.
struct spool_reader *spool_reader_new(int fd, uint64_t offset);
void spool_reader_free(struct spool_reader **reader);
// 1: a record, valid until the next call; 0: no whole record up to `limit` (how far the writer said; UINT64_MAX of a dead
// one: its torn tail reads as 0). Negative: PANTHER_EINVALID for damage before the limit, PANTHER_EIO and others of the system.
int spool_next(struct spool_reader *reader, uint64_t limit, const void **payload, size_t *bytes, struct panther_error *error);
uint64_t spool_reader_offset(const struct spool_reader *reader); // behind the last record returned

#endif

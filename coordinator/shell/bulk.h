// The bulk server: streams and artifacts from agents, files of submissions from operators, and reading of all of them. A thread with
// a loop, a bus server and a store reader of its own; it speaks with the reactor by messages.
//   PutChunk STREAM, ARTIFACT   agents, for instances that are on them
//   PutChunk BLOB, HaveBlobs    operators
//   GetChunk hash               agents, operators, viewers
//   GetChunk stream             operators, viewers
// Refusals (RefusalCode): NOT_FOUND no such instance, stream or blob (for a sender: nobody wants it); ROLE; INVALID over a limit or
// out of shape; NO_SPACE and BUSY: try again later.
#ifndef PANTHER_COORDINATOR_SHELL_BULK_H
#define PANTHER_COORDINATOR_SHELL_BULK_H

#include "common/base/error.h"
#include "common/wire/wire.h"

// A guard keeps less of a stream (GuardSpec.stream_limit_bytes); this one is against a sender gone wrong.
#define BULK_STREAM_MAX_BYTES (UINT64_C(1) << 30)
// A capture of a busy interface over a long trial.
#define BULK_ARTIFACT_MAX_BYTES (UINT64_C(4) << 30)
// A program or a web root of a submission.
#define BULK_BLOB_MAX_BYTES (UINT64_C(1) << 30)
// Complete contents whose record is not committed yet: agents x what one sends at a time.
#define BULK_TICKETS_MAX 4096

struct loop;
struct bulk;
// In the loop's thread: record it, and say bulk_content_committed(ticket) when the record is on disk.
typedef void bulk_content_fn(void *context, const Pb__ContentStored *content, uint64_t ticket);
// reserve_bytes: see space.h.
int bulk_new(struct bulk **out, const char *folder, uint64_t reserve_bytes, const char *endpoint, const char *server_secret,
             bulk_content_fn *on_content, void *context, struct loop *loop, struct panther_error *error);
void bulk_free(struct bulk **bulk);
unsigned bulk_port(const struct bulk *bulk);

// From any thread. A key's role is looked up at every message; ZAP is the caller's (bus_zap_allow).
void bulk_key_set(struct bulk *bulk, const char *public_key, const char *name, int role);
void bulk_key_remove(struct bulk *bulk, const char *public_key);
void bulk_content_committed(struct bulk *bulk, uint64_t ticket);

struct bulk_counters {
    uint64_t malformed;  // not a message of ours
    uint64_t refused;    // answered by BulkRefused
    uint64_t deferred;   // of these: the disk is short, or something waits; asked for again later
    uint64_t wrong_hash; // thrown away and asked for again
    uint64_t stored;     // contents and blobs that were completed
    uint64_t bytes_in, bytes_out;
};
void bulk_counters(const struct bulk *bulk, struct bulk_counters *counters); // from any thread

#endif

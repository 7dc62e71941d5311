// The coordinator's data folder: journal (the truth), projections (made from it, in the same transaction), blobs.
//   DATA/lock  DATA/journal.db  DATA/snapshot  DATA/server.key  DATA/blobs/ab/<hash>  DATA/streams/<instance>.<generation>/<name> (growing)
// Small on purpose: a server database can stand behind it. Everything but the reader belongs to the reactor's thread.
#ifndef PANTHER_COORDINATOR_STORE_STORE_H
#define PANTHER_COORDINATOR_STORE_STORE_H

#include "common/base/identity.h"
#include "common/base/memory.h"
#include "common/database/database.h"
#include "common/wire/wire.h"

struct loop;
struct store;

struct store_callbacks {
    void (*on_committed)(void *context, uint64_t number); // see database.h
    void (*on_full)(void *context, bool full, const char *why);
    void (*on_broken)(void *context, const struct panther_error *error);
};

// Opens (and with `create`, makes) the folder and takes its lock. No loop: records are committed synchronously (offline tools).
int store_open(struct store **out, const char *folder, bool create, struct loop *loop, const struct store_callbacks *callbacks,
               void *context, struct panther_error *error);
void store_close(struct store **store);
// Every record in order, each checked (format, hash link). A record of another format: PANTHER_EVERSION naming both. The callback returns
// 0, or a negative code with *error, which ends the replay and is what it returns.
typedef int store_replay_fn(void *context, uint64_t sequence, const Pb__Record *record, struct panther_error *error);
int store_replay(struct store *store, store_replay_fn *callback, void *context, struct panther_error *error);
// A place in the journal: a record, and the hash that stands for it and all before it. {0}: before the first.
#define STORE_LINK_BYTES 32 // BLAKE2b-256
struct store_position {
    uint64_t sequence;
    uint8_t link[STORE_LINK_BYTES];
};
enum store_place {
    STORE_LIVE, // beside a coordinator that writes, or may write
    STORE_COPY, // nobody writes there, and nothing in the folder is made or changed
};
// The records after *position, which moves on to the last one; through a connection of its own, so from any thread. PANTHER_ENOTFOUND:
// the position is not of this journal, and nothing was called.
int store_replay_from(const char *folder, enum store_place place, struct store_position *position, store_replay_fn *callback, void *context,
                      struct panther_error *error);
// Tells the file of this journal from every copy of it, as far as the system can: the machine, the file's number and when it was made.
#define STORE_HOME_BYTES 128
void store_home(const char *folder, char home[STORE_HOME_BYTES]);
uint64_t store_last_sequence(const struct store *store);
// Hands a batch to the writer: packed now, so the records stay the caller's. Returns the batch's number (on_committed gets it). With no
// loop the call returns after the commit, and 0 on failure with *error.
uint64_t store_append(struct store *store, const Pb__Record *const *records, size_t count, struct panther_error *error);
// Drops the projections and makes them from the journal again. Without a loop only; store_open does it when their version is another.
int store_rebuild(struct store *store, struct panther_error *error);
// A new folder at `path` that `serve` can start from: journal, blobs (linked where the file system allows), the server's key. Works on
// a live store, from any thread (it can take long: give it to a reader's thread). What still grows in streams/ is not in it;
// agents send it again. records may be NULL.
int store_backup(const char *folder, const char *path, uint64_t *bytes, uint64_t *records, struct panther_error *error);
const char *store_folder(const struct store *store);

// ---- a snapshot: what the records up to a position add up to, in a file beside the journal (DATA/snapshot). Derived: it may be removed
// at any time, and one that is damaged or of another program is worth nothing. Any thread; one writer.
struct snapshot_file;
struct snapshot_file *snapshot_file_new(const struct store_position *position, const char *version);
void snapshot_file_add(struct snapshot_file *file, const Pb__SnapshotPart *part);
bool snapshot_file_equal(const struct snapshot_file *left, const struct snapshot_file *right); // byte by byte
void snapshot_file_free(struct snapshot_file **file);
int snapshot_file_write(struct snapshot_file *file, const char *folder, struct panther_error *error); // whole or not at all
// Its parts in order. The callback returns NULL, or why it does not take a part. PANTHER_ENOTFOUND: there is none; PANTHER_EVERSION,
// PANTHER_EINVALID: there is one of no use, and why; parts may have been called with.
typedef const char *snapshot_part_fn(void *context, const Pb__SnapshotPart *part);
int snapshot_file_read(const char *folder, const char *version, snapshot_part_fn *callback, void *context, struct store_position *position,
                       struct panther_error *error);

// ---- reading, in a thread of its own: an own read-only connection
struct store_reader;
int store_reader_open(struct store_reader **out, const char *folder, struct panther_error *error);
void store_reader_close(struct store_reader **reader);
// A page of a table. Unknown run or name: PANTHER_ENOTFOUND with what there is.
int store_query(struct store_reader *reader, const Pb__Query *query, struct arena *arena, Pb__Rows **rows, struct panther_error *error);
// Where the bytes of a stream or artifact are: a growing file, or a blob.
struct store_content {
    uint64_t instance;
    uint32_t generation;
    char hash[HASH_TEXT_BYTES]; // empty: still growing
    uint64_t bytes;
    bool ended;     // no more will come
    bool is_stream; // else an artifact
    char name[FULL_NAME_MAX_BYTES];
};
int store_find_content(struct store_reader *reader, const char *full_name, struct store_content *content, struct panther_error *error);
// The same by instance, for the receiver of the bytes: is it stored already, or was it, and was removed? PANTHER_ENOTFOUND: no.
int store_find_stored(struct store_reader *reader, uint64_t instance, uint32_t generation, const char *name, bool is_stream,
                      struct store_content *content);
// May this agent write content of this instance?
bool store_instance_is_on(struct store_reader *reader, uint64_t instance, uint32_t generation, const char *agent);

// ---- blobs: files named by their BLAKE2b hash. Thread-safe (the file system is the lock).
bool blob_hash_is_valid(const char *hash);             // of any text: 64 lower-case hex digits
char *blob_path(const char *folder, const char *hash); // heap; hash is valid
bool blob_exists(const char *folder, const char *hash);
// It is there, and is not removed for BLOB_CLAIM_S: who says so to somebody who then relies on it.
bool blob_claim(const char *folder, const char *hash);
// Longer than from an answer to the record that names the blob, by far: that is a commit.
#define BLOB_CLAIM_S 600
// The file goes, unless somebody claimed it: PANTHER_ESTATE. What is not there is gone. Only after no record needs it.
int blob_remove(const char *folder, const char *hash);
int blob_restore(const char *folder, struct panther_error *error); // at the start: what was half removed is there again
// Takes a complete, synced file into the blobs by rename; the hash was checked by the caller.
int blob_adopt(const char *folder, const char *path, const char *hash, struct panther_error *error);
int folder_sync(const char *path, struct panther_error *error);

// ---- growing files: any name from an agent becomes one safe file name below the instance's folder. Heap.
char *content_folder(const char *folder, uint64_t instance, uint32_t generation);
char *content_path(const char *folder, uint64_t instance, uint32_t generation, const char *name, bool is_stream);

#endif

// STATE/agent.db: facts, instance table, tombstones, outbox, and the cache of plugin descriptions. Batches go through the writer's
// thread; what is read back (resending, the cache) goes through a read-only handle of the loop's thread.
#ifndef PANTHER_AGENT_SHELL_STORAGE_H
#define PANTHER_AGENT_SHELL_STORAGE_H

#include "agent/core/core.h"
#include "common/wire/wire.h"

struct loop;
struct storage;

// What several steps of the core decided: written in one go, then its held effects are performed.
struct batch {
    struct arena *arena;
    struct agent_output output;
    bool failed;
};
struct batch *batch_new(void);
void batch_free(struct batch **batch);

struct storage_callbacks {
    void (*on_committed)(void *context, struct batch *batch); // takes the batch
    void (*on_full)(void *context, bool full, const char *why);
    void (*on_broken)(void *context, const struct panther_error *error);
};

struct storage_loaded {
    struct agent_facts facts;
    struct agent_row *rows;
    size_t row_count;
    struct agent_tombstone *tombstones;
    size_t tombstone_count;
    uint32_t *outbox_bytes;
    size_t outbox_count;
};

// Opens, makes or refuses (another version) the database and reads all of it but the outbox's events into the arena.
int storage_open(struct storage **out, struct loop *loop, const char *state, const struct storage_callbacks *callbacks, void *context,
                 struct arena *arena, struct storage_loaded *loaded, struct panther_error *error);
void storage_close(struct storage **storage); // commits what was submitted

// Takes the batch; one at a time.
void storage_submit(struct storage *storage, struct batch **batch);
bool storage_is_busy(const struct storage *storage);

// Committed events first, first + 1, ... into the arena; returns how many there are without a hole.
size_t storage_events(struct storage *storage, uint64_t first, size_t count, struct arena *arena, struct wire_bytes *events);

// Packed PluginDescription of a plugin's file; NULL: not known.
const void *storage_description(struct storage *storage, const char *file_hash, struct arena *arena, size_t *bytes);
void storage_keep_description(struct storage *storage, const char *file_hash, const void *data, size_t bytes);

#endif

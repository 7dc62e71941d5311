// The agent's database: opening, loading, submitting batches, reading back.
#include "agent/shell/storage.h"

#include <stdio.h>
#include <string.h>

#include "agent/shell/storage_records.h"
#include "agent/shell/storage_sql.h"
#include "common/database/database.h"
#include "common/system/file.h"

struct storage {
    struct database_writer *writer;
    struct database *reader;
    struct storage_callbacks callbacks;
    void *context;
    struct batch *committing;
    uint64_t committing_number;
};

static const char LOAD_FACTS[] = "SELECT epoch, store_id, incarnation, acknowledged, tombstone_floor FROM facts";
static const char LOAD_ROWS[] =
    "SELECT instance, generation, last_command, spool_offset, spool_sequence, outbox_last, ended, discarded, spec"
    " FROM instances JOIN intents USING (instance, generation) ORDER BY instance, generation";
static const char LOAD_TOMBSTONES[] = "SELECT instance, generation FROM tombstones ORDER BY instance";
static const char LOAD_SIZES[] = "SELECT sequence, length(event) FROM outbox ORDER BY sequence";
static const char READ_EVENTS[] = "SELECT sequence, event FROM outbox WHERE sequence >= ? ORDER BY sequence LIMIT ?";
static const char READ_DESCRIPTION[] = "SELECT description FROM descriptions WHERE file_hash = ?";
static const char KEEP_DESCRIPTION[] = "INSERT OR REPLACE INTO descriptions VALUES (?, ?)";

struct batch *batch_new(void)
{
    struct batch *batch = NEW(struct batch);
    batch->arena = arena_new(0);
    batch->output.arena = batch->arena;
    return batch;
}

void batch_free(struct batch **batch)
{
    if (!*batch)
        return;
    agent_output_clear(&(*batch)->output);
    arena_free(&(*batch)->arena);
    free(*batch);
    *batch = NULL;
}

// ---- loading

static int load_facts(struct database *database, struct agent_facts *facts, struct panther_error *error)
{
    struct statement *statement = database_statement(database, LOAD_FACTS);
    int result = statement_step(statement, error);
    if (result == 1) {
        snprintf(facts->epoch, sizeof facts->epoch, "%s", statement_text(statement, 0));
        snprintf(facts->store_id, sizeof facts->store_id, "%s", statement_text(statement, 1));
        facts->incarnation = (uint64_t)statement_integer(statement, 2);
        facts->acknowledged = (uint64_t)statement_integer(statement, 3);
        facts->tombstone_floor = (uint64_t)statement_integer(statement, 4);
    }
    statement_reset(statement);
    return result == 0 ? error_set(error, PANTHER_EINVALID, "agent.db has no facts") : result;
}

static int load_row(struct statement *statement, struct arena *arena, struct agent_row *row, struct panther_error *error)
{
    size_t bytes;
    const void *packed = statement_blob(statement, 8, &bytes);
    *row = (struct agent_row){
        .instance = (uint64_t)statement_integer(statement, 0),
        .generation = (uint32_t)statement_integer(statement, 1),
        .last_command = (uint32_t)statement_integer(statement, 2),
        .spool_offset = (uint64_t)statement_integer(statement, 3),
        .spool_sequence = (uint64_t)statement_integer(statement, 4),
        .outbox_last = (uint64_t)statement_integer(statement, 5),
        .ended = statement_integer(statement, 6) != 0,
        .discarded = statement_integer(statement, 7) != 0,
        // Not checked for meaning: the core wrote it, and a specification is whole only when it is spawned.
        .spec = wire_unpack(&pb__guard_spec__descriptor, packed, bytes, arena),
    };
    if (!row->spec || !row->spec->initialize)
        return error_set(error, PANTHER_EINVALID, "agent.db: the specification of instance %llu.%u is damaged",
                         (unsigned long long)row->instance, row->generation);
    return 0;
}

static int load_rows(struct database *database, struct arena *arena, struct storage_loaded *loaded, struct panther_error *error)
{
    struct statement *statement = database_statement(database, LOAD_ROWS);
    loaded->rows = ARENA_ARRAY(arena, struct agent_row, AGENT_INSTANCES_MAX);
    int result;
    while ((result = statement_step(statement, error)) == 1 && loaded->row_count < AGENT_INSTANCES_MAX) {
        result = load_row(statement, arena, &loaded->rows[loaded->row_count], error);
        if (result < 0)
            break;
        loaded->row_count++;
    }
    statement_reset(statement);
    return result < 0 ? result : 0;
}

static int load_tombstones(struct database *database, struct arena *arena, struct storage_loaded *loaded, struct panther_error *error)
{
    struct statement *statement = database_statement(database, LOAD_TOMBSTONES);
    loaded->tombstones = ARENA_ARRAY(arena, struct agent_tombstone, AGENT_TOMBSTONES_MAX + 1);
    int result;
    while ((result = statement_step(statement, error)) == 1 && loaded->tombstone_count <= AGENT_TOMBSTONES_MAX)
        loaded->tombstones[loaded->tombstone_count++] =
            (struct agent_tombstone){(uint64_t)statement_integer(statement, 0), (uint32_t)statement_integer(statement, 1)};
    statement_reset(statement);
    return result < 0 ? result : 0;
}

static int load_sizes(struct database *database, struct arena *arena, struct storage_loaded *loaded, struct panther_error *error)
{
    struct statement *statement = database_statement(database, LOAD_SIZES);
    uint32_t *sizes = NULL;
    size_t capacity = 0;
    uint64_t expected = loaded->facts.acknowledged + 1;
    int result;
    while ((result = statement_step(statement, error)) == 1) {
        if ((uint64_t)statement_integer(statement, 0) != expected++) {
            result = error_set(error, PANTHER_EINVALID, "agent.db: the outbox has a hole before %lld",
                               (long long)statement_integer(statement, 0));
            break;
        }
        APPEND(sizes, loaded->outbox_count, capacity) = (uint32_t)statement_integer(statement, 1);
    }
    statement_reset(statement);
    loaded->outbox_bytes = ARENA_ARRAY(arena, uint32_t, loaded->outbox_count + 1);
    if (sizes)
        memcpy(loaded->outbox_bytes, sizes, loaded->outbox_count * sizeof *sizes);
    free(sizes);
    return result < 0 ? result : 0;
}

static int load(struct database *database, struct arena *arena, struct storage_loaded *loaded, struct panther_error *error)
{
    int result = load_facts(database, &loaded->facts, error);
    if (result >= 0)
        result = load_rows(database, arena, loaded, error);
    if (result >= 0)
        result = load_tombstones(database, arena, loaded, error);
    if (result >= 0)
        result = load_sizes(database, arena, loaded, error);
    return result < 0 ? result : 0;
}

// ---- writer

static void on_committed(void *context, uint64_t number)
{
    struct storage *storage = context;
    if (!storage->committing || number < storage->committing_number)
        return; // a job of the cache
    struct batch *batch = storage->committing;
    storage->committing = NULL;
    storage->callbacks.on_committed(storage->context, batch);
}

static void on_full(void *context, bool full, const char *why)
{
    struct storage *storage = context;
    storage->callbacks.on_full(storage->context, full, why);
}

static void on_broken(void *context, const struct panther_error *error)
{
    struct storage *storage = context;
    storage->callbacks.on_broken(storage->context, error);
}

static int open_both(struct storage *storage, struct loop *loop, const char *path, struct database *database, struct panther_error *error)
{
    const struct database_writer_callbacks callbacks = {on_committed, on_full, on_broken};
    int result = database_open(&storage->reader, path, DATABASE_READ_ONLY, NULL, STORAGE_VERSION, error);
    if (result == 0) {
        result = database_writer_new(&storage->writer, loop, &database, &callbacks, storage);
        if (result < 0)
            error_set(error, result, "no writer for %s", path);
    }
    database_close(&database);
    return result;
}

int storage_open(struct storage **out, struct loop *loop, const char *state, const struct storage_callbacks *callbacks, void *context,
                 struct arena *arena, struct storage_loaded *loaded, struct panther_error *error)
{
    CLEANUP_FREE char *path = path_join(state, "agent.db");
    struct database *database = NULL;
    *loaded = (struct storage_loaded){0};
    int result = database_open(&database, path, DATABASE_READ_WRITE, STORAGE_SCHEMA, STORAGE_VERSION, error);
    if (result < 0)
        return result;
    result = load(database, arena, loaded, error);
    if (result < 0) {
        database_close(&database);
        return result;
    }
    struct storage *storage = NEW(struct storage);
    storage->callbacks = *callbacks;
    storage->context = context;
    result = open_both(storage, loop, path, database, error);
    if (result < 0)
        storage_close(&storage);
    else
        *out = storage;
    return result;
}

void storage_close(struct storage **storage)
{
    if (!*storage)
        return;
    database_writer_free(&(*storage)->writer);
    database_close(&(*storage)->reader);
    batch_free(&(*storage)->committing);
    free(*storage);
    *storage = NULL;
}

bool storage_is_busy(const struct storage *storage)
{
    return storage->committing != NULL;
}

void storage_submit(struct storage *storage, struct batch **batch)
{
    INVARIANT(!storage->committing);
    records_pack_own(*batch);
    storage->committing = *batch;
    *batch = NULL;
    struct database_job job = {.perform = records_perform, .argument = storage->committing};
    storage->committing_number = database_writer_submit(storage->writer, job);
}

// ---- reading back

size_t storage_events(struct storage *storage, uint64_t first, size_t count, struct arena *arena, struct wire_bytes *events)
{
    struct statement *statement = database_statement(storage->reader, READ_EVENTS);
    statement_bind_integer(statement, 1, (int64_t)first);
    statement_bind_integer(statement, 2, (int64_t)count);
    size_t found = 0;
    while (found < count && statement_step(statement, NULL) == 1 && (uint64_t)statement_integer(statement, 0) == first + found) {
        size_t bytes;
        const void *data = statement_blob(statement, 1, &bytes);
        void *copy = arena_allocate(arena, bytes);
        memcpy(copy, data, bytes);
        events[found++] = (struct wire_bytes){copy, bytes};
    }
    statement_reset(statement);
    return found;
}

const void *storage_description(struct storage *storage, const char *file_hash, struct arena *arena, size_t *bytes)
{
    struct statement *statement = database_statement(storage->reader, READ_DESCRIPTION);
    statement_bind_text(statement, 1, file_hash);
    void *copy = NULL;
    if (statement_step(statement, NULL) == 1) {
        const void *data = statement_blob(statement, 0, bytes);
        copy = arena_allocate(arena, *bytes);
        memcpy(copy, data, *bytes);
    }
    statement_reset(statement);
    return copy;
}

struct kept_description {
    char file_hash[HASH_TEXT_BYTES];
    size_t bytes;
    uint8_t data[];
};

static int keep_description(struct database *database, void *argument, struct panther_error *error)
{
    const struct kept_description *kept = argument;
    struct statement *statement = database_statement(database, KEEP_DESCRIPTION);
    statement_bind_text(statement, 1, kept->file_hash);
    statement_bind_blob(statement, 2, kept->data, kept->bytes);
    return statement_run(statement, error);
}

void storage_keep_description(struct storage *storage, const char *file_hash, const void *data, size_t bytes)
{
    struct kept_description *kept = memory_new(sizeof *kept + bytes);
    snprintf(kept->file_hash, sizeof kept->file_hash, "%s", file_hash);
    kept->bytes = bytes;
    memcpy(kept->data, data, bytes);
    database_writer_submit(storage->writer, (struct database_job){keep_description, free, kept});
}

// The data folder: lock, database, writer, backup.
#include "coordinator/store/store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/system/file.h"
#include "coordinator/store/journal.h"
#include "coordinator/store/schema.h"

struct store {
    char *folder, *path;
    int lock_fd;
    struct database *database; // without a loop; else the writer has it
    struct database_writer *writer;
    struct journal journal;
    uint64_t last_sequence; // handed to the writer
    uint64_t batches;
    struct store_callbacks callbacks;
    void *context;
};

// ---- opening

static int make_folders(const char *folder, struct panther_error *error)
{
    static const char *const parts[] = {"", "blobs", "streams", "incoming"};
    int result = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts && result >= 0; i++) {
        CLEANUP_FREE char *path = path_join(folder, parts[i]);
        result = folder_make(path, 0700, error);
    }
    return result;
}

static int open_database(struct store *store, struct panther_error *error)
{
    int result = database_open(&store->database, store->path, DATABASE_READ_WRITE, STORE_SCHEMA, STORE_SCHEMA_VERSION, error);
    if (result == 0 && !journal_projections_are_current(store->database))
        result = journal_rebuild(store->database, error);
    return result < 0 ? result : journal_load(&store->journal, store->database, &store->last_sequence, error);
}

static int start_writer(struct store *store, struct loop *loop, struct panther_error *error)
{
    const struct database_writer_callbacks callbacks = {store->callbacks.on_committed, store->callbacks.on_full,
                                                        store->callbacks.on_broken};
    int result = database_writer_new(&store->writer, loop, &store->database, &callbacks, store->context);
    return result < 0 ? error_set(error, result, "cannot start the writer of %s", store->path) : 0;
}

static int open_all(struct store *store, bool create, struct loop *loop, struct panther_error *error)
{
    int result = create ? make_folders(store->folder, error) : 0;
    if (result == 0 && !create && !file_exists(store->path))
        result = error_set(error, PANTHER_ENOTFOUND, "there is no store in %s; panther-coord serve --init makes one", store->folder);
    if (result == 0)
        result = folder_lock(store->folder, &store->lock_fd, error);
    if (result == 0)
        result = open_database(store, error);
    return result < 0 || !loop ? result : start_writer(store, loop, error);
}

int store_open(struct store **out, const char *folder, bool create, struct loop *loop, const struct store_callbacks *callbacks,
               void *context, struct panther_error *error)
{
    struct store *store = NEW(struct store);
    store->folder = memory_string(folder);
    store->path = path_join(folder, "journal.db");
    store->lock_fd = -1;
    store->context = context;
    if (callbacks)
        store->callbacks = *callbacks;
    int result = open_all(store, create, loop, error);
    if (result < 0)
        store_close(&store);
    else
        *out = store;
    return result;
}

void store_close(struct store **store_address)
{
    struct store *store = *store_address;
    if (!store)
        return;
    *store_address = NULL;
    database_writer_free(&store->writer);
    database_close(&store->database);
    journal_unload(&store->journal);
    if (store->lock_fd >= 0)
        close(store->lock_fd);
    free(store->path);
    free(store->folder);
    free(store);
}

const char *store_folder(const struct store *store)
{
    return store->folder;
}

uint64_t store_last_sequence(const struct store *store)
{
    return store->last_sequence;
}

// ---- records

static int append_now(struct store *store, struct batch *batch, struct panther_error *error)
{
    struct database *database = store->database;
    int result = database_execute(database, "BEGIN IMMEDIATE", error);
    if (result == 0)
        result = batch_perform(database, batch, error);
    if (result == 0)
        result = database_execute(database, "COMMIT", error);
    if (result < 0)
        database_rollback(database);
    else
        database_checkpoint(database, true, NULL);
    return result;
}

uint64_t store_append(struct store *store, const Pb__Record *const *records, size_t count, struct panther_error *error)
{
    struct batch *batch = batch_new(&store->journal, store->last_sequence + 1, records, count);
    if (store->writer) {
        store->last_sequence += count;
        return database_writer_submit(store->writer, (struct database_job){batch_perform, batch_free, batch});
    }
    uint8_t link[LINK_BYTES];
    memcpy(link, store->journal.link, sizeof link);
    int result = append_now(store, batch, error);
    batch_free(batch);
    if (result < 0) {
        memcpy(store->journal.link, link, sizeof link);
        return 0;
    }
    store->last_sequence += count;
    return ++store->batches;
}

int store_replay_from(const char *folder, enum store_place place, struct store_position *position, store_replay_fn *callback, void *context,
                      struct panther_error *error)
{
    CLEANUP_FREE char *path = path_join(folder, "journal.db");
    struct database *database = NULL;
    int result =
        database_open(&database, path, place == STORE_LIVE ? DATABASE_READ_ONLY : DATABASE_UNTOUCHED, NULL, STORE_SCHEMA_VERSION, error);
    if (result == 0)
        result = journal_replay(database, position, callback, context, error);
    database_close(&database);
    return result;
}

int store_replay(struct store *store, store_replay_fn *callback, void *context, struct panther_error *error)
{
    struct store_position beginning = {0};
    return store_replay_from(store->folder, STORE_LIVE, &beginning, callback, context, error);
}

int store_rebuild(struct store *store, struct panther_error *error)
{
    INVARIANT(store->database); // not while a writer works on it
    return journal_rebuild(store->database, error);
}

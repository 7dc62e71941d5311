// The journal's rows and links. A batch is packed in the reactor's thread and performed in the writer's; its links are computed
// once and kept, so that performing it again after a full disk gives the same rows.
#include "coordinator/store/journal.h"

#include <stdio.h>
#include <string.h>

#include "common/base/limits.h"
#include "coordinator/store/schema.h"

static const char INSERT[] = "INSERT INTO journal(sequence, run, trial, instance, kind, hash, payload) VALUES(?, ?, ?, ?, ?, ?, ?)";
static const char LAST[] = "SELECT sequence, hash FROM journal ORDER BY sequence DESC LIMIT 1";
static const char FROM[] = "SELECT sequence, hash, payload FROM journal WHERE sequence > ? ORDER BY sequence";
static const char LINK_OF[] = "SELECT hash FROM journal WHERE sequence = ?";
static const char SUBJECT[] = "UPDATE journal SET run = ?2, trial = ?3, instance = ?4 WHERE sequence = ?1 AND"
                              " (run <> ?2 OR trial <> ?3 OR instance <> ?4)";
static const char VERSION[] = "SELECT version FROM projection";

struct packed {
    const uint8_t *data;
    size_t bytes;
    uint8_t link[LINK_BYTES];
};

struct batch {
    struct journal *journal;
    struct arena *arena;
    struct packed *records;
    size_t count;
    uint64_t first_sequence;
    bool is_linked;
};

static int hex_digit(char digit)
{
    return digit <= '9' ? digit - '0' : digit - 'a' + 10;
}

// link = BLAKE2b(link || payload)
void journal_link(struct text *scratch, uint8_t link[LINK_BYTES], const void *payload, size_t bytes)
{
    char hash[HASH_TEXT_BYTES];
    text_clear(scratch);
    text_append_bytes(scratch, link, LINK_BYTES);
    text_append_bytes(scratch, payload, bytes);
    hash_bytes(scratch->data, scratch->length, hash);
    for (size_t i = 0; i < LINK_BYTES; i++)
        link[i] = (uint8_t)(hex_digit(hash[2 * i]) << 4 | hex_digit(hash[2 * i + 1]));
}

// ---- writing

struct batch *batch_new(struct journal *journal, uint64_t first_sequence, const Pb__Record *const *records, size_t count)
{
    struct batch *batch = NEW(struct batch);
    batch->journal = journal;
    batch->arena = arena_new(0);
    batch->first_sequence = first_sequence;
    batch->count = count;
    batch->records = ARENA_ARRAY(batch->arena, struct packed, count);
    for (size_t i = 0; i < count; i++)
        batch->records[i].data = wire_pack(records[i], batch->arena, &batch->records[i].bytes);
    return batch;
}

void batch_free(void *argument)
{
    struct batch *batch = argument;
    arena_free(&batch->arena);
    free(batch);
}

static void batch_link(struct batch *batch)
{
    struct journal *journal = batch->journal;
    for (size_t i = 0; i < batch->count; i++) {
        journal_link(&journal->scratch, journal->link, batch->records[i].data, batch->records[i].bytes);
        memcpy(batch->records[i].link, journal->link, LINK_BYTES);
    }
    batch->is_linked = true;
}

static int insert(struct database *database, const struct projection *subject, const Pb__Record *record, const struct packed *packed,
                  struct panther_error *error)
{
    struct statement *statement = database_statement(database, INSERT);
    statement_bind_integer(statement, 1, (int64_t)subject->sequence);
    statement_bind_integer(statement, 2, (int64_t)subject->run);
    statement_bind_integer(statement, 3, (int64_t)subject->trial);
    statement_bind_integer(statement, 4, (int64_t)subject->instance);
    statement_bind_integer(statement, 5, (int64_t)record->body_case);
    statement_bind_blob(statement, 6, packed->link, LINK_BYTES);
    statement_bind_blob(statement, 7, packed->data, packed->bytes);
    return statement_run(statement, error);
}

static int write_record(struct journal *journal, uint64_t sequence, const struct packed *packed, struct panther_error *error)
{
    arena_reset(journal->arena);
    const Pb__Record *record = wire_unpack(&pb__record__descriptor, packed->data, packed->bytes, journal->arena);
    INVARIANT(record); // this process packed it
    struct projection *projection = &journal->projection;
    int result = projection_begin(projection, sequence, record, error);
    if (result >= 0)
        result = insert(projection->database, projection, record, packed, error);
    return result < 0 ? result : projection_apply(projection, record, error);
}

int batch_perform(struct database *database, void *argument, struct panther_error *error)
{
    struct batch *batch = argument;
    batch->journal->projection.database = database;
    if (!batch->is_linked)
        batch_link(batch);
    int result = 0;
    for (size_t i = 0; i < batch->count && result >= 0; i++)
        result = write_record(batch->journal, batch->first_sequence + i, &batch->records[i], error);
    return result;
}

int journal_load(struct journal *journal, struct database *database, uint64_t *last_sequence, struct panther_error *error)
{
    *journal = (struct journal){.arena = arena_new(0), .projection = {.database = database}};
    *last_sequence = 0;
    struct statement *statement = database_statement(database, LAST);
    int result = statement_step(statement, error);
    size_t bytes = 0;
    const void *link = result == 1 ? statement_blob(statement, 1, &bytes) : NULL;
    if (bytes == LINK_BYTES) {
        memcpy(journal->link, link, LINK_BYTES);
        *last_sequence = (uint64_t)statement_integer(statement, 0);
    } else if (result == 1) {
        result = error_set(error, PANTHER_EIO, "the last record of the journal has no hash: restore a backup");
    }
    statement_reset(statement);
    return result < 0 ? result : 0;
}

void journal_unload(struct journal *journal)
{
    arena_free(&journal->arena);
    text_free(&journal->scratch);
}

// ---- reading

struct replay {
    struct arena *arena;
    struct text scratch;
    struct store_position *position;
};

// Is the position of this journal? It is not when another store was put in its place, or an older backup.
static int find_position(struct database *database, const struct store_position *position, struct panther_error *error)
{
    if (position->sequence == 0)
        return 0;
    struct statement *statement = database_statement(database, LINK_OF);
    statement_bind_integer(statement, 1, (int64_t)position->sequence);
    int result = statement_step(statement, error);
    size_t bytes = 0;
    const void *link = result == 1 ? statement_blob(statement, 0, &bytes) : NULL;
    bool is_there = bytes == LINK_BYTES && memcmp(link, position->link, LINK_BYTES) == 0;
    statement_reset(statement);
    if (result < 0 || is_there)
        return result < 0 ? result : 0;
    return error_set(error, PANTHER_ENOTFOUND, "record %llu of the journal is another one or is not there",
                     (unsigned long long)position->sequence);
}

static int check_link(struct replay *replay, struct statement *statement, const void *payload, size_t payload_bytes,
                      struct panther_error *error)
{
    struct store_position *position = replay->position;
    uint64_t expected = position->sequence + 1;
    position->sequence = (uint64_t)statement_integer(statement, 0);
    if (position->sequence != expected)
        return error_set(error, PANTHER_EIO, "the journal has no record %llu: it was damaged or changed; restore a backup",
                         (unsigned long long)expected);
    journal_link(&replay->scratch, position->link, payload, payload_bytes);
    size_t bytes;
    const void *link = statement_blob(statement, 1, &bytes);
    if (bytes != LINK_BYTES || memcmp(link, position->link, LINK_BYTES) != 0)
        return error_set(error, PANTHER_EIO,
                         "the hash link of record %llu of the journal is broken: it was damaged or changed; restore a backup",
                         (unsigned long long)position->sequence);
    return 0;
}

// The record of the current row, its link checked; NULL with *error.
static const Pb__Record *read_record(struct replay *replay, struct statement *statement, struct panther_error *error)
{
    size_t bytes;
    const void *payload = statement_blob(statement, 2, &bytes);
    if (check_link(replay, statement, payload, bytes, error) < 0)
        return NULL;
    arena_reset(replay->arena);
    const Pb__Record *record = wire_unpack(&pb__record__descriptor, payload, bytes, replay->arena);
    unsigned long long sequence = replay->position->sequence;
    const char *why = record ? NULL : "cannot be unpacked";
    if (record && record->format != JOURNAL_FORMAT) {
        error_set(error, PANTHER_EVERSION, "record %llu of the journal has format %u, this program reads format %d", sequence,
                  record->format, JOURNAL_FORMAT);
        return NULL;
    }
    if (record)
        why = record_invalid(record);
    if (!why)
        return record;
    error_set(error, PANTHER_EIO, "record %llu of the journal is not valid: %s", sequence, why);
    return NULL;
}

int journal_replay(struct database *database, struct store_position *position, store_replay_fn *callback, void *context,
                   struct panther_error *error)
{
    int result = find_position(database, position, error);
    if (result < 0)
        return result;
    struct panther_error local = {0};
    struct replay replay = {.arena = arena_new(0), .position = position};
    struct statement *statement = database_statement(database, FROM);
    statement_bind_integer(statement, 1, (int64_t)position->sequence);
    while ((result = statement_step(statement, &local)) == 1) {
        const Pb__Record *record = read_record(&replay, statement, &local);
        if (!record) {
            result = local.code;
            break;
        }
        result = callback(context, position->sequence, record, &local);
        if (result < 0)
            break;
    }
    statement_reset(statement);
    arena_free(&replay.arena);
    text_free(&replay.scratch);
    if (result < 0 && error)
        *error = local;
    return result;
}

// ---- rebuilding

bool journal_projections_are_current(struct database *database)
{
    struct statement *statement = database_statement(database, VERSION);
    bool is_current = statement_step(statement, NULL) == 1 && statement_integer(statement, 0) == PROJECTION_VERSION;
    statement_reset(statement);
    return is_current;
}

static int rebuild_record(void *context, uint64_t sequence, const Pb__Record *record, struct panther_error *error)
{
    struct projection *projection = context;
    int result = projection_begin(projection, sequence, record, error);
    if (result >= 0)
        result = PROJECT(projection, SUBJECT, error, INTEGER(sequence), INTEGER(projection->run), INTEGER(projection->trial),
                         INTEGER(projection->instance));
    return result < 0 ? result : projection_apply(projection, record, error);
}

static int rebuild_all(struct database *database, struct panther_error *error)
{
    struct projection *projection = NEW(struct projection);
    projection->database = database;
    struct store_position beginning = {0};
    int result = journal_replay(database, &beginning, rebuild_record, projection, error);
    free(projection);
    return result;
}

static int set_version(struct database *database, struct panther_error *error)
{
    char sql[96];
    snprintf(sql, sizeof sql, "DELETE FROM projection; INSERT INTO projection VALUES(%d)", PROJECTION_VERSION);
    return database_execute(database, sql, error);
}

int journal_rebuild(struct database *database, struct panther_error *error)
{
    int result = database_execute(database, "BEGIN IMMEDIATE", error);
    if (result == 0)
        result = database_execute(database, PROJECTION_DROP, error);
    if (result == 0)
        result = database_execute(database, PROJECTION_SCHEMA, error);
    if (result == 0)
        result = rebuild_all(database, error);
    if (result == 0)
        result = set_version(database, error);
    if (result == 0)
        result = database_execute(database, "COMMIT", error);
    if (result < 0)
        database_rollback(database);
    return result;
}

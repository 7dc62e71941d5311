#include "agent/shell/storage_records.h"

#include "common/database/database.h"

static const char PUT_FACTS[] = "UPDATE facts SET epoch = ?, store_id = ?, incarnation = ?, acknowledged = ?, tombstone_floor = ?";
static const char PUT_INTENT[] = "INSERT OR REPLACE INTO intents VALUES (?, ?, ?)";
static const char PUT_ROW[] = "INSERT OR REPLACE INTO instances VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
static const char DELETE_ROW[] = "DELETE FROM instances WHERE instance = ? AND generation = ?";
static const char DELETE_INTENT[] = "DELETE FROM intents WHERE instance = ? AND generation = ?";
static const char PUT_TOMBSTONE[] =
    "INSERT INTO tombstones VALUES (?, ?) ON CONFLICT (instance) DO UPDATE SET generation = max(generation, excluded.generation)";
static const char DROP_TOMBSTONE[] = "DELETE FROM tombstones WHERE instance = ?";
static const char APPEND_EVENT[] = "INSERT INTO outbox VALUES (?, ?)";
static const char FREE_EVENTS[] = "DELETE FROM outbox WHERE sequence <= ?";
static const char ACKNOWLEDGE[] = "UPDATE facts SET acknowledged = ?";
static const char RESET[] = "DELETE FROM instances; DELETE FROM intents; DELETE FROM tombstones; DELETE FROM outbox";

void records_pack_own(struct batch *batch)
{
    for (size_t i = 0; i < batch->output.record_count; i++) {
        struct agent_record *record = &batch->output.records[i];
        if (record->kind == AGENT_RECORD_APPEND && !record->append.packed)
            record->append.packed = wire_pack(record->append.event, batch->arena, &record->append.bytes);
        if (record->kind == AGENT_RECORD_INTENT)
            record->packed_spec = wire_pack(record->row.spec, batch->arena, &record->packed_spec_bytes);
    }
}

static int put_facts(struct database *database, const struct agent_facts *facts, struct panther_error *error)
{
    struct statement *statement = database_statement(database, PUT_FACTS);
    statement_bind_text(statement, 1, facts->epoch);
    statement_bind_text(statement, 2, facts->store_id);
    statement_bind_integer(statement, 3, (int64_t)facts->incarnation);
    statement_bind_integer(statement, 4, (int64_t)facts->acknowledged);
    statement_bind_integer(statement, 5, (int64_t)facts->tombstone_floor);
    return statement_run(statement, error);
}

static int put_row(struct database *database, const struct agent_row *row, struct panther_error *error)
{
    struct statement *statement = database_statement(database, PUT_ROW);
    statement_bind_integer(statement, 1, (int64_t)row->instance);
    statement_bind_integer(statement, 2, row->generation);
    statement_bind_integer(statement, 3, row->last_command);
    statement_bind_integer(statement, 4, (int64_t)row->spool_offset);
    statement_bind_integer(statement, 5, (int64_t)row->spool_sequence);
    statement_bind_integer(statement, 6, (int64_t)row->outbox_last);
    statement_bind_integer(statement, 7, row->ended);
    statement_bind_integer(statement, 8, row->discarded);
    return statement_run(statement, error);
}

static int put_intent(struct database *database, const struct agent_record *record, struct panther_error *error)
{
    struct statement *statement = database_statement(database, PUT_INTENT);
    statement_bind_integer(statement, 1, (int64_t)record->row.instance);
    statement_bind_integer(statement, 2, record->row.generation);
    statement_bind_blob(statement, 3, record->packed_spec, record->packed_spec_bytes);
    int result = statement_run(statement, error);
    return result < 0 ? result : put_row(database, &record->row, error);
}

static int run_on(struct database *database, const char *sql, const struct agent_tombstone *which, bool with_generation,
                  struct panther_error *error)
{
    struct statement *statement = database_statement(database, sql);
    statement_bind_integer(statement, 1, (int64_t)which->instance);
    if (with_generation)
        statement_bind_integer(statement, 2, which->generation);
    return statement_run(statement, error);
}

static int forget(struct database *database, const struct agent_tombstone *stone, struct panther_error *error)
{
    int result = run_on(database, DELETE_ROW, stone, true, error);
    if (result >= 0)
        result = run_on(database, DELETE_INTENT, stone, true, error);
    return result < 0 ? result : run_on(database, PUT_TOMBSTONE, stone, true, error);
}

static int append(struct database *database, const struct agent_record *record, struct panther_error *error)
{
    struct statement *statement = database_statement(database, APPEND_EVENT);
    statement_bind_integer(statement, 1, (int64_t)record->append.sequence);
    statement_bind_blob(statement, 2, record->append.packed, record->append.bytes);
    return statement_run(statement, error);
}

static int free_events(struct database *database, uint64_t last, struct panther_error *error)
{
    struct statement *statement = database_statement(database, FREE_EVENTS);
    statement_bind_integer(statement, 1, (int64_t)last);
    int result = statement_run(statement, error);
    if (result < 0)
        return result;
    statement = database_statement(database, ACKNOWLEDGE);
    statement_bind_integer(statement, 1, (int64_t)last);
    return statement_run(statement, error);
}

static int perform(struct database *database, const struct agent_record *record, struct panther_error *error)
{
    switch (record->kind) {
    case AGENT_RECORD_FACTS:
        return put_facts(database, &record->facts, error);
    case AGENT_RECORD_INTENT:
        return put_intent(database, record, error);
    case AGENT_RECORD_UPDATE:
        return put_row(database, &record->row, error);
    case AGENT_RECORD_FORGET:
        return forget(database, &record->tombstone, error);
    case AGENT_RECORD_TOMBSTONE_DROP:
        return run_on(database, DROP_TOMBSTONE, &record->tombstone, false, error);
    case AGENT_RECORD_APPEND:
        return append(database, record, error);
    case AGENT_RECORD_FREE:
        return free_events(database, record->freed, error);
    case AGENT_RECORD_RESET:
        return database_execute(database, RESET, error);
    }
    PANIC("record %d", (int)record->kind);
}

int records_perform(struct database *database, void *argument, struct panther_error *error)
{
    const struct batch *batch = argument;
    int result = 0;
    for (size_t i = 0; i < batch->output.record_count && result >= 0; i++)
        result = perform(database, &batch->output.records[i], error);
    return result < 0 ? result : 0;
}

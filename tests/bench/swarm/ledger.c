#include "ledger.h"

#include <string.h>

#include "common/base/map.h"
#include "common/base/memory.h"
#include "common/database/database.h"
#include "common/wire/wire.h"
#include "coordinator/store/schema.h"

static const char RECORDS[] = "SELECT payload FROM journal ORDER BY sequence";

struct reading {
    struct ledger *ledger;
    struct map *cells, *cases;
};

static void take_cell(struct reading *reading, const Pb__CellEnded *ended)
{
    reading->ledger->doubled += map_put_text(reading->cells, ended->name, reading) != NULL;
    reading->ledger->passed_cells += ended->outcome->verdict == PB__VERDICT__VERDICT_PASS;
}

static void take_event(struct reading *reading, const Pb__InstanceEvent *record)
{
    const Pb__Event *event = record->event;
    if (event->body_case != PB__EVENT__BODY_CASE_RESULT || record->stale)
        return;
    const uint64_t key[] = {event->instance, event->generation, event->case_result->number};
    reading->ledger->doubled += map_put(reading->cases, key, sizeof key, reading) != NULL;
}

static void take(struct reading *reading, const Pb__Record *record)
{
    reading->ledger->records++;
    if (record->body_case == PB__RECORD__BODY_CELL_ENDED)
        take_cell(reading, record->cell_ended);
    else if (record->body_case == PB__RECORD__BODY_INSTANCE_EVENT)
        take_event(reading, record->instance_event);
}

static int read_all(struct reading *reading, struct database *database, struct panther_error *error)
{
    struct arena *arena = arena_new(0);
    struct statement *statement = database_statement(database, RECORDS);
    int result;
    while ((result = statement_step(statement, error)) == 1) {
        size_t bytes;
        const void *payload = statement_blob(statement, 0, &bytes);
        arena_reset(arena);
        const Pb__Record *record = wire_unpack(&pb__record__descriptor, payload, bytes, arena);
        if (!record) {
            result = error_set(error, PANTHER_EIO, "a record cannot be unpacked");
            break;
        }
        take(reading, record);
    }
    arena_free(&arena);
    return result;
}

int ledger_read(const char *path, struct ledger *ledger, struct panther_error *error)
{
    struct database *database = NULL;
    *ledger = (struct ledger){0};
    int result = database_open(&database, path, DATABASE_READ_ONLY, NULL, STORE_SCHEMA_VERSION, error);
    if (result < 0)
        return result;
    struct reading reading = {ledger, map_new(), map_new()};
    result = read_all(&reading, database, error);
    ledger->cells = map_count(reading.cells);
    ledger->cases = map_count(reading.cases);
    map_free(&reading.cells);
    map_free(&reading.cases);
    database_close(&database);
    return result < 0 ? result : 0;
}

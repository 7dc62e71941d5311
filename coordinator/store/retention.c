#include "coordinator/store/retention.h"

#include <inttypes.h>
#include <string.h>

#include "coordinator/store/reader.h"
#include "coordinator/store/schema.h"

// Contents of one record: some 100 KB.
#define CONTENTS_PER_RECORD_MAX 500
#define NS_PER_MS INT64_C(1000000)

#define COLUMNS "x.run, x.instance, x.generation, x.name, x.hash, x.size_bytes, "
#define ENDED " JOIN runs AS r ON r.run = x.run WHERE x.state = 'stored' AND r.state = 'ended' AND r.pinned = 0"
static const char UNWANTED[] =
    "SELECT " COLUMNS "0 FROM artifacts AS x JOIN trials AS t ON t.trial = x.trial JOIN cells AS c ON c.name = t.cell" ENDED
    " AND c.unwanted = 1 AND t.verdict = 'pass' AND ?1 = ?1 ORDER BY x.run, x.id";
static const char AGED[] = "SELECT " COLUMNS "0 FROM artifacts AS x" ENDED " AND r.ended_wall_ns < ?1"
                           " UNION ALL SELECT " COLUMNS "1 FROM streams AS x" ENDED " AND r.ended_wall_ns < ?1 ORDER BY 1";
static const char OF_RUN[] = "SELECT " COLUMNS "0 FROM artifacts AS x" ENDED " AND x.run = ?1"
                             " UNION ALL SELECT " COLUMNS "1 FROM streams AS x" ENDED " AND x.run = ?1";
static const char KEPT_BYTES[] = "SELECT ifnull((SELECT sum(size_bytes) FROM artifacts WHERE state = 'stored'), 0)"
                                 " + ifnull((SELECT sum(size_bytes) FROM streams WHERE state = 'stored'), 0)";
static const char OLDEST[] =
    "SELECT r.run, ifnull((SELECT sum(size_bytes) FROM artifacts WHERE run = r.run AND state = 'stored'), 0)"
    " + ifnull((SELECT sum(size_bytes) FROM streams WHERE run = r.run AND state = 'stored'), 0) AS bytes"
    " FROM runs AS r WHERE r.state = 'ended' AND r.pinned = 0 AND r.run IN (SELECT run FROM artifacts WHERE state = 'stored' UNION"
    " SELECT run FROM streams WHERE state = 'stored') ORDER BY r.ended_wall_ns, r.run";
static const char REMOVED[] = "SELECT changed, hash FROM artifacts WHERE changed > ?1 AND state GLOB '" REMOVED_STATE "*' UNION ALL"
                              " SELECT changed, hash FROM streams WHERE changed > ?1 AND state GLOB '" REMOVED_STATE "*' ORDER BY 1";
static const char NEEDED[] = "SELECT EXISTS(SELECT 1 FROM artifacts WHERE hash = ?1 AND state = 'stored')"
                             " OR EXISTS(SELECT 1 FROM streams WHERE hash = ?1 AND state = 'stored')"
                             " OR EXISTS(SELECT 1 FROM files WHERE hash = ?1)";

struct plan {
    retention_fn *callback;
    void *context;
    struct arena *arena;
    Pb__EvidenceRemoved *record; // that is being filled; NULL: none
    bool is_enough;
};

static void flush(struct plan *plan)
{
    if (plan->record && !plan->is_enough)
        plan->is_enough = !plan->callback(plan->context, plan->record);
    plan->record = NULL;
    arena_reset(plan->arena);
}

static void begin(struct plan *plan, uint64_t run, const char *why)
{
    plan->record = ARENA_NEW(plan->arena, Pb__EvidenceRemoved);
    pb__evidence_removed__init(plan->record);
    plan->record->run = run;
    plan->record->why = arena_string(plan->arena, why);
    plan->record->contents = ARENA_ARRAY(plan->arena, Pb__RemovedContent *, CONTENTS_PER_RECORD_MAX);
}

static void add(struct plan *plan, struct statement *row, const char *why)
{
    uint64_t run = (uint64_t)statement_integer(row, 0);
    if (plan->record && (plan->record->run != run || plan->record->n_contents == CONTENTS_PER_RECORD_MAX))
        flush(plan);
    if (!plan->record)
        begin(plan, run, why);
    Pb__RemovedContent *content = ARENA_NEW(plan->arena, Pb__RemovedContent);
    pb__removed_content__init(content);
    content->instance = (uint64_t)statement_integer(row, 1);
    content->generation = (uint32_t)statement_integer(row, 2);
    content->name = arena_string(plan->arena, statement_text(row, 3));
    content->hash = arena_string(plan->arena, statement_text(row, 4));
    content->size_bytes = (uint64_t)statement_integer(row, 5);
    content->is_stream = statement_integer(row, 6) != 0;
    plan->record->contents[plan->record->n_contents++] = content;
}

static int add_rows(struct plan *plan, struct store_reader *reader, const char *sql, int64_t parameter, const char *why,
                    struct panther_error *error)
{
    struct statement *row = database_statement(reader->database, sql);
    int result = 0;
    statement_bind_integer(row, 1, parameter);
    while (!plan->is_enough && (result = statement_step(row, error)) == 1)
        add(plan, row, why);
    statement_reset(row);
    flush(plan);
    return result < 0 ? result : 0;
}

int retention_kept_bytes(struct store_reader *reader, uint64_t *bytes, struct panther_error *error)
{
    struct statement *row = database_statement(reader->database, KEPT_BYTES);
    int result = statement_step(row, error);
    if (result == 1)
        *bytes = (uint64_t)statement_integer(row, 0);
    statement_reset(row);
    return result < 0 ? result : 0;
}

// Whole runs, so that what is left can still be understood.
static int add_oldest(struct plan *plan, struct store_reader *reader, uint64_t at_most_bytes, struct panther_error *error)
{
    uint64_t kept = 0;
    int result = retention_kept_bytes(reader, &kept, error);
    struct statement *row = database_statement(reader->database, OLDEST);
    CLEANUP_FREE char *why = memory_printf("all evidence was more than %" PRIu64 " bytes, and it was the oldest", at_most_bytes);
    while (result == 0 && kept > at_most_bytes && !plan->is_enough && (result = statement_step(row, error)) == 1) {
        uint64_t bytes = (uint64_t)statement_integer(row, 1);
        kept -= bytes < kept ? bytes : kept;
        result = add_rows(plan, reader, OF_RUN, statement_integer(row, 0), why, error);
    }
    statement_reset(row);
    return result < 0 ? result : 0;
}

int retention_plan(struct store_reader *reader, const struct retention_rules *rules, int64_t now_wall_ns, retention_fn *callback,
                   void *context, struct panther_error *error)
{
    struct plan plan = {.callback = callback, .context = context, .arena = arena_new(0)};
    int result = add_rows(&plan, reader, UNWANTED, 0, "its cell passed, and was not drawn among those that are kept", error);
    if (result == 0 && rules->age_ms > 0)
        result =
            add_rows(&plan, reader, AGED, now_wall_ns - (int64_t)rules->age_ms * NS_PER_MS, "it was older than evidence is kept", error);
    if (result == 0 && rules->at_most_bytes > 0)
        result = add_oldest(&plan, reader, rules->at_most_bytes, error);
    arena_free(&plan.arena);
    return result;
}

// ---- files

static bool is_needed(struct store_reader *reader, const char *hash)
{
    struct statement *statement = database_statement(reader->database, NEEDED);
    statement_bind_text(statement, 1, hash);
    bool is_needed = statement_step(statement, NULL) != 1 || statement_integer(statement, 0) != 0; // what cannot be read stays
    statement_reset(statement);
    return is_needed;
}

int retention_sweep(struct store_reader *reader, uint64_t *cursor, uint64_t *files, struct panther_error *error)
{
    struct statement *row = database_statement(reader->database, REMOVED);
    bool is_held = false;
    int result;
    statement_bind_integer(row, 1, (int64_t)*cursor);
    while ((result = statement_step(row, error)) == 1) {
        const char *hash = statement_text(row, 1);
        bool is_there = blob_exists(reader->folder, hash) && !is_needed(reader, hash);
        int removed = is_there ? blob_remove(reader->folder, hash) : 0;
        is_held |= removed != 0; // a moment ago somebody was told that it is there; or the disk says no
        *files += is_there && removed == 0;
        if (!is_held)
            *cursor = (uint64_t)statement_integer(row, 0);
    }
    statement_reset(row);
    return result < 0 ? result : 0;
}

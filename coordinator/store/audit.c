// An audit goes through the journal once: it follows the chain of hashes, makes the tables again in a scratch database, and lets the
// judges of runs and trials read each record. Then it compares the tables and looks at the content.
#include "coordinator/store/audit.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/limits.h"
#include "common/system/file.h"
#include "coordinator/store/audit_inside.h"
#include "coordinator/store/schema.h"

// Damages of the chain that are told: each begins a new chain.
#define DAMAGES_MAX 32

static const char ROWS[] = "SELECT sequence, run, trial, instance, kind, hash, payload FROM journal ORDER BY sequence";
static const char NEWEST[] = "SELECT ifnull(max(run), 0) FROM journal WHERE kind = ?";
static const char CHECK[] = "PRAGMA quick_check(1)";
static const char TABLES_VERSION[] = "SELECT version FROM projection";

struct chain {
    uint64_t sequence;
    uint8_t link[LINK_BYTES];
    struct text scratch;
    struct {
        uint64_t sequence;
        const char *text;
    } damages[DAMAGES_MAX];
    size_t count;
};

// ---- findings

void audit_find(struct audit *audit, struct audited_run *run, const char *place, const char *format, ...)
{
    char text[PANTHER_ERROR_MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (run)
        run->result->findings++;
    if (audit->result->n_findings == AUDIT_FINDINGS_MAX) {
        audit->result->left_out++;
        return;
    }
    Pb__AuditFinding *finding = ARENA_NEW(audit->arena, Pb__AuditFinding);
    pb__audit_finding__init(finding);
    finding->run = run ? run->result->run : 0;
    finding->place = arena_string(audit->arena, place);
    finding->text = arena_string(audit->arena, text);
    audit->result->findings[audit->result->n_findings++] = finding;
}

void audit_find_here(struct audit *audit, struct audited_run *run, const char *format, ...)
{
    char text[PANTHER_ERROR_MESSAGE_BYTES], place[32];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    snprintf(place, sizeof place, "record %" PRIu64, audit->sequence);
    audit_find(audit, run, place, "%s", text);
}

// ---- the chain

static void damage(struct audit *audit, struct chain *chain, uint64_t sequence, const char *text)
{
    if (chain->count == DAMAGES_MAX)
        return;
    chain->damages[chain->count].sequence = sequence;
    chain->damages[chain->count++].text = arena_string(audit->arena, text);
}

// What is broken is told once, and the chain goes on from the hash that stands there.
static void follow_chain(struct audit *audit, struct chain *chain, struct statement *row, const void *payload, size_t payload_bytes)
{
    size_t bytes;
    const void *link = statement_blob(row, 5, &bytes);
    uint64_t expected = chain->sequence + 1;
    chain->sequence = audit->sequence;
    journal_link(&chain->scratch, chain->link, payload, payload_bytes);
    bool is_right = bytes == LINK_BYTES && memcmp(link, chain->link, LINK_BYTES) == 0;
    if (audit->sequence != expected)
        damage(audit, chain, expected, audit->sequence == expected + 1 ? "it is not there" : "it and others behind it are not there");
    else if (!is_right)
        damage(audit, chain, audit->sequence, "its hash is not that of the record before and of what it says: one of them was changed");
    if (bytes == LINK_BYTES)
        memcpy(chain->link, link, LINK_BYTES);
}

static void tell_damages(struct audit *audit, const struct chain *chain)
{
    for (size_t i = 0; i < chain->count; i++) {
        bool concerns = audit->wanted == 0;
        for (struct map_entry *entry = map_first(audit->runs); entry; entry = map_next(audit->runs, entry)) {
            struct audited_run *run = entry->value;
            if (run->last < chain->damages[i].sequence)
                continue; // what came later takes nothing from it
            run->result->findings++;
            concerns = true;
        }
        char place[32];
        snprintf(place, sizeof place, "record %" PRIu64, chain->damages[i].sequence);
        if (concerns)
            audit_find(audit, NULL, place, "%s", chain->damages[i].text);
    }
}

// ---- a record

static void judge_record(struct audit *audit, const Pb__Record *record)
{
    switch (record->body_case) {
    case PB__RECORD__BODY_RUN_ACCEPTED:
        return audit_run_accepted(audit, record->run_accepted);
    case PB__RECORD__BODY_CELL_ENDED:
        return audit_cell_ended(audit, record->cell_ended);
    case PB__RECORD__BODY_RUN_ANNOTATED:
        return audit_run_annotated(audit, record->run_annotated);
    case PB__RECORD__BODY_EVIDENCE_REMOVED:
        return audit_evidence_removed(audit, record->evidence_removed);
    case PB__RECORD__BODY_RUN_ENDED:
        return audit_run_ended(audit, record->run_ended);
    case PB__RECORD__BODY_TRIAL_STARTED:
        return audit_trial_started(audit, record->trial_started);
    case PB__RECORD__BODY_COMMAND_ISSUED:
        return audit_command_issued(audit, record->command_issued);
    case PB__RECORD__BODY_CASES_RELEASED:
        return audit_cases_released(audit, record->cases_released);
    case PB__RECORD__BODY_INSTANCE_EVENT:
        return audit_instance_event(audit, record->instance_event);
    case PB__RECORD__BODY_INSTANCE_LOST:
        return audit_instance_lost(audit, record->instance_lost);
    case PB__RECORD__BODY_TRIAL_HELD:
        return audit_trial_held(audit, record->trial_held);
    case PB__RECORD__BODY_TRIAL_ENDED:
        return audit_trial_ended(audit, record->trial_ended);
    default:
        return; // says nothing about a verdict
    }
}

// The columns beside the payload are no part of the hash: they are made from it.
static void judge_columns(struct audit *audit, const Pb__Record *record, struct statement *row)
{
    const struct projection *subject = audit->projection;
    if ((uint64_t)statement_integer(row, 1) != subject->run || (uint64_t)statement_integer(row, 2) != subject->trial ||
        (uint64_t)statement_integer(row, 3) != subject->instance || statement_integer(row, 4) != (int64_t)record->body_case)
        audit_find_here(audit, map_get_number(audit->runs, subject->run), "the journal's columns say that it is about something else");
}

static void project(struct audit *audit, const Pb__Record *record, struct statement *row)
{
    struct panther_error error = {0};
    struct projection *projection = audit->projection;
    int result = projection_begin(projection, audit->sequence, record, &error);
    if (result >= 0 && audit->wanted && projection->run != audit->wanted)
        return;
    judge_record(audit, record);
    struct audited_run *run = map_get_number(audit->runs, projection->run);
    if (run)
        run->last = audit->sequence;
    if (result >= 0) {
        judge_columns(audit, record, row);
        result = projection_apply(projection, record, &error);
    }
    if (result < 0)
        audit_find_here(audit, run, "no rows can be made of it: %s", error.message);
}

static void judge_row(struct audit *audit, struct chain *chain, struct statement *row, struct arena *arena)
{
    size_t bytes;
    const void *payload = statement_blob(row, 6, &bytes);
    audit->sequence = (uint64_t)statement_integer(row, 0);
    follow_chain(audit, chain, row, payload, bytes);
    arena_reset(arena);
    const Pb__Record *record = wire_unpack(&pb__record__descriptor, payload, bytes, arena);
    const char *why = !record                            ? "it cannot be unpacked"
                      : record->format != JOURNAL_FORMAT ? "its format is not that of this program"
                                                         : record_invalid(record);
    if (why)
        damage(audit, chain, audit->sequence, why);
    else
        project(audit, record, row);
}

static int read_journal(struct audit *audit, struct chain *chain, struct panther_error *error)
{
    struct arena *arena = arena_new(0);
    struct statement *row = database_statement(audit->store, ROWS);
    int result;
    while ((result = statement_step(row, error)) == 1)
        judge_row(audit, chain, row, arena);
    statement_reset(row);
    arena_free(&arena);
    return result;
}

static void tell_head(struct audit *audit, const struct chain *chain)
{
    char *hash = arena_allocate(audit->arena, HASH_TEXT_BYTES);
    for (size_t i = 0; i < LINK_BYTES; i++)
        snprintf(hash + 2 * i, 3, "%02x", chain->link[i]);
    audit->result->journal_records = chain->sequence;
    audit->result->journal_hash = hash;
}

// ---- which run

static int find_wanted(struct audit *audit, const char *name, struct panther_error *error)
{
    struct full_name run;
    int result = *name ? full_name_parse(name, &run, error) : 0;
    if (result < 0 || !*name)
        return result;
    if (run.test[0])
        return error_set(error, PANTHER_EINVALID, "\"%.200s\" is not a run; write r12 or @last", name);
    audit->wanted = run.run;
    if (!run.is_last)
        return 0;
    struct statement *statement = database_statement(audit->store, NEWEST);
    statement_bind_integer(statement, 1, PB__RECORD__BODY_RUN_ACCEPTED);
    result = statement_step(statement, error);
    audit->wanted = result == 1 ? (uint64_t)statement_integer(statement, 0) : 0;
    statement_reset(statement);
    if (result == 1 && audit->wanted == 0)
        return error_set(error, PANTHER_ENOTFOUND, "there is no run yet");
    return result < 0 ? result : 0;
}

static int check_wanted(const struct audit *audit, struct panther_error *error)
{
    if (!audit->wanted || map_get_number(audit->runs, audit->wanted))
        return 0;
    return error_set(error, PANTHER_ENOTFOUND, "the journal has no run r%llu", (unsigned long long)audit->wanted);
}

// ---- opening

static int check_whole(struct audit *audit, struct panther_error *error)
{
    struct statement *statement = database_statement(audit->store, CHECK);
    int result = statement_step(statement, error);
    if (result == 1 && strcmp(statement_text(statement, 0), "ok") != 0)
        result = error_set(error, PANTHER_EIO, "%s", statement_text(statement, 0));
    statement_reset(statement);
    return result < 0 ? result : 0;
}

static int not_whole(const struct audit *audit, const struct panther_error *problem, struct panther_error *error)
{
    return error_set(
        error, PANTHER_EIO,
        "%.150s/journal.db is no whole database. A live data folder that was copied by hand is torn: `panther-coord backup` makes "
        "a whole copy. (%.150s)",
        audit->folder, problem->message);
}

static bool tables_are_ours(struct audit *audit)
{
    struct statement *statement = database_statement(audit->store, TABLES_VERSION);
    bool are_ours = statement_step(statement, NULL) == 1 && statement_integer(statement, 0) == PROJECTION_VERSION;
    statement_reset(statement);
    return are_ours;
}

static int open_databases(struct audit *audit, enum store_place place, struct panther_error *error)
{
    CLEANUP_FREE char *path = path_join(audit->folder, "journal.db");
    if (!file_exists(path))
        return error_set(error, PANTHER_ENOTFOUND, "there is no store in %s", audit->folder);
    enum database_mode mode = place == STORE_LIVE ? DATABASE_READ_ONLY : DATABASE_UNTOUCHED;
    int result = database_open(&audit->store, path, mode, NULL, STORE_SCHEMA_VERSION, error);
    if (result == 0 && place == STORE_COPY)
        result = check_whole(audit, error);
    if (result == 0)
        result = database_execute(audit->store, "BEGIN", error); // all of it at one moment
    if (result == 0)
        result = database_open(&audit->rebuilt, "", DATABASE_SCRATCH, PROJECTION_SCHEMA, PROJECTION_VERSION, error);
    return result < 0 ? result : database_execute(audit->rebuilt, "BEGIN", error);
}

static void close_databases(struct audit *audit)
{
    if (audit->store)
        database_rollback(audit->store);
    if (audit->rebuilt)
        database_rollback(audit->rebuilt);
    database_close(&audit->store);
    database_close(&audit->rebuilt);
}

// ---- all of it

static int perform(struct audit *audit, enum store_place place, const char *run, struct panther_error *error)
{
    struct chain chain = {0};
    int result = open_databases(audit, place, error);
    if (result == 0)
        result = find_wanted(audit, run, error);
    audit->projection->database = audit->rebuilt;
    if (result == 0)
        result = read_journal(audit, &chain, error);
    if (result == 0)
        result = check_wanted(audit, error);
    if (result == 0 && tables_are_ours(audit)) // else the next start makes them again
        result = audit_tables(audit, error);
    if (result == 0)
        result = audit_contents(audit, error);
    if (result == 0) {
        tell_damages(audit, &chain);
        tell_head(audit, &chain);
        audit_runs_conclude(audit);
    }
    text_free(&chain.scratch);
    return result;
}

static void maps_free(struct audit *audit)
{
    for (struct map_entry *entry = map_first(audit->trials); entry; entry = map_next(audit->trials, entry))
        audited_trial_free(entry->value);
    for (struct map_entry *entry = map_first(audit->runs); entry; entry = map_next(audit->runs, entry))
        audited_run_free(entry->value);
    for (struct map_entry *entry = map_first(audit->blobs); entry; entry = map_next(audit->blobs, entry))
        free(entry->value);
    map_free(&audit->blobs);
    map_free(&audit->instances);
    map_free(&audit->trials);
    map_free(&audit->runs);
}

int store_audit(const char *folder, enum store_place place, const char *run, struct arena *arena, Pb__Audited **out,
                struct panther_error *error)
{
    struct audit audit = {
        .folder = folder, .arena = arena, .runs = map_new(), .trials = map_new(), .instances = map_new(), .blobs = map_new()};
    audit.projection = NEW(struct projection);
    audit.result = ARENA_NEW(arena, Pb__Audited);
    pb__audited__init(audit.result);
    audit.result->findings = ARENA_ARRAY(arena, Pb__AuditFinding *, AUDIT_FINDINGS_MAX);
    struct panther_error problem = {0};
    int result = perform(&audit, place, run, &problem);
    if (result == PANTHER_EIO && place == STORE_COPY)
        not_whole(&audit, &problem, error);
    else if (result < 0 && error)
        *error = problem;
    close_databases(&audit);
    maps_free(&audit);
    free(audit.projection);
    if (result == 0)
        *out = audit.result;
    return result;
}

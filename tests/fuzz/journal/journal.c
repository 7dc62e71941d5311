// What a coordinator finds on its disk. Records: rows of the journal with any payload, rightly linked or not. Replay gives exactly the
// valid ones before the first that is not, and never goes past a broken link or a hole; the projections are made from them, or it is said
// why not. Parts of a snapshot: what is taken gives a state that saves and loads as the same.
#include <string.h>

#include "common/base/error.h"
#include "common/base/limits.h"
#include "common/database/database.h"
#include "coordinator/core/core.h"
#include "coordinator/store/journal.h"
#include "coordinator/store/schema.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/parts.h"

#define RECORDS_MAX 64

enum kind { LINKED, BROKEN, AFTER_A_HOLE, SNAPSHOT_PART, KINDS };

// ---- the journal

static const char CLEAR[] = "DELETE FROM journal";
static const char INSERT[] = "INSERT INTO journal(sequence, run, trial, instance, kind, hash, payload) VALUES(?, 0, 0, 0, 0, ?, ?)";

static struct database *database;

struct journal_file {
    struct text scratch;
    uint8_t link[LINK_BYTES];
    uint64_t sequence;
    size_t rows, sound; // sound: up to the first that is not
    bool is_damaged;
};

static void begin(void)
{
    struct panther_error error = {0};
    if (database_open(&database, NULL, DATABASE_SCRATCH, STORE_SCHEMA, STORE_SCHEMA_VERSION, &error) < 0 ||
        database_execute(database, PROJECTION_SCHEMA, &error) < 0)
        PANIC("%s", error.message);
}

static void add_row(struct journal_file *file, const struct part *part)
{
    uint8_t stored[LINK_BYTES];
    enum kind kind = (enum kind)(part->kind % KINDS);
    if (file->rows == RECORDS_MAX)
        return;
    file->rows++;
    file->is_damaged = file->is_damaged || kind != LINKED;
    file->sound += !file->is_damaged;
    file->sequence += kind == AFTER_A_HOLE ? 2 : 1;
    journal_link(&file->scratch, file->link, part->data, part->bytes);
    memcpy(stored, file->link, LINK_BYTES);
    stored[0] ^= kind == BROKEN;
    struct statement *statement = database_statement(database, INSERT);
    statement_bind_integer(statement, 1, (int64_t)file->sequence);
    statement_bind_blob(statement, 2, stored, LINK_BYTES);
    statement_bind_blob(statement, 3, part->data, part->bytes);
    INVARIANT(statement_run(statement, NULL) >= 0);
}

struct replayed {
    size_t count;
    struct core *core; // NULL: a record could not follow those before it
};

// Any valid records in any order: a core takes them, or says why not.
static int replay_record(void *context, uint64_t sequence, const Pb__Record *record, struct panther_error *error)
{
    struct replayed *replayed = context;
    (void)error;
    INVARIANT(sequence == ++replayed->count && record->format == 1 && !record_invalid(record));
    if (replayed->core && core_replay(replayed->core, record))
        core_free(&replayed->core);
    return 0;
}

// ---- the snapshot

static void load_saved(void *context, const Pb__SnapshotPart *part)
{
    const char *why = core_load(context, part);
    if (why)
        PANIC("saved and not taken: %s", why);
}

static bool load_part(struct core *core, const struct part *part)
{
    struct arena *arena = arena_new(UNPACK_MAX_BYTES);
    Pb__SnapshotPart *message = wire_unpack(&pb__snapshot_part__descriptor, part->data, part->bytes, arena);
    bool is_taken = message && !snapshot_part_invalid(message) && !core_load(core, message);
    arena_free(&arena);
    return is_taken;
}

static void check_snapshot(const struct core *core)
{
    struct core *again = core_new(&(struct core_options){.version = "fuzz"});
    struct text first = {0}, second = {0};
    core_save(core, load_saved, again);
    core_print(core, &first);
    core_print(again, &second);
    INVARIANT(strcmp(text_string(&first), text_string(&second)) == 0);
    text_free(&first);
    text_free(&second);
    core_free(&again);
}

static void check_journal(const struct journal_file *file)
{
    struct store_position position = {0};
    struct panther_error error = {0};
    struct replayed replayed = {.core = core_new(&(struct core_options){.version = "fuzz"})};
    int result = journal_replay(database, &position, replay_record, &replayed, &error);
    INVARIANT(replayed.count <= file->sound);
    INVARIANT(result < 0 ? error.code != 0 && replayed.count < file->rows : replayed.count == file->rows && !file->is_damaged);
    if (replayed.core)
        check_snapshot(replayed.core);
    core_free(&replayed.core);
    int rebuilt = journal_rebuild(database, &error);
    INVARIANT(rebuilt == 0 ? result == 0 : error.message[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct part part;
    struct journal_file file = {0};
    bool is_whole = true; // a snapshot is taken whole or not at all
    if (!database)
        begin();
    INVARIANT(database_execute(database, CLEAR, NULL) == 0);
    struct core *core = core_new(&(struct core_options){.version = "fuzz"});
    while (part_next(&data, &size, &part)) {
        if (part.kind % KINDS != SNAPSHOT_PART)
            add_row(&file, &part);
        else
            is_whole = is_whole && load_part(core, &part);
    }
    check_journal(&file);
    if (is_whole)
        check_snapshot(core);
    core_free(&core);
    text_free(&file.scratch);
    return 0;
}

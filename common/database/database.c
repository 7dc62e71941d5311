// A handle: opening, schema versions, codes. Checkpoints are made by hand, since SQLite's automatic ones swallow the
// error of a failed fsync, and since the writer wants to acknowledge a commit before it checkpoints.
#include "common/database/handle.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "common/base/memory.h"

static bool is_disk_full(struct database *database, int code)
{
    if ((code & 0xff) == SQLITE_FULL)
        return true;
    // unixWrite says "full" for ENOSPC only; a quota, and a shared memory file that cannot grow, come as I/O errors.
    int number = sqlite3_system_errno(database->sqlite);
    if (code != SQLITE_IOERR_WRITE && code != SQLITE_IOERR_SHMSIZE)
        return false;
    return number == ENOSPC || number == EDQUOT;
}

static int code_map(struct database *database, int code)
{
    if (is_disk_full(database, code))
        return PANTHER_ENOSPACE;
    switch (code & 0xff) {
    case SQLITE_IOERR:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return PANTHER_EIO;
    default:
        return PANTHER_ESTATE;
    }
}

int database_fail(struct database *database, int code, const char *doing, struct panther_error *error)
{
    int extended = sqlite3_extended_errcode(database->sqlite);
    if ((extended & 0xff) != (code & 0xff))
        extended = code;
    return error_set(error, code_map(database, extended), "%s: %s: %s (SQLite %d)", database->path, doing, sqlite3_errmsg(database->sqlite),
                     extended);
}

int database_execute(struct database *database, const char *sql, struct panther_error *error)
{
    int code = sqlite3_exec(database->sqlite, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? 0 : database_fail(database, code, sql, error);
}

static int on_log_grown(void *context, sqlite3 *sqlite, const char *name, int pages)
{
    (void)sqlite;
    (void)name;
    ((struct database *)context)->log_pages = pages;
    return SQLITE_OK;
}

int database_checkpoint(struct database *database, bool only_when_due, struct panther_error *error)
{
    if (only_when_due && database->log_pages < database_log_limit(database))
        return 0;
    int in_log = 0, copied = 0;
    int code = sqlite3_wal_checkpoint_v2(database->sqlite, NULL, SQLITE_CHECKPOINT_PASSIVE, &in_log, &copied);
    if (code != SQLITE_OK && code != SQLITE_BUSY)
        return database_fail(database, code, "checkpoint", error);
    if (in_log == copied)
        database->log_pages = 0; // the next commit starts the log anew, unless a reader still needs it
    return 0;
}

// The value of a pragma or of any query with one number or one word.
static int query_one(struct database *database, const char *sql, int64_t *number, char *word, size_t word_bytes,
                     struct panther_error *error)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(database->sqlite, sql, -1, &statement, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    if (code == SQLITE_ROW && number)
        *number = sqlite3_column_int64(statement, 0);
    if (code == SQLITE_ROW && word)
        sqlite3_snprintf((int)word_bytes, word, "%s", (const char *)sqlite3_column_text(statement, 0));
    int result = code == SQLITE_ROW ? 0 : database_fail(database, code, sql, error);
    sqlite3_finalize(statement);
    return result;
}

static int create_schema(struct database *database, const char *schema, int schema_version, struct panther_error *error)
{
    char version[64];
    sqlite3_snprintf(sizeof version, version, "PRAGMA user_version = %d", schema_version);
    int result = database_execute(database, "BEGIN IMMEDIATE", error);
    if (result < 0)
        return result;
    result = schema ? database_execute(database, schema, error) : 0;
    if (result == 0)
        result = database_execute(database, version, error);
    if (result == 0)
        result = database_execute(database, "COMMIT", error);
    if (result < 0 && !sqlite3_get_autocommit(database->sqlite))
        database_execute(database, "ROLLBACK", NULL);
    return result;
}

static int check_schema(struct database *database, const char *schema, int schema_version, struct panther_error *error)
{
    int64_t found = 0;
    int result = query_one(database, "PRAGMA user_version", &found, NULL, 0, error);
    if (result < 0 || found == schema_version)
        return result;
    if (found == 0 && !database->is_read_only)
        return create_schema(database, schema, schema_version, error);
    return error_set(error, PANTHER_EVERSION, "%s has schema version %lld, this program reads and writes version %d", database->path,
                     (long long)found, schema_version);
}

// Write-ahead log and a sync at each commit: what is committed survives a power loss.
static int set_durable(struct database *database, struct panther_error *error)
{
    char mode[16] = "";
    int result = query_one(database, "PRAGMA journal_mode = WAL", NULL, mode, sizeof mode, error);
    if (result < 0)
        return result;
    if (strcmp(mode, "wal") != 0)
        return error_set(error, PANTHER_ESTATE, "%s: the file system allows no write-ahead log (journal mode is %s)", database->path, mode);
    sqlite3_wal_hook(database->sqlite, on_log_grown, database);
    return database_execute(database, "PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864", error);
}

static int configure(struct database *database, enum database_mode mode, const char *schema, int schema_version,
                     struct panther_error *error)
{
    sqlite3_extended_result_codes(database->sqlite, 1);
    sqlite3_busy_timeout(database->sqlite, BUSY_TIMEOUT_MS);
    char pragmas[128];
    sqlite3_snprintf(sizeof pragmas, pragmas, "PRAGMA foreign_keys = OFF; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -%d",
                     CACHE_KIBIBYTES);
    int result = database_execute(database, pragmas, error);
    if (result == 0 && mode == DATABASE_SCRATCH)
        result = database_execute(database, "PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF", error);
    else if (result == 0 && mode == DATABASE_READ_WRITE)
        result = set_durable(database, error);
    return result < 0 ? result : check_schema(database, schema, schema_version, error);
}

// SQLite's own bookkeeping of memory is a lock that all threads share. Too late, and harmless, when something used SQLite before.
static void configure_library(void)
{
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

int database_open(struct database **out, const char *path, enum database_mode mode, const char *schema, int schema_version,
                  struct panther_error *error)
{
    CLEANUP_FREE char *address = NULL;
    int flags, found = database_address(path, mode, &address, &flags, error);
    if (found < 0)
        return found;
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, configure_library);
    struct database *database = NEW(struct database);
    database->path = memory_string(path);
    database->is_read_only = mode == DATABASE_READ_ONLY || mode == DATABASE_UNTOUCHED;
    database->statements = map_new();
    int code = sqlite3_open_v2(address, &database->sqlite, flags, NULL);
    if (!database->sqlite)
        PANIC("out of memory");
    int result =
        code == SQLITE_OK ? configure(database, mode, schema, schema_version, error) : database_fail(database, code, "open", error);
    if (code == SQLITE_CANTOPEN && sqlite3_system_errno(database->sqlite) == ENOENT)
        result = error_set(error, PANTHER_ENOTFOUND, "%s is not there", path);
    if (result < 0)
        database_close(&database);
    else
        *out = database;
    return result;
}

int64_t database_changes(struct database *database)
{
    return sqlite3_changes64(database->sqlite);
}

// The last one that closes makes a checkpoint, unless it is told not to.
void database_give_up(struct database *database)
{
    int code = sqlite3_db_config(database->sqlite, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    INVARIANT(code == SQLITE_OK);
}

void database_close(struct database **database_address)
{
    struct database *database = *database_address;
    if (!database)
        return;
    *database_address = NULL;
    for (struct map_entry *entry = map_first(database->statements); entry; entry = map_next(database->statements, entry)) {
        struct statement *statement = entry->value;
        statement_free(&statement);
    }
    map_free(&database->statements);
    int code = sqlite3_close(database->sqlite);
    INVARIANT(code == SQLITE_OK);
    free(database->path);
    free(database);
}

void database_rollback(struct database *database)
{
    for (struct map_entry *entry = map_first(database->statements); entry; entry = map_next(database->statements, entry))
        statement_reset(entry->value);
    // SQLite rolls back by itself when the disk is full.
    if (!sqlite3_get_autocommit(database->sqlite))
        database_execute(database, "ROLLBACK", NULL);
}

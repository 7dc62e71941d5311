// A copy of a live store by SQLite's backup: one read transaction over all pages, so the copy is of one moment and the
// writer goes on. (Copying a database with its write-ahead log by hand tears it.)
#include "common/base/memory.h"
#include "common/database/handle.h"

int database_backup(struct database *database, const char *path, struct panther_error *error)
{
    struct database copy = {.path = memory_string(path)};
    int code =
        sqlite3_open_v2(path, &copy.sqlite, SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_EXCLUSIVE, NULL);
    if (!copy.sqlite)
        PANIC("out of memory");
    sqlite3_extended_result_codes(copy.sqlite, 1);
    sqlite3_backup *backup = code == SQLITE_OK ? sqlite3_backup_init(copy.sqlite, "main", database->sqlite, "main") : NULL;
    if (backup) {
        sqlite3_backup_step(backup, -1);
        code = sqlite3_backup_finish(backup);
    } else if (code == SQLITE_OK) {
        code = sqlite3_errcode(copy.sqlite);
    }
    int result = code == SQLITE_OK ? 0 : database_fail(&copy, code, "backup", error);
    sqlite3_close(copy.sqlite);
    free(copy.path);
    return result;
}

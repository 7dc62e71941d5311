// A copy of a live store by SQLite's backup: one read transaction over all pages, so the copy is of one moment and the
// writer goes on. (Copying a database with its write-ahead log by hand tears it.)
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "common/database/handle.h"

// A file of our own, so that nothing that is there is written over. (SQLite's "exclusive" flag is not for this.)
static int make_file(const char *path, struct panther_error *error)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EEXIST)
        return error_set(error, PANTHER_EEXISTS, "%s exists: a backup makes a new file", path);
    if (fd < 0)
        return error_system(error, errno, "cannot make %s", path);
    close(fd);
    return 0;
}

static int copy_pages(struct database *database, struct database *copy, struct panther_error *error)
{
    sqlite3_extended_result_codes(copy->sqlite, 1);
    sqlite3_backup *backup = sqlite3_backup_init(copy->sqlite, "main", database->sqlite, "main");
    if (!backup)
        return database_fail(copy, sqlite3_errcode(copy->sqlite), "backup", error);
    sqlite3_backup_step(backup, -1);
    int code = sqlite3_backup_finish(backup);
    return code == SQLITE_OK ? 0 : database_fail(copy, code, "backup", error);
}

int database_backup(struct database *database, const char *path, struct panther_error *error)
{
    int result = make_file(path, error);
    if (result < 0)
        return result;
    struct database copy = {.path = memory_string(path)};
    int code = sqlite3_open_v2(path, &copy.sqlite, SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_READWRITE, NULL);
    if (!copy.sqlite)
        PANIC("out of memory");
    result = code == SQLITE_OK ? copy_pages(database, &copy, error) : database_fail(&copy, code, "open", error);
    sqlite3_close(copy.sqlite);
    if (result < 0)
        unlink(path);
    free(copy.path);
    return result;
}

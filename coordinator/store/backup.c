// A backup of a live store that `serve` can start from. It is made beside and renamed at its end, so that a backup that is there is
// whole. Order: the journal before the blobs, so that every blob it names is there when they are linked; the snapshot before the journal,
// so that it is of a record that the copy has.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/system/file.h"
#include "coordinator/store/schema.h"
#include "coordinator/store/store.h"

#define COPY_BYTES (256 * 1024)

static const char COUNT[] = "SELECT ifnull(max(sequence), 0) FROM journal";

static int backup_journal(const char *folder, const char *to, uint64_t *records, struct panther_error *error)
{
    CLEANUP_FREE char *from_path = path_join(folder, "journal.db");
    CLEANUP_FREE char *to_path = path_join(to, "journal.db");
    struct database *live = NULL, *copy = NULL;
    int result = database_open(&live, from_path, DATABASE_READ_ONLY, NULL, STORE_SCHEMA_VERSION, error);
    if (result == 0)
        result = database_backup(live, to_path, error);
    if (result == 0)
        result = database_open(&copy, to_path, DATABASE_READ_WRITE, NULL, STORE_SCHEMA_VERSION, error);
    if (result == 0) {
        struct statement *statement = database_statement(copy, COUNT);
        result = statement_step(statement, error);
        *records = result == 1 ? (uint64_t)statement_integer(statement, 0) : 0;
        statement_reset(statement);
    }
    database_close(&copy);
    database_close(&live);
    return result < 0 ? result : 0;
}

static int copy_bytes(int from, int to)
{
    CLEANUP_FREE char *buffer = memory_new(COPY_BYTES);
    for (;;) {
        ssize_t got = read(from, buffer, COPY_BYTES);
        if (got <= 0)
            return got < 0 ? -errno : fsync(to) < 0 ? -errno : 0;
        for (ssize_t done = 0, put; done < got; done += put) {
            put = write(to, buffer + done, (size_t)(got - done));
            if (put < 0)
                return -errno;
        }
    }
}

static int copy_file(const char *from, const char *to, struct panther_error *error)
{
    int in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    int out = in < 0 ? -1 : open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    int problem = out < 0 ? -errno : copy_bytes(in, out);
    if (in >= 0)
        close(in);
    if (out >= 0)
        close(out);
    return problem == 0 ? 0 : error_system(error, -problem, "cannot copy %s to %s", from, to);
}

// A blob never changes, so a link is as good as a copy, where it can be made.
static int link_or_copy(const char *from, const char *to, uint64_t *bytes, struct panther_error *error)
{
    struct stat status;
    if (stat(from, &status) == 0)
        *bytes += (uint64_t)status.st_size;
    return link(from, to) == 0 ? 0 : copy_file(from, to, error);
}

static int backup_folder(const char *from, const char *to, uint64_t *bytes, struct panther_error *error);

static int backup_entry(const char *from, const char *to, const struct dirent *entry, uint64_t *bytes, struct panther_error *error)
{
    CLEANUP_FREE char *from_path = path_join(from, entry->d_name);
    CLEANUP_FREE char *to_path = path_join(to, entry->d_name);
    struct stat status;
    if (lstat(from_path, &status) < 0)
        return error_system(error, errno, "cannot read %s", from_path);
    if (S_ISDIR(status.st_mode))
        return backup_folder(from_path, to_path, bytes, error);
    return S_ISREG(status.st_mode) ? link_or_copy(from_path, to_path, bytes, error) : 0;
}

// blobs/ and its 256 folders: two levels
static int backup_folder(const char *from, const char *to, uint64_t *bytes, struct panther_error *error)
{
    int result = folder_make(to, 0700, error);
    DIR *folder = result < 0 ? NULL : opendir(from);
    if (result == 0 && !folder)
        return errno == ENOENT ? 0 : error_system(error, errno, "cannot read %s", from);
    for (struct dirent *entry; result == 0 && (entry = readdir(folder));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            result = backup_entry(from, to, entry, bytes, error);
    if (folder)
        closedir(folder);
    return result < 0 ? result : folder_sync(to, error);
}

static int backup_all(const char *folder, const char *to, uint64_t *bytes, uint64_t *records, struct panther_error *error)
{
    CLEANUP_FREE char *key = path_join(folder, "server.key"), *key_to = path_join(to, "server.key");
    CLEANUP_FREE char *snapshot = path_join(folder, "snapshot"), *snapshot_to = path_join(to, "snapshot");
    CLEANUP_FREE char *blobs = path_join(folder, "blobs"), *blobs_to = path_join(to, "blobs"), *journal = path_join(to, "journal.db");
    struct stat status;
    int result = folder_make(to, 0700, error);
    if (result == 0 && file_exists(snapshot))
        result = copy_file(snapshot, snapshot_to, error);
    if (result == 0)
        result = backup_journal(folder, to, records, error);
    if (result == 0 && stat(journal, &status) == 0)
        *bytes += (uint64_t)status.st_size;
    if (result == 0)
        result = backup_folder(blobs, blobs_to, bytes, error);
    if (result == 0 && file_exists(key))
        result = copy_file(key, key_to, error);
    return result < 0 ? result : folder_sync(to, error);
}

int store_backup(const char *folder, const char *path, uint64_t *bytes, uint64_t *records, struct panther_error *error)
{
    uint64_t bytes_now = 0, records_now = 0;
    if (file_exists(path))
        return error_set(error, PANTHER_EEXISTS, "%s exists: a backup makes a new folder", path);
    CLEANUP_FREE char *beside = memory_printf("%s.partial", path);
    int result = folder_remove(beside, error);
    if (result == 0)
        result = backup_all(folder, beside, &bytes_now, &records_now, error);
    if (result == 0 && rename(beside, path) < 0)
        result = error_system(error, errno, "cannot name the backup %s", path);
    if (result < 0) {
        folder_remove(beside, NULL);
        return result;
    }
    *bytes = bytes_now;
    if (records)
        *records = records_now;
    return 0;
}

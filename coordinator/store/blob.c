// Blobs: immutable files named by the hash of what is in them, spread over 256 folders.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/system/file.h"
#include "coordinator/store/store.h"

bool blob_hash_is_valid(const char *hash)
{
    return strlen(hash) == HASH_TEXT_BYTES - 1 && strspn(hash, "0123456789abcdef") == HASH_TEXT_BYTES - 1;
}

char *blob_path(const char *folder, const char *hash)
{
    INVARIANT(blob_hash_is_valid(hash));
    return memory_printf("%s/blobs/%.2s/%s", folder, hash, hash);
}

bool blob_exists(const char *folder, const char *hash)
{
    if (!blob_hash_is_valid(hash))
        return false;
    CLEANUP_FREE char *path = blob_path(folder, hash);
    return file_exists(path);
}

bool blob_claim(const char *folder, const char *hash)
{
    if (!blob_hash_is_valid(hash))
        return false;
    CLEANUP_FREE char *path = blob_path(folder, hash);
    return utimensat(AT_FDCWD, path, NULL, 0) == 0;
}

static bool was_claimed(const char *path)
{
    struct stat status;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return stat(path, &status) < 0 || now.tv_sec - status.st_mtim.tv_sec < BLOB_CLAIM_S;
}

// Renamed first: a claim either comes before that, and is seen on the file, or does not find it.
int blob_remove(const char *folder, const char *hash)
{
    CLEANUP_FREE char *path = blob_path(folder, hash);
    CLEANUP_FREE char *removing = memory_printf("%s/removing/%s", folder, hash);
    if (was_claimed(path))
        return file_exists(path) ? PANTHER_ESTATE : 0;
    if (rename(path, removing) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (was_claimed(removing))
        return link(removing, path) < 0 && errno != EEXIST ? -errno : unlink(removing) < 0 ? -errno : PANTHER_ESTATE;
    return unlink(removing) < 0 ? -errno : 0;
}

int blob_restore(const char *folder, struct panther_error *error)
{
    CLEANUP_FREE char *place = path_join(folder, "removing");
    int result = folder_make(place, 0700, error);
    DIR *entries = result < 0 ? NULL : opendir(place);
    struct dirent *entry;
    while (entries && (entry = readdir(entries))) {
        if (!blob_hash_is_valid(entry->d_name))
            continue;
        CLEANUP_FREE char *removing = path_join(place, entry->d_name);
        CLEANUP_FREE char *path = blob_path(folder, entry->d_name);
        if (link(removing, path) == 0 || errno == EEXIST)
            unlink(removing);
    }
    if (entries)
        closedir(entries);
    return result;
}

int folder_sync(const char *path, struct panther_error *error)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int result = fd < 0 || fsync(fd) < 0 ? error_system(error, errno, "cannot sync %s", path) : 0;
    if (fd >= 0)
        close(fd);
    return result;
}

int blob_adopt(const char *folder, const char *path, const char *hash, struct panther_error *error)
{
    if (!blob_hash_is_valid(hash))
        return error_set(error, PANTHER_EINVALID, "\"%.80s\" is not a BLAKE2b-256 hash", hash);
    CLEANUP_FREE char *blobs = path_join(folder, "blobs");
    CLEANUP_FREE char *part = memory_printf("%s/%.2s", blobs, hash);
    CLEANUP_FREE char *blob = blob_path(folder, hash);
    int result = folder_make(part, 0700, error);
    if (result < 0)
        return result;
    utimensat(AT_FDCWD, path, NULL, 0); // its last byte may have come long ago: it is claimed now
    // An equal blob that is there already is replaced by the same bytes.
    if (rename(path, blob) < 0)
        return error_system(error, errno, "cannot take %s as blob %s", path, hash);
    result = folder_sync(part, error);
    return result < 0 ? result : folder_sync(blobs, error);
}

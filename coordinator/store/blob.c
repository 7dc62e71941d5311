// Blobs: immutable files named by the hash of what is in them, spread over 256 folders.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
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
    // An equal blob that is there already is replaced by the same bytes.
    if (rename(path, blob) < 0)
        return error_system(error, errno, "cannot take %s as blob %s", path, hash);
    result = folder_sync(part, error);
    return result < 0 ? result : folder_sync(blobs, error);
}

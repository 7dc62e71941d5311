// Unpacks what pack.c made, trusting nothing in it: names stay below the folder, only regular files and folders are made.
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/archive/archive.h"
#include "common/base/memory.h"

#define READ_BYTES ((size_t)64 * 1024)

// Relative, and no part of it is empty, "." or "..".
static bool stays_below(const char *name)
{
    size_t depth = 0;
    for (const char *part = name;; part++) {
        size_t length = strcspn(part, "/");
        bool is_last = part[length] == '\0' || (part[length] == '/' && part[length + 1] == '\0'); // a folder's name ends in '/'
        if (length == 0 || (length == 1 && part[0] == '.') || (length == 2 && part[0] == '.' && part[1] == '.') ||
            ++depth > ARCHIVE_DEPTH_MAX + 1) {
            return false;
        }
        if (is_last) {
            return true;
        }
        part += length;
    }
}

static int unpack_file(struct archive *archive, int folder, const char *name, mode_t mode, struct panther_error *error)
{
    int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd < 0) {
        return error_set(error, PANTHER_EIO, "%s: %s", name, strerror(errno));
    }
    int problem = 0;
    if (archive_read_data_into_fd(archive, fd) < ARCHIVE_WARN) {
        problem = error_set(error, PANTHER_EIO, "%s: %s", name, archive_error_string(archive));
    } else if (fsync(fd) < 0) {
        problem = error_set(error, PANTHER_EIO, "%s: %s", name, strerror(errno));
    }
    close(fd);
    return problem;
}

static int unpack_entry(struct archive *archive, struct archive_entry *entry, int folder, struct panther_error *error)
{
    const char *name = archive_entry_pathname(entry);
    if (!name || !stays_below(name) || archive_entry_hardlink(entry)) {
        return error_set(error, PANTHER_EINVALID, "the archive has an entry that is not below its folder: %s", name ? name : "(no name)");
    }
    if (archive_entry_filetype(entry) == AE_IFDIR) {
        return mkdirat(folder, name, 0755) == 0 ? 0 : error_set(error, PANTHER_EIO, "%s: %s", name, strerror(errno));
    }
    if (archive_entry_filetype(entry) != AE_IFREG) {
        return error_set(error, PANTHER_EINVALID, "%s in the archive is neither a file nor a folder", name);
    }
    // a few bytes would become a file of any size
    if (archive_entry_sparse_count(entry) > 0) {
        return error_set(error, PANTHER_EINVALID, "%s in the archive has holes", name);
    }
    return unpack_file(archive, folder, name, archive_entry_perm(entry) & S_IXUSR ? 0755 : 0644, error);
}

// max_bytes: of all files together. Compressed, a few bytes would become any number of them.
static int unpack_all(struct archive *archive, int folder, uint64_t max_bytes, struct panther_error *error)
{
    struct archive_entry *entry;
    uint64_t bytes = 0;
    for (size_t count = 0;; count++) {
        int result = archive_read_next_header(archive, &entry);
        if (result == ARCHIVE_EOF) {
            return 0;
        }
        if (result != ARCHIVE_OK) {
            return error_set(error, PANTHER_EINVALID, "the archive cannot be read: %s", archive_error_string(archive));
        }
        if (count == ARCHIVE_ENTRIES_MAX) {
            return error_set(error, PANTHER_EINVALID, "the archive has more than %d entries", ARCHIVE_ENTRIES_MAX);
        }
        uint64_t size = archive_entry_size_is_set(entry) ? (uint64_t)archive_entry_size(entry) : 0;
        if (size > max_bytes - bytes) {
            return error_set(error, PANTHER_ELIMIT, "the archive would become more than %llu bytes", (unsigned long long)max_bytes);
        }
        bytes += size;
        int problem = unpack_entry(archive, entry, folder, error);
        if (problem) {
            return problem;
        }
    }
}

static int unpack(const char *path, const char *folder, bool is_compressed, uint64_t max_bytes, struct panther_error *error)
{
    if (mkdir(folder, 0755) < 0) {
        return error_set(error, errno == EEXIST ? PANTHER_EEXISTS : PANTHER_EIO, "%s: %s", folder, strerror(errno));
    }
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return error_set(error, PANTHER_EIO, "%s: %s", folder, strerror(errno));
    }
    struct archive *archive = archive_read_new();
    INVARIANT(archive);
    archive_read_support_format_tar(archive);
    if (is_compressed) {
        archive_read_support_filter_zstd(archive);
    }
    int problem = archive_read_open_filename(archive, path, READ_BYTES) == ARCHIVE_OK
                      ? unpack_all(archive, fd, max_bytes, error)
                      : error_set(error, PANTHER_EINVALID, "%s: %s", path, archive_error_string(archive));
    archive_read_free(archive);
    if (problem == 0 && fsync(fd) < 0) {
        problem = error_set(error, PANTHER_EIO, "%s: %s", folder, strerror(errno));
    }
    close(fd);
    return problem;
}

int archive_unpack(const char *path, const char *folder, struct panther_error *error)
{
    return unpack(path, folder, false, UINT64_MAX, error);
}

int archive_unpack_zstd(const char *path, const char *folder, uint64_t max_bytes, struct panther_error *error)
{
    return unpack(path, folder, true, max_bytes, error);
}

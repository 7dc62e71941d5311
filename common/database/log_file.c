// Room for the write-ahead log before it is needed. A commit into a log that grows waits for the file system's journal, into which every
// process of the host writes; a commit into bytes that the file has already waits for the disk alone, and that is what a log does once
// it was written from its beginning again. SQLite takes zeros for the end of the log.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "common/database/handle.h"

#define PAGE_BYTES 4096
#define FRAME_HEADER_BYTES 24
// What the log holds when its checkpoint is due, and the commits that go on meanwhile.
#define LOG_BYTES ((off_t)(CHECKPOINT_PAGES + CHECKPOINT_PAGES / 16) * (PAGE_BYTES + FRAME_HEADER_BYTES))
// Only where this is little of what is free: a disk that is nearly full has better uses.
#define FREE_FACTOR 16

int database_log_limit(const struct database *database)
{
    struct statvfs disk;
    if (database->log_pages < CHECKPOINT_PAGES_LEAST || statvfs(database->path, &disk) < 0)
        return CHECKPOINT_PAGES;
    uint64_t pages = (uint64_t)disk.f_bavail * disk.f_frsize / CHECKPOINT_FREE_PART / PAGE_BYTES;
    if (pages > CHECKPOINT_PAGES)
        return CHECKPOINT_PAGES;
    return pages < CHECKPOINT_PAGES_LEAST ? CHECKPOINT_PAGES_LEAST : (int)pages;
}

static bool has_room(int fd)
{
    struct statvfs disk;
    return fstatvfs(fd, &disk) == 0 && (uint64_t)disk.f_bavail * disk.f_frsize > (uint64_t)LOG_BYTES * FREE_FACTOR;
}

static int fill(int fd, off_t from)
{
    static const char zeros[256 * 1024];
    for (off_t at = from; at < LOG_BYTES;) {
        size_t bytes = LOG_BYTES - at < (off_t)sizeof zeros ? (size_t)(LOG_BYTES - at) : sizeof zeros;
        ssize_t written = pwrite(fd, zeros, bytes, at);
        if (written <= 0)
            return -1;
        at += written;
    }
    return fsync(fd);
}

// Closing our descriptor gives up no lock: SQLite has its locks on other files.
void database_prepare_log(const struct database *database)
{
    CLEANUP_FREE char *path = memory_printf("%s-wal", database->path);
    struct stat status;
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return;
    if (fstat(fd, &status) == 0 && status.st_size < LOG_BYTES && has_room(fd) && fill(fd, status.st_size) < 0 &&
        ftruncate(fd, status.st_size) < 0)
        errno = 0; // slower, that is all
    close(fd);
}

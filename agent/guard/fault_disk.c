// disk_full. Where the work folder has a file system of its own, a file fills it: programs see ENOSPC. On the host's own disk that would
// harm everybody, the events of this guard first; there a limit on the size of files does it (RLIMIT_FSIZE): every write to a file at or
// beyond `limit` bytes fails with EFBIG, which is what a kernel without quotas gives to whoever is not root. FaultBegan says which it was.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "agent/guard/faults_state.h"
#include "agent/guard/processes.h"
#include "common/base/units.h"
#include "common/system/file.h"

#define FILLING ".panther-fills-the-disk"

// Compared with the folder above and with our own, which holds the spool.
static bool has_own_disk(const struct fault *fault)
{
    struct stat work, above, own;
    CLEANUP_FREE char *parent = path_join(fault->all->work, "..");
    return stat(fault->all->work, &work) == 0 && stat(parent, &above) == 0 && stat(".", &own) == 0 && work.st_dev != above.st_dev &&
           work.st_dev != own.st_dev;
}

static char *filling_path(const struct fault *fault)
{
    return path_join(fault->all->work, FILLING);
}

// In steps that get smaller, so that nothing is left over but less than a block.
static uint64_t fill(int fd)
{
    uint64_t bytes = 0;
    for (uint64_t step = UINT64_C(1) << 30; step >= 4096;) {
        if (fallocate(fd, 0, (off_t)bytes, (off_t)step) == 0)
            bytes += step;
        else if (errno != EINTR)
            step /= 2;
    }
    return bytes;
}

static int fill_disk(struct fault *fault, struct text *done, struct panther_error *error)
{
    char size[32];
    CLEANUP_FREE char *path = filling_path(fault);
    fault->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fault->fd < 0)
        return error_system(error, errno, "cannot fill the disk of the work folder");
    size_format(fill(fault->fd), size, sizeof size);
    text_printf(done, "%s fill the file system of the work folder: ENOSPC", size);
    return 0;
}

static int begin_disk_full(struct fault *fault, struct text *done, struct panther_error *error)
{
    char size[32];
    uint64_t limit = 0;
    const char *given = fault_option(fault, "limit");
    if (given && !size_parse_bytes(given, &limit))
        return error_set(error, PANTHER_EINVALID, "\"%s\" is not a size", given);
    if (has_own_disk(fault))
        return fill_disk(fault, done, error);
    size_format(limit, size, sizeof size);
    text_printf(done, "files are limited to %s (RLIMIT_FSIZE): EFBIG, for", size);
    int problem = processes_limit_files(fault->all->processes, limit, done, error);
    if (problem < 0)
        processes_limit_files(fault->all->processes, PROCESSES_FILES_UNLIMITED, NULL, NULL);
    return problem;
}

static int end_disk_full(struct fault *fault, struct panther_error *error)
{
    CLEANUP_FREE char *path = filling_path(fault);
    if (fault->fd < 0)
        return processes_limit_files(fault->all->processes, PROCESSES_FILES_UNLIMITED, NULL, error);
    // Not only unlinked: a program that opened it would keep the disk full.
    if (ftruncate(fault->fd, 0) < 0 || unlink(path) < 0)
        return error_system(error, errno, "cannot give the disk back");
    return 0;
}

static void drop_disk_full(struct fault *fault)
{
    if (fault->fd >= 0)
        close(fault->fd);
}

const struct fault_kind fault_disk_full = {.name = "disk_full", .begin = begin_disk_full, .end = end_disk_full, .drop = drop_disk_full};

#define _GNU_SOURCE // O_PATH
#include "agent/shell/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "common/system/file.h"

#define GUARD_PID_MAX_BYTES 256

char *folder_path(const char *state, uint64_t instance, uint32_t generation)
{
    return memory_printf("%s/instances/%" PRIu64 ".%" PRIu32, state, instance, generation);
}

char *folder_marker(const char *host_id, uint64_t instance, uint32_t generation)
{
    return memory_printf(FOLDER_MARKER_NAME "=%" PRIu64 ".%" PRIu32 "@%s", instance, generation, host_id);
}

bool folder_has(const char *folder, const char *name)
{
    CLEANUP_FREE char *path = path_join(folder, name);
    return file_exists(path);
}

int folder_open_file(const char *folder, const char *inner, const char *name)
{
    CLEANUP_FREE char *path = path_join(folder, inner);
    int folder_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder_fd < 0)
        return -1;
    struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    int fd = (int)syscall(SYS_openat2, folder_fd, name, &how, sizeof how), number = errno;
    close(folder_fd);
    struct stat status;
    if (fd >= 0 && (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))) {
        close(fd);
        fd = -1;
        number = EINVAL;
    }
    errno = number;
    return fd;
}

int folder_guard_read(const char *folder, struct folder_guard *guard, struct panther_error *error)
{
    CLEANUP_FREE char *path = path_join(folder, "guard.pid");
    CLEANUP_FREE char *text = NULL;
    size_t bytes;
    if (!file_exists(path))
        return error_set(error, PANTHER_ENOTFOUND, "%s is not there", path);
    int result = file_read(path, GUARD_PID_MAX_BYTES, &text, &bytes, error);
    if (result < 0)
        return result;
    int pid;
    if (sscanf(text, "%d %" SCNu64 " %63s", &pid, &guard->start_ticks, guard->boot_id) != 3 || pid <= 1)
        return error_set(error, PANTHER_EINVALID, "%s is damaged", path);
    guard->pid = pid;
    return 0;
}

void folder_each(const char *state, void (*callback)(void *context, uint64_t instance, uint32_t generation), void *context)
{
    CLEANUP_FREE char *path = path_join(state, "instances");
    DIR *folder = opendir(path);
    if (!folder)
        return;
    const struct dirent *entry;
    while ((entry = readdir(folder))) {
        uint64_t instance;
        uint32_t generation;
        int end = 0;
        if (sscanf(entry->d_name, "%" SCNu64 ".%" SCNu32 "%n", &instance, &generation, &end) == 2 && entry->d_name[end] == '\0')
            callback(context, instance, generation);
    }
    closedir(folder);
}

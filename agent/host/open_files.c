#include "agent/host/open_files.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

void open_files_note(struct open_files *files)
{
    for (int fd = 0; fd < OPEN_FILES_MAX; fd++) {
        files->is_open[fd] = fcntl(fd, F_GETFD) >= 0;
    }
}

static size_t append(int fd, bool is_first, char *text, size_t bytes)
{
    char link[64], target[PATH_MAX];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    const ssize_t length = readlink(link, target, sizeof(target) - 1);
    target[length > 0 ? length : 0] = '\0';
    const int written = snprintf(text, bytes, "%s%s", is_first ? "" : ", ", target);
    return written > 0 && (size_t)written < bytes ? (size_t)written : 0;
}

size_t open_files_since(const struct open_files *files, char *text, size_t bytes)
{
    size_t count = 0, used = 0;
    text[0] = '\0';
    for (int fd = 0; fd < OPEN_FILES_MAX; fd++) {
        if (!files->is_open[fd] && fcntl(fd, F_GETFD) >= 0) {
            used += append(fd, count == 0, text + used, bytes - used);
            count++;
        }
    }
    return count;
}

// See cgroup.h.
#include "agent/guard/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "common/system/file.h"

#define PROCS_MAX_BYTES (1024 * 1024)

bool cgroup_make(const char *folder)
{
    return *folder != '\0' && (mkdir(folder, 0755) == 0 || errno == EEXIST);
}

static bool kill_at_once(const char *folder)
{
    CLEANUP_FREE char *path = path_join(folder, "cgroup.kill");
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool done = write(fd, "1", 1) == 1;
    close(fd);
    return done;
}

void cgroup_kill(const char *folder)
{
    if (*folder == '\0' || kill_at_once(folder))
        return;
    CLEANUP_FREE char *path = path_join(folder, "cgroup.procs");
    CLEANUP_FREE char *pids = NULL;
    if (file_read(path, PROCS_MAX_BYTES, &pids, NULL, NULL) < 0)
        return;
    for (char *line = pids; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        long pid = strtol(line, NULL, 10);
        if (pid > 1 && pid != getpid())
            kill((pid_t)pid, SIGKILL);
    }
}

void cgroup_remove(const char *folder)
{
    if (*folder == '\0')
        return;
    CLEANUP_FREE char *around = memory_printf("%.*s", (int)(strrchr(folder, '/') - folder), folder);
    if (rmdir(folder) < 0 || rmdir(around) < 0)
        errno = 0; // the agent's sweep tries again; others live there
}

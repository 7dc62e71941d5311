#include "agent/shell/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "common/system/file.h"

#define CGROUP_FILE_MAX_BYTES 4096
#define MAKE_TRIES 3
#define HOST_ID_DIGITS 12 // enough to keep the agents of one machine apart

static const char *mount_point(void)
{
    static const char *const candidates[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
    for (size_t i = 0; i < 2; i++) {
        struct statfs info;
        if (statfs(candidates[i], &info) == 0 && info.f_type == CGROUP2_SUPER_MAGIC)
            return candidates[i];
    }
    return NULL;
}

// "0::/path" in /proc/self/cgroup; heap.
static char *own_path(void)
{
    CLEANUP_FREE char *text = NULL;
    size_t bytes;
    if (file_read("/proc/self/cgroup", CGROUP_FILE_MAX_BYTES, &text, &bytes, NULL) < 0)
        return NULL;
    for (char *line = text; line; line = strchr(line, '\n')) {
        if (*line == '\n')
            line++;
        if (strncmp(line, "0::", 3) == 0)
            return memory_printf("%.*s", (int)strcspn(line + 3, "\n"), line + 3);
    }
    return NULL;
}

char *cgroup_base(const char *host_id)
{
    const char *mount = mount_point();
    CLEANUP_FREE char *own = mount ? own_path() : NULL;
    if (!own)
        return NULL;
    char *base = memory_printf("%s%s/panther-%.*s", mount, strcmp(own, "/") == 0 ? "" : own, HOST_ID_DIGITS, host_id);
    CLEANUP_FREE char *kill = path_join(base, "cgroup.kill");
    bool is_ours = (mkdir(base, 0755) == 0 || errno == EEXIST) && access(kill, W_OK) == 0;
    rmdir(base); // it was made to see whether we can; instances of our last life may be in it
    if (is_ours)
        return base;
    free(base);
    return NULL;
}

// The guard of another instance, the last one so far, may remove the folder around it at any moment: then it is made again.
int cgroup_make(const char *cgroup, struct panther_error *error)
{
    int result = PANTHER_EIO;
    for (unsigned tries = 0; tries < MAKE_TRIES && result < 0; tries++)
        result = folder_make(cgroup, 0755, error);
    return result;
}

void cgroup_left(const char *cgroup)
{
    CLEANUP_FREE char *base = cgroup ? memory_printf("%.*s", (int)(strrchr(cgroup, '/') - cgroup), cgroup) : NULL;
    if (base)
        rmdir(base);
}

char *cgroup_of(const char *base, uint64_t instance, uint32_t generation)
{
    return memory_printf("%s/%" PRIu64 ".%" PRIu32, base, instance, generation);
}

bool cgroup_kill(const char *cgroup)
{
    if (!cgroup || rmdir(cgroup) == 0 || errno == ENOENT)
        return true;
    CLEANUP_FREE char *path = path_join(cgroup, "cgroup.kill");
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        ssize_t written = write(fd, "1", 1);
        close(fd);
        if (written < 0)
            return true; // not ours to kill: the mark has found what there is
    }
    return false;
}

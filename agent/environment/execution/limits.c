// See limits.h. Version 1: a folder in each controller's hierarchy, below our own. Version 2: one beside the instance's, because in a group
// that has processes itself no controller can be given to those below.
#include "agent/environment/execution/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "common/schema/environments.h"
#include "common/system/file.h"

#define CGROUP_FILE_MAX_BYTES (64 * 1024)
#define CPU_PERIOD_US 100000

static bool write_value(const char *folder, const char *name, const char *text)
{
    CLEANUP_FREE char *path = path_join(folder, name);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool done = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    close(fd);
    return done;
}

// ---- version 1

// "4:memory:/path" in /proc/self/cgroup; controllers may share a line ("cpu,cpuacct")
static char *own_path(const char *controller)
{
    CLEANUP_FREE char *text = NULL;
    size_t bytes;
    if (file_read("/proc/self/cgroup", CGROUP_FILE_MAX_BYTES, &text, &bytes, NULL) < 0)
        return NULL;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        char *names = strchr(line, ':'), *path = names ? strchr(names + 1, ':') : NULL;
        if (!path)
            continue;
        *path++ = '\0';
        for (char *name = names + 1; name; name = strchr(name, ',') ? strchr(name, ',') + 1 : NULL)
            if (strncmp(name, controller, strlen(controller)) == 0 && strchr(",", name[strlen(controller)]))
                return memory_string(path);
    }
    return NULL;
}

char *limits_controller(const char *controller)
{
    CLEANUP_FREE char *path = own_path(controller);
    if (!path)
        return NULL;
    char *folder = memory_printf("/sys/fs/cgroup/%s%s", controller, strcmp(path, "/") == 0 ? "" : path);
    if (access(folder, W_OK) == 0)
        return folder;
    // in a container the path is the host's, and what we see begins at ours
    free(folder);
    folder = memory_printf("/sys/fs/cgroup/%s", controller);
    if (access(folder, W_OK) == 0)
        return folder;
    free(folder);
    return NULL;
}

static const char *add_folder(struct limits *limits, char *folder)
{
    if (mkdir(folder, 0755) < 0 && errno != EEXIST) {
        free(folder);
        return NULL;
    }
    return limits->folders[limits->folder_count++] = folder;
}

static const char *make_group(struct limits *limits, const char *controller, const char *name)
{
    CLEANUP_FREE char *base = limits_controller(controller);
    return base ? add_folder(limits, path_join(base, name)) : NULL;
}

static void drop_last(struct limits *limits)
{
    rmdir(limits->folders[--limits->folder_count]);
    free(limits->folders[limits->folder_count]);
}

static bool group_memory(struct limits *limits, const char *name, const char *bytes)
{
    const char *folder = make_group(limits, "memory", name);
    if (!folder)
        return false;
    if (!write_value(folder, "memory.limit_in_bytes", bytes)) {
        drop_last(limits);
        return false;
    }
    write_value(folder, "memory.memsw.limit_in_bytes", bytes); // not every kernel counts swap
    limits->memory_events = path_join(folder, "memory.oom_control");
    return true;
}

static bool group_pids(struct limits *limits, const char *name, const char *pids)
{
    const char *folder = make_group(limits, "pids", name);
    return folder && write_value(folder, "pids.max", pids);
}

static bool group_cpu(struct limits *limits, const char *name, const char *cpus)
{
    char quota[32];
    const char *folder = make_group(limits, "cpu", name);
    snprintf(quota, sizeof quota, "%.0f", strtod(cpus, NULL) * CPU_PERIOD_US);
    return folder && write_value(folder, "cpu.cfs_quota_us", quota);
}

// ---- version 2

static bool open_unified(struct limits *limits, const char *beside, const char *memory, const char *cpu, const char *pids)
{
    if (!*beside)
        return false;
    CLEANUP_FREE char *base = memory_string(beside);
    char *slash = strrchr(base, '/');
    if (!slash || slash == base)
        return false;
    *slash = '\0';
    static const char *const controllers[] = {"+memory", "+pids", "+cpu"};
    for (size_t i = 0; i < sizeof controllers / sizeof *controllers; i++) // together, one that is missing refuses the others
        write_value(base, "cgroup.subtree_control", controllers[i]);
    const char *folder = add_folder(limits, memory_printf("%s.limits", beside));
    if (!folder)
        return false;
    char quota[64];
    snprintf(quota, sizeof quota, "%.0f %d", strtod(cpu, NULL) * CPU_PERIOD_US, CPU_PERIOD_US);
    bool done = (!*memory || write_value(folder, "memory.max", memory)) && (!*pids || write_value(folder, "pids.max", pids)) &&
                (!*cpu || write_value(folder, "cpu.max", quota));
    if (!done) {
        drop_last(limits);
        return false;
    }
    if (*memory)
        write_value(folder, "memory.swap.max", "0");
    limits->memory_events = path_join(folder, "memory.events");
    limits->memory_is_grouped = true;
    return true;
}

// One path a line. That the file is lost is no reason not to start: the groups are empty and small then.
static void remember(const struct limits *limits)
{
    struct text text = {0};
    for (size_t i = 0; i < limits->folder_count; i++)
        text_printf(&text, "%s\n", limits->folders[i]);
    if (limits->folder_count > 0)
        file_write_atomic(LIMITS_FILE, text_string(&text), text.length, 0600, NULL);
    text_free(&text);
}

int limits_open(struct limits *limits, const Pb__ExecutionEnvironment *environment, const char *name, const char *beside,
                struct panther_error *error)
{
    const char *memory = environment_value(environment, "memory"), *cpu = environment_value(environment, "cpu");
    const char *pids = environment_value(environment, "pids"), *missing = NULL;
    memset(limits, 0, sizeof *limits);
    if (!*memory && !*cpu && !*pids)
        return 0;
    if (!open_unified(limits, beside, memory, cpu, pids)) {
        limits->memory_is_grouped = *memory && group_memory(limits, name, memory);
        if (*pids && !group_pids(limits, name, pids))
            missing = "pids";
        if (*cpu && !group_cpu(limits, name, cpu))
            missing = "cpu";
    }
    remember(limits);
    if (!missing)
        return 0;
    limits_close(limits);
    return error_set(error, PANTHER_ESTATE, "limits: %s needs a cgroup, and this host has none that we may write", missing);
}

// "oom_kill 2" stands in both versions' files.
uint64_t limits_oom_kills(struct limits *limits)
{
    CLEANUP_FREE char *text = NULL;
    size_t bytes;
    if (!limits->memory_events || file_read(limits->memory_events, CGROUP_FILE_MAX_BYTES, &text, &bytes, NULL) < 0)
        return 0;
    const char *at = strstr(text, "oom_kill ");
    uint64_t kills = at ? strtoull(at + strlen("oom_kill "), NULL, 10) : 0, fresh = kills - limits->oom_kills;
    limits->oom_kills = kills;
    return fresh;
}

bool limits_clear(const char *folder)
{
    CLEANUP_FREE char *path = path_join(folder, LIMITS_FILE);
    CLEANUP_FREE char *text = NULL;
    size_t bytes;
    bool is_clear = true;
    if (file_read(path, CGROUP_FILE_MAX_BYTES, &text, &bytes, NULL) < 0)
        return true;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        if (strncmp(line, "/sys/fs/cgroup/", strlen("/sys/fs/cgroup/")) == 0 && rmdir(line) < 0 && errno == EBUSY)
            is_clear = false;
    return is_clear;
}

void limits_close(struct limits *limits)
{
    while (limits->folder_count > 0)
        drop_last(limits);
    free(limits->memory_events);
    *limits = (struct limits){0};
}

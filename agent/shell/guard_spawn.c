// A new instance: its folder, its specification (synced), its guard.
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/shell/cgroup.h"
#include "agent/shell/guard_state.h"
#include "common/base/message.h"
#include "common/system/file.h"

// For who shapes the wire (services/environments/lab): this way stays as it is.
#define CONTROL_NAME "PANTHER_CONTROL"

#define NAMESPACES_FILE "namespaces" // agent/environment/link writes it
#define NAMESPACES_MAX_BYTES (64 * 1024)

extern char **environ;

static int make_folders(const struct guard *guard, struct panther_error *error)
{
    static const char *const inside[] = {"streams", "work"};
    int result = folder_remove(guard->folder, error); // of a life before the store was reset
    if (result == 0)
        result = folder_make(guard->folder, 0700, error);
    for (size_t i = 0; i < 2 && result == 0; i++) {
        CLEANUP_FREE char *path = path_join(guard->folder, inside[i]);
        result = folder_make(path, 0700, error);
    }
    return result;
}

// ---- its place in an emulated network

// The newest generation of an instance that has its guard here.
static const struct guard *guard_of(const struct guards *guards, uint64_t instance)
{
    const struct guard *newest = NULL;
    for (struct map_entry *e = map_first(guards->all); e; e = map_next(guards->all, e)) {
        const struct guard *guard = e->value;
        if (guard->instance == instance && (!newest || guard->generation > newest->generation))
            newest = guard;
    }
    return newest;
}

// A line of the file `namespaces` that the network leaves in its work folder: SERVICE PID STARTTIME ADDRESS.
static bool read_holder(const char *line, const char *service, Pb__GuardSpec *spec)
{
    char name[128];
    unsigned pid;
    unsigned long long start;
    if (sscanf(line, "%127s %u %llu", name, &pid, &start) != 3 || strcmp(name, service) != 0)
        return false;
    spec->network_pid = pid;
    spec->network_pid_start = start;
    return true;
}

static int find_place(const struct guard *guard, Pb__GuardSpec *spec, struct panther_error *error)
{
    const Pb__NetworkPlace *place = spec->initialize->network_place;
    const struct guard *network = place ? guard_of(guard->guards, place->instance) : NULL;
    if (!place)
        return 0;
    if (!network)
        return error_set(error, PANTHER_ENOTFOUND, "its network is not on this host");
    CLEANUP_FREE char *path = memory_printf("%s/work/" NAMESPACES_FILE, network->folder), *text = NULL;
    size_t bytes;
    if (file_read(path, NAMESPACES_MAX_BYTES, &text, &bytes, NULL) < 0)
        return error_set(error, PANTHER_ENOTFOUND, "its network has no namespaces any more");
    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n')
        if (read_holder(line, spec->initialize->service, spec))
            return 0;
    return error_set(error, PANTHER_ENOTFOUND, "its network has no place for %s", spec->initialize->service);
}

// ---- what it is told

static int write_spec(const struct guard *guard, const Pb__GuardSpec *given, struct arena *arena, struct panther_error *error)
{
    const struct guards_settings *settings = &guard->guards->settings;
    Pb__GuardSpec spec = *given;
    spec.host_program = arena_string(arena, settings->host_program);
    spec.stream_limit_bytes = settings->stream_limit_bytes;
    spec.reserve_bytes = settings->reserve_bytes;
    spec.work_path = arena_printf(arena, "%s/work", guard->folder);
    spec.state_path = arena_printf(arena, "%s/plugins/%s", settings->state, spec.initialize->plugin);
    CLEANUP_FREE char *cgroup = settings->cgroup ? cgroup_of(settings->cgroup, guard->instance, guard->generation) : NULL;
    if (cgroup)
        spec.cgroup = arena_string(arena, cgroup);
    int result = find_place(guard, &spec, error);
    if (result < 0)
        return result;
    const char *invalid = guard_spec_invalid(&spec);
    if (invalid)
        return error_set(error, PANTHER_EINVALID, "its specification is not valid: %s", invalid);
    result = folder_make(spec.state_path, 0700, error);
    if (result == 0 && settings->cgroup && cgroup_make(spec.cgroup, error) < 0)
        spec.cgroup = arena_string(arena, ""); // a host that gives us none: process groups have to do
    size_t bytes;
    const void *data = wire_pack(&spec, arena, &bytes);
    CLEANUP_FREE char *path = path_join(guard->folder, "spec");
    return result < 0 ? result : file_write_atomic(path, data, bytes, 0600, error);
}

// ---- its guard

static const char **environment(const struct guard *guard, struct arena *arena)
{
    size_t count = 0;
    while (environ[count])
        count++;
    const char **entries = ARENA_ARRAY(arena, const char *, count + 3);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (strncmp(environ[i], FOLDER_MARKER_NAME "=", sizeof FOLDER_MARKER_NAME) != 0 &&
            strncmp(environ[i], CONTROL_NAME "=", sizeof CONTROL_NAME) != 0)
            entries[kept++] = environ[i];
    char *marker = folder_marker(guard->guards->settings.host_id, guard->instance, guard->generation);
    entries[kept++] = arena_string(arena, marker);
    free(marker);
    if (guard->guards->settings.coordinator)
        entries[kept] = arena_printf(arena, CONTROL_NAME "=%s", guard->guards->settings.coordinator);
    return entries;
}

static int start(struct guard *guard, struct arena *arena, struct panther_error *error)
{
    const char *const argv[] = {guard->guards->settings.guard_program, "--folder", guard->folder, NULL};
    CLEANUP_FREE char *log_path = path_join(guard->folder, "guard.log");
    int log_fd = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log_fd < 0)
        return error_set(error, PANTHER_ESYSTEM, "cannot write %s", log_path);
    const struct process_descriptor descriptors[] = {{log_fd, STDOUT_FILENO}, {log_fd, STDERR_FILENO}};
    const struct process_start start = {
        .program = argv[0],
        .argv = argv,
        .environment = environment(guard, arena),
        .place = PROCESS_PLACE_SESSION,
        .descriptors = descriptors,
        .descriptor_count = 2,
    };
    int result = process_spawn(&start, &guard->pid, &guard->pidfd, error);
    close(log_fd);
    return result;
}

int guard_spawn(struct guard *guard, const Pb__GuardSpec *spec, struct panther_error *error)
{
    struct arena *arena = arena_new(0);
    int result = make_folders(guard, error);
    if (result == 0)
        result = write_spec(guard, spec, arena, error);
    if (result == 0)
        result = start(guard, arena, error);
    arena_free(&arena);
    return result;
}

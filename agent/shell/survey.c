// A process is an instance's by the mark in its environment; or, since programs write over that, by its guard's session, its cgroup or
// its working folder; or because its parent is one. What descends from this agent and is none of these is named too.
#include "agent/shell/survey.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/shell/folder.h"
#include "common/base/limits.h"
#include "common/base/map.h"
#include "common/system/descriptors.h"
#include "common/system/process.h"

#define PLACE_MAX_BYTES 4096

struct owner {
    uint64_t instance; // 0: none
    uint32_t generation;
    bool foreign; // another agent's, or a helper of this one
};

struct look {
    const struct survey_place *place;
    struct process_row *rows;
    size_t count;
    struct owner *owners; // of each row
    struct map *by_pid;   // -> row
    struct map *by_guard; // pid of a guard -> its owner
    char *cgroup;         // "/panther-0123456789ab/"
    char *folder;         // "STATE/instances/"
};

// "7.1" at the beginning of text, followed by one of the ends.
static bool read_owner(const char *text, const char *ends, struct owner *owner)
{
    int end = 0;
    return sscanf(text, "%" SCNu64 ".%" SCNu32 "%n", &owner->instance, &owner->generation, &end) == 2 && owner->instance &&
           owner->generation && strchr(ends, text[end]); // strchr finds the NUL too
}

static bool by_mark(const struct look *look, pid_t pid, struct owner *owner)
{
    CLEANUP_FREE char *mark = process_environment(pid, FOLDER_MARKER_NAME);
    if (!mark || !read_owner(mark, "@", owner))
        return false;
    owner->foreign = strcmp(strchr(mark, '@') + 1, look->place->host_id) != 0;
    return true;
}

static bool by_session(const struct look *look, pid_t session, struct owner *owner)
{
    const struct owner *known = map_get_number(look->by_guard, (uint64_t)session);
    if (known)
        *owner = *known;
    return known != NULL;
}

static bool by_cgroup(const struct look *look, pid_t pid, struct owner *owner)
{
    CLEANUP_FREE char *text = process_file(pid, "cgroup");
    const char *at = text ? strstr(text, look->cgroup) : NULL;
    return at && read_owner(at + strlen(look->cgroup), "/\n", owner);
}

static bool by_folder(const struct look *look, pid_t pid, struct owner *owner)
{
    char folder[PLACE_MAX_BYTES];
    size_t prefix = strlen(look->folder);
    return process_folder(pid, folder, sizeof folder) && strncmp(folder, look->folder, prefix) == 0 &&
           read_owner(folder + prefix, "/ ", owner); // "... (deleted)"
}

static void own(const struct look *look, size_t index)
{
    const struct process_row *row = &look->rows[index];
    struct owner owner = {0};
    if (by_mark(look, row->pid, &owner) || by_session(look, row->session, &owner) || by_cgroup(look, row->pid, &owner) ||
        by_folder(look, row->pid, &owner))
        look->owners[index] = owner;
    else if (children_has(look->place->children, row->pid))
        look->owners[index].foreign = true; // it describes or probes a plugin
}

static size_t parent_of(const struct look *look, size_t index)
{
    const struct process_row *parent = map_get_number(look->by_pid, (uint64_t)look->rows[index].parent);
    return parent ? (size_t)(parent - look->rows) : SIZE_MAX;
}

// From its nearest relative that is somebody's. True: it descends from this agent.
static bool inherit(const struct look *look, size_t index)
{
    size_t steps = 0;
    for (size_t at = index; at != SIZE_MAX && steps++ <= look->count; at = parent_of(look, at)) {
        if (look->rows[at].pid == getpid())
            return at != index;
        if (look->owners[at].instance || look->owners[at].foreign) {
            look->owners[index] = look->owners[at];
            return true;
        }
    }
    return false;
}

static Pb__HostProcess *name(const struct look *look, size_t index, struct arena *arena)
{
    const struct process_row *row = &look->rows[index];
    Pb__HostProcess *process = ARENA_NEW(arena, Pb__HostProcess);
    pb__host_process__init(process);
    process->pid = (uint32_t)row->pid;
    process->name = arena_string(arena, row->name);
    process->instance = look->owners[index].instance;
    process->generation = look->owners[index].generation;
    process->age_ms = process_age_ms(row->start_ticks);
    process->state = arena_string(arena, process_state_text(row->state));
    if (!process->instance)
        process->stray = arena_string(arena, "it descends from this agent, but is of no instance");
    return process;
}

static void add_guard(void *context, pid_t pid, uint64_t instance, uint32_t generation)
{
    struct look *look = context;
    struct owner *owner = NEW(struct owner);
    *owner = (struct owner){instance, generation, false};
    free(map_put_number(look->by_guard, (uint64_t)pid, owner));
}

static void begin(struct look *look)
{
    look->count = process_rows(&look->rows);
    look->owners = memory_new((look->count + 1) * sizeof *look->owners);
    memset(look->owners, 0, (look->count + 1) * sizeof *look->owners);
    look->by_pid = map_new();
    look->by_guard = map_new();
    look->cgroup = memory_printf("/panther-%.12s/", look->place->host_id);
    look->folder = memory_printf("%s/instances/", look->place->state);
    for (size_t i = 0; i < look->count; i++)
        map_put_number(look->by_pid, (uint64_t)look->rows[i].pid, &look->rows[i]);
    guards_each(look->place->guards, add_guard, look);
}

static void end(struct look *look)
{
    for (struct map_entry *e = map_first(look->by_guard); e; e = map_next(look->by_guard, e))
        free(e->value);
    map_free(&look->by_pid);
    map_free(&look->by_guard);
    free(look->rows);
    free(look->owners);
    free(look->cgroup);
    free(look->folder);
}

size_t survey_look(const struct survey_place *place, struct arena *arena, Pb__HostProcess *const **processes, uint64_t *left_out)
{
    struct look look = {.place = place};
    size_t count = 0;
    Pb__HostProcess **named = ARENA_ARRAY(arena, Pb__HostProcess *, HOST_PROCESSES_MAX);
    *processes = named;
    *left_out = 0;
    if (!descriptors_have(DESCRIPTORS_TO_LOOK)) {
        *left_out = 1; // at least: nobody could look
        return 0;
    }
    begin(&look);
    for (size_t i = 0; i < look.count; i++)
        own(&look, i);
    for (size_t i = 0; i < look.count; i++) {
        bool is_ours = look.owners[i].instance != 0 || inherit(&look, i);
        if (!is_ours || look.owners[i].foreign)
            continue;
        if (count < HOST_PROCESSES_MAX)
            named[count++] = name(&look, i, arena);
        else
            ++*left_out;
    }
    end(&look);
    return count;
}

// A process is an instance's by the mark in its environment; or, since programs write over that, by its guard's session, its cgroup or
// its working folder; or because its parent is one. What descends from this agent and is none of these is named too.
// In a thread: reading of a process that is in trouble can hang, and leases and heartbeats do not wait for that.
#define _GNU_SOURCE // pthread_setname_np
#include "agent/shell/survey.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
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

// What the thread works on: nothing of it is shared while it does.
struct look {
    char *host_id;
    struct process_row *rows;
    size_t count;
    struct owner *owners; // of each row
    struct map *by_pid;   // -> row
    struct map *helpers;  // pids of children that are no guards, when it began
    struct map *by_guard; // pid of a guard -> its owner
    char *cgroup;         // "/panther-0123456789ab/"
    char *folder;         // "STATE/instances/"
    size_t *named;        // rows that are ours
    size_t named_count;
    uint64_t left_out;
};

struct survey {
    struct survey_place place;
    survey_done_fn *done;
    void *context;
    int event_fd;
    struct loop_source *source;
    bool is_running;
    uint64_t session, number;
    pthread_t thread;
    struct look look;
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
    const char *host = mark ? strchr(mark, '@') : NULL; // anybody may set the variable to anything
    if (!host || !read_owner(mark, "@", owner))
        return false;
    owner->foreign = strcmp(host + 1, look->host_id) != 0;
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
    else if (map_get_number(look->helpers, (uint64_t)row->pid))
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

static void add_helper(void *context, pid_t pid)
{
    struct look *look = context;
    if (!map_get_number(look->by_guard, (uint64_t)pid))
        map_put_number(look->helpers, (uint64_t)pid, look);
}

static void look_begin(struct look *look, const struct survey_place *place)
{
    *look = (struct look){.by_pid = map_new(), .by_guard = map_new(), .helpers = map_new()};
    look->host_id = memory_string(place->host_id);
    look->cgroup = memory_printf("/panther-%.12s/", place->host_id);
    look->folder = memory_printf("%s/instances/", place->state);
    guards_each(place->guards, add_guard, look);
    children_each(place->children, add_helper, look);
}

static void look_end(struct look *look)
{
    for (struct map_entry *e = map_first(look->by_guard); e; e = map_next(look->by_guard, e))
        free(e->value);
    map_free(&look->by_pid);
    map_free(&look->by_guard);
    map_free(&look->helpers);
    free(look->rows);
    free(look->owners);
    free(look->named);
    free(look->host_id);
    free(look->cgroup);
    free(look->folder);
    *look = (struct look){0};
}

// ---- the thread

static void look_around(struct look *look)
{
    look->count = process_rows(&look->rows);
    look->owners = memory_new((look->count + 1) * sizeof *look->owners);
    memset(look->owners, 0, (look->count + 1) * sizeof *look->owners);
    look->named = memory_new((look->count + 1) * sizeof *look->named);
    for (size_t i = 0; i < look->count; i++)
        map_put_number(look->by_pid, (uint64_t)look->rows[i].pid, &look->rows[i]);
    for (size_t i = 0; i < look->count; i++)
        own(look, i);
    for (size_t i = 0; i < look->count; i++) {
        bool is_ours = look->owners[i].instance != 0 || inherit(look, i);
        if (is_ours && !look->owners[i].foreign)
            look->named[look->named_count++] = i;
    }
}

static void *survey_run(void *argument)
{
    struct survey *survey = argument;
    look_around(&survey->look);
    uint64_t one = 1;
    ssize_t written = write(survey->event_fd, &one, sizeof one);
    INVARIANT(written == (ssize_t)sizeof one || errno == EAGAIN);
    return NULL;
}

// ---- the loop's thread

// What ended while the others were looked at is not there, and a helper that was started meanwhile is one.
static bool is_still_there(const struct survey *survey, size_t index)
{
    const struct process_row *row = &survey->look.rows[index];
    bool is_helper = !survey->look.owners[index].instance && children_has(survey->place.children, row->pid);
    return !is_helper && process_is_alive(row->pid, row->start_ticks);
}

static void tell(struct survey *survey)
{
    struct look *look = &survey->look;
    struct arena *arena = arena_new(0);
    Pb__HostProcess **processes = ARENA_ARRAY(arena, Pb__HostProcess *, HOST_PROCESSES_MAX);
    size_t count = 0;
    for (size_t i = 0; i < look->named_count; i++) {
        if (!is_still_there(survey, look->named[i]))
            continue;
        if (count < HOST_PROCESSES_MAX)
            processes[count++] = name(look, look->named[i], arena);
        else
            look->left_out++;
    }
    survey->done(survey->context, survey->session, survey->number, processes, count, look->left_out);
    arena_free(&arena);
}

static void on_looked(void *context, int fd, uint32_t epoll_events)
{
    struct survey *survey = context;
    uint64_t ignored;
    (void)epoll_events;
    if (read(fd, &ignored, sizeof ignored) < 0)
        return;
    pthread_join(survey->thread, NULL);
    survey->is_running = false;
    tell(survey);
    look_end(&survey->look);
}

static bool start_thread(struct survey *survey)
{
    // Signals are the loop's business: none may end up in this thread.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = pthread_create(&survey->thread, NULL, survey_run, survey);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (code == 0)
        pthread_setname_np(survey->thread, "survey");
    return code == 0;
}

void survey_start(struct survey *survey, uint64_t session, uint64_t number)
{
    if (survey->is_running)
        return; // it hangs: whoever asks is told that there is no answer
    survey->session = session;
    survey->number = number;
    if (!descriptors_have(DESCRIPTORS_TO_LOOK)) {
        survey->done(survey->context, session, number, NULL, 0, 1); // at least one: nobody could look
        return;
    }
    look_begin(&survey->look, &survey->place);
    survey->is_running = start_thread(survey);
    if (!survey->is_running)
        look_end(&survey->look);
}

int survey_new(struct survey **out, struct loop *loop, const struct survey_place *place, survey_done_fn *done, void *context,
               struct panther_error *error)
{
    int event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (event_fd < 0)
        return error_system(error, errno, "no event descriptor for surveys");
    struct survey *survey = NEW(struct survey);
    *survey = (struct survey){.place = *place, .done = done, .context = context, .event_fd = event_fd};
    survey->source = loop_watch(loop, event_fd, EPOLLIN, on_looked, survey);
    *out = survey;
    return 0;
}

void survey_free(struct survey **address)
{
    struct survey *survey = *address;
    if (!survey)
        return;
    *address = NULL;
    loop_remove(&survey->source);
    if (survey->is_running) { // it may hang: what it works on is left to it until the program ends
        pthread_detach(survey->thread);
        return;
    }
    close(survey->event_fd);
    free(survey);
}

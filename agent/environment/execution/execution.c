// See execution.h. A run: the program runs -> it has ended, its companions finish their files (the pipe ends) -> the files are read, with
// the help of jobs (perf report) where need be -> finished.
#include "agent/environment/execution/execution.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/environment/execution/compose.h"
#include "agent/environment/execution/execution_state.h"
#include "agent/environment/execution/plan.h"
#include "common/system/file.h"
#include "common/system/loop.h"

#define NANOSECONDS_PER_MS UINT64_C(1000000)
// A tool that has not finished its file by then hangs, or has more to write than anybody reads.
#define TOOLS_MAX_MS 15000

void execution_say(struct execution *execution, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    execution->note(execution->context, text);
}

void execution_incomplete(struct execution_run *run, const char *why)
{
    const char *type = environment_types[run->step].name;
    execution_say(run->execution, "what %s found of %s is incomplete: %s", type, run->stem, why);
    report_metric(&run->execution->report, REPORT_SUM, 1, "", "%s.incomplete", type);
}

// ---- the instance

static void open_folder(struct execution *execution)
{
    CLEANUP_FREE char *folder = path_join(execution->settings.work, COMPOSE_FOLDER);
    if (folder_make(folder, 0755, &execution->problem) == 0)
        chmod(folder, 01777); // a server's workers write there, too, once they have given up their rights
}

static void open_limits(struct execution *execution)
{
    const Pb__ExecutionEnvironment *limits = execution->environments[ENVIRONMENT_LIMITS];
    const char *marker = strchr(execution->settings.marker, '=');
    CLEANUP_FREE char *name = memory_printf("panther-%s", marker ? marker + 1 : execution->settings.marker);
    if (limits && limits_open(&execution->limits, limits, name, execution->settings.cgroup, &execution->problem) == 0 &&
        *environment_value(limits, "memory") && !execution->limits.memory_is_grouped)
        execution_say(execution, "limits: this host has no memory cgroup for us: the limit is that of each process's address space");
}

static void take_environments(struct execution *execution)
{
    const Pb__Initialize *initialize = execution->settings.initialize;
    for (size_t i = 0; i < initialize->n_environments; i++) {
        const Pb__ExecutionEnvironment *environment = initialize->environments[i];
        const struct environment_type *type = environment_named(environment->type);
        if (!type) {
            error_set(&execution->problem, PANTHER_EINVALID, "there is no execution environment \"%s\"", environment->type);
            continue;
        }
        for (size_t other = 0; other < i && execution->problem.code == 0; other++) {
            const char *conflict = environments_conflict(initialize->environments[other], environment);
            if (conflict)
                error_set(&execution->problem, PANTHER_EINVALID, "%s and %s: %s", initialize->environments[other]->type, environment->type,
                          conflict);
        }
        execution->environments[type->kind] = environment;
    }
}

struct execution *execution_new(struct loop *loop, const struct execution_settings *settings, execution_note_fn *note, void *context)
{
    if (settings->initialize->n_environments == 0)
        return NULL;
    struct execution *execution = NEW(struct execution);
    execution->loop = loop;
    execution->settings = *settings;
    execution->arena = arena_new(0);
    execution->note = note;
    execution->context = context;
    take_environments(execution);
    if (execution->problem.code == 0)
        open_folder(execution);
    if (execution->problem.code == 0)
        open_limits(execution);
    return execution;
}

void execution_activate(struct execution *execution)
{
    if (execution)
        execution->active = true;
}

const char *execution_artifacts(const struct execution *execution, size_t index, const char **kind)
{
    for (size_t k = 0; execution && k < ENVIRONMENTS; k++) {
        if (!execution->environments[k] || index-- > 0)
            continue;
        bool is_sanitizer = k == ENVIRONMENT_ASAN || k == ENVIRONMENT_UBSAN || k == ENVIRONMENT_TSAN;
        *kind = environment_types[k].name;
        return arena_printf(execution->arena, COMPOSE_FOLDER "/%s*", is_sanitizer ? "sanitizer" : *kind);
    }
    return NULL;
}

// ---- a process is started

static void free_run(struct execution_run *run)
{
    struct execution_run **place = &run->execution->runs;
    while (*place && *place != run)
        place = &(*place)->next;
    if (*place)
        *place = run->next;
    loop_remove(&run->source);
    loop_remove(&run->timer);
    if (run->tools_fd >= 0)
        close(run->tools_fd);
    free(run->name);
    free(run->stem);
    free(run->file_stem);
    free(run->program);
    free(run);
}

// As execvp would find it, by the PATH that the program gets; heap; NULL: not there, which is for the exec itself to say.
static char *find_program(const char *name, const char *const *environment)
{
    const char *path = "";
    if (strchr(name, '/'))
        return memory_string(name);
    for (size_t i = 0; environment[i]; i++)
        if (strncmp(environment[i], "PATH=", 5) == 0)
            path = environment[i] + 5;
    while (*path) {
        size_t bytes = strcspn(path, ":");
        char *candidate = memory_printf("%.*s/%s", (int)bytes, path, name);
        if (access(candidate, X_OK) == 0)
            return candidate;
        free(candidate);
        path += bytes + (path[bytes] == ':');
    }
    return NULL;
}

static struct execution_run *new_run(struct execution *execution, const struct execution_start *start)
{
    struct execution_run *run = NEW(struct execution_run);
    run->execution = execution;
    run->name = memory_string(start->name);
    run->stem = memory_string(start->stem);
    run->file_stem = memory_printf("%u-%s", start->number, start->name);
    run->program = find_program(start->argv[0], start->environment);
    run->tools_fd = -1;
    for (size_t kind = 0; kind < ENVIRONMENTS; kind++)
        if (execution->environments[kind] && environment_is_for(execution->environments[kind], start->name))
            run->kinds |= UINT32_C(1) << kind;
    return run;
}

static const char *const *joined_argv(const struct composing *composing, struct arena *arena)
{
    size_t count = 0;
    while (composing->argv[count])
        count++;
    const char **argv = ARENA_ARRAY(arena, const char *, composing->prefix_count + count + 1);
    for (size_t i = 0; i < composing->prefix_count; i++)
        argv[i] = composing->prefix[i];
    for (size_t i = 0; i < count; i++)
        argv[composing->prefix_count + i] = composing->argv[i];
    return argv;
}

// Of one name the last one holds all that was added.
static void plan_entries(struct composing *composing)
{
    for (size_t i = 0; i < composing->added_count; i++)
        text_printf(&composing->plan, PLAN_ENTRY "%s\n", composing->added[i]);
}

static void compose_all(struct execution_run *run, struct arena *arena, struct execution_start *start)
{
    struct execution *execution = run->execution;
    struct composing composing = {
        .arena = arena,
        .work = execution->settings.work,
        .state = execution->settings.state,
        .stem = run->file_stem,
        .plugin = execution->settings.plugin_path,
        .limits = &execution->limits,
        .argv = start->argv,
        .entries = start->environment,
    };
    for (size_t kind = 0; kind < ENVIRONMENTS; kind++) {
        composing.environment = execution->environments[kind];
        if (run_has(run, (enum environment_kind)kind))
            compose(&composing, (enum environment_kind)kind);
    }
    start->argv = joined_argv(&composing, arena);
    plan_entries(&composing);
    start->plan = arena_string(arena, text_string(&composing.plan));
    composing_free(&composing);
}

static void tools_ended(void *context, int fd, uint32_t events);
static void waited_enough(void *context);

int execution_prepare(struct execution *execution, struct arena *arena, struct execution_start *start, struct execution_run **run_out,
                      struct panther_error *error)
{
    int ends[2];
    *run_out = NULL;
    start->plan = "";
    start->tools_fd = -1;
    if (!execution || !execution->active)
        return 0;
    if (execution->problem.code != 0)
        return error_set(error, execution->problem.code, "%s", execution->problem.message);
    struct execution_run *run = new_run(execution, start);
    if (run->kinds == 0 || !run->program || access(run->program, X_OK) < 0) {
        free_run(run);
        return 0;
    }
    if (pipe2(ends, O_CLOEXEC) < 0) {
        free_run(run);
        return error_system(error, errno, "cannot start %s", start->name);
    }
    run->tools_fd = ends[0];
    start->tools_fd = ends[1];
    run->instrumented = analysis_instrumented(run->program);
    compose_all(run, arena, start);
    run->source = loop_watch(execution->loop, run->tools_fd, EPOLLIN, tools_ended, run);
    run->timer = loop_timer(execution->loop, waited_enough, run);
    run->next = execution->runs;
    execution->runs = run;
    *run_out = run;
    return 0;
}

uint32_t execution_longer_ms(const struct execution *execution, uint32_t ms)
{
    if (!execution)
        return ms;
    const Pb__Initialize *initialize = execution->settings.initialize;
    return environments_deadline_ms(initialize->environments, initialize->n_environments, ms);
}

void execution_abandon(struct execution_run **run)
{
    if (*run)
        free_run(*run);
    *run = NULL;
}

// ---- it has ended

static void go_on(struct execution_run *run)
{
    if (run->ended && run->tools_fd < 0 && run->job == 0 && !run->finished && analysis_step(run)) {
        run->finished = true;
        free_run(run);
    }
}

static void tools_ended(void *context, int fd, uint32_t events)
{
    struct execution_run *run = context;
    (void)events;
    loop_remove(&run->source);
    close(fd);
    run->tools_fd = -1;
    loop_timer_set(run->timer, 0);
    go_on(run);
}

static void kill_tools(const struct execution_run *run)
{
    struct process_list list = {0};
    CLEANUP_FREE char *marker = memory_printf(PLAN_TOOL_MARKER "=%d", (int)run->pid);
    processes_with_environment(marker, &list);
    for (size_t i = 0; i < list.count; i++)
        kill(list.pids[i], SIGKILL);
    process_list_free(&list);
}

static void waited_enough(void *context)
{
    struct execution_run *run = context;
    if (run->job > 0)
        kill(run->job, SIGKILL);
    else
        kill_tools(run);
}

static void name_death(struct execution_run *run, const struct process_end *end, char *why, size_t why_bytes)
{
    struct execution *execution = run->execution;
    const Pb__ExecutionEnvironment *limits = execution->environments[ENVIRONMENT_LIMITS];
    char signature[REPORT_NAME_BYTES];
    uint64_t kills = run_has(run, ENVIRONMENT_LIMITS) ? limits_oom_kills(&execution->limits) : 0;
    if (kills > 0) {
        snprintf(why, why_bytes, "out of memory: the kernel killed %s at its limit of %s bytes",
                 end->signal == SIGKILL ? run->stem : "a process", environment_value(limits, "memory"));
        report_metric(&execution->report, REPORT_SUM, (double)kills, "", "limits.oom_kills");
        snprintf(signature, sizeof signature, "limits oom %.80s", run->name);
    } else if (run_has(run, ENVIRONMENT_LIMITS) && end->signal == SIGXCPU) {
        snprintf(why, why_bytes, "%s has used up its processor time of %s ms", run->stem, environment_value(limits, "time"));
        snprintf(signature, sizeof signature, "limits time %.80s", run->name);
    } else {
        return;
    }
    report_finding(&execution->report, signature, why);
    execution_say(execution, "%s", why);
}

void execution_ended(struct execution_run **pointer, const struct process_end *end, char *why, size_t why_bytes)
{
    struct execution_run *run = *pointer;
    *why = '\0';
    *pointer = NULL;
    if (!run)
        return;
    run->ended = true;
    run->pid = end->pid;
    run->killed = end->signal == SIGKILL;
    name_death(run, end, why, why_bytes);
    if (run->tools_fd >= 0)
        loop_timer_set(run->timer, clock_boottime_ns() + TOOLS_MAX_MS * NANOSECONDS_PER_MS);
    go_on(run);
}

bool execution_child_ended(struct execution *execution, const struct process_end *end)
{
    for (struct execution_run *run = execution ? execution->runs : NULL; run; run = run->next)
        if (run->job == end->pid) {
            run->job = 0;
            run->job_done = true;
            loop_timer_set(run->timer, 0);
            go_on(run);
            return true;
        }
    return false;
}

bool execution_is_busy(const struct execution *execution)
{
    for (const struct execution_run *run = execution ? execution->runs : NULL; run; run = run->next)
        if (run->ended)
            return true;
    return false;
}

const struct report *execution_report(struct execution *execution)
{
    static const char *const counts[] = {"errors", "crashes", "reports", "leaked"};
    struct report *report = &execution->report;
    for (size_t kind = 0; kind < ENVIRONMENTS; kind++) {
        char name[64];
        const char *type = environment_types[kind].name;
        snprintf(name, sizeof name, "%s.incomplete", type);
        if (!execution->environments[kind] || report_value(report, name) == 0)
            continue;
        // "none found" is no answer when not all was looked at
        for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
            snprintf(name, sizeof name, "%s.%s", type, counts[i]);
            if (report_value(report, name) == 0)
                report_forget(report, name);
        }
    }
    return report;
}

void execution_free(struct execution **pointer)
{
    struct execution *execution = *pointer;
    if (!execution)
        return;
    while (execution->runs)
        free_run(execution->runs);
    limits_close(&execution->limits);
    arena_free(&execution->arena);
    free(execution);
    *pointer = NULL;
}

// See probe.h.
#include "agent/environment/execution/probe.h"

#include <errno.h>
#include <glob.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/environment/execution/limits.h"
#include "agent/environment/execution/sandbox.h"
#include "common/schema/environments.h"

// Where the guard's programs are looked for, too.
#define SBIN_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static bool is_in(const char *path, const char *program)
{
    while (*path) {
        size_t bytes = strcspn(path, ":");
        CLEANUP_FREE char *candidate = memory_printf("%.*s/%s", (int)bytes, path, program);
        if (access(candidate, X_OK) == 0)
            return true;
        path += bytes + (path[bytes] == ':');
    }
    return false;
}

static const char *program(struct arena *arena, const char *name)
{
    const char *path = getenv("PATH");
    return (path && is_in(path, name)) || is_in(SBIN_PATH, name) ? NULL : arena_printf(arena, "%s is not installed", name);
}

static const char *library(struct arena *arena, const char *name)
{
    glob_t found;
    CLEANUP_FREE char *pattern = memory_printf("/usr/lib/*/%s", name), *beside = memory_printf("/usr/lib*/%s", name);
    bool is_there = glob(pattern, 0, NULL, &found) == 0;
    globfree(&found);
    if (!is_there) {
        is_there = glob(beside, 0, NULL, &found) == 0;
        globfree(&found);
    }
    return is_there ? NULL : arena_printf(arena, "%s is not installed", name);
}

// ---- tried in a process of its own; 0, or the errno of what was refused

static int tried(int (*what)(void))
{
    int status = 0;
    pid_t child = fork();
    if (child < 0)
        return errno;
    if (child == 0)
        _exit(what() & 0xff);
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return errno;
    return WIFEXITED(status) ? WEXITSTATUS(status) : EPERM;
}

// Of a process that is not our child's child: as a companion meets it.
static int trace(void)
{
    pid_t other = fork();
    if (other < 0)
        return errno;
    if (other == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
        for (;;)
            pause();
    }
    int problem = ptrace(PTRACE_SEIZE, other, NULL, NULL) < 0 ? errno : 0;
    kill(other, SIGKILL);
    waitpid(other, NULL, __WALL);
    return problem;
}

static int count_events(void)
{
    struct perf_event_attr attributes = {
        .type = PERF_TYPE_SOFTWARE, .size = sizeof attributes, .config = PERF_COUNT_SW_CPU_CLOCK, .exclude_kernel = 1, .exclude_hv = 1};
    long fd = syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0UL);
    return fd < 0 ? errno : 0;
}

static int make_sandbox(void)
{
    const struct sandbox sandbox = {.wanted = true, .private_tmp = true};
    const char *step;
    return sandbox_enter(&sandbox, &step) < 0 ? (errno ? errno : EPERM) : 0;
}

static const char *refused(struct arena *arena, const char *what, int problem)
{
    return problem == 0 ? NULL : arena_printf(arena, "this host does not allow %s: %s", what, strerror(problem));
}

static const char *first_of(const char *one, const char *other)
{
    return one ? one : other;
}

// ---- each type

static const char *why_not(enum environment_kind kind, struct arena *arena)
{
    switch (kind) {
    case ENVIRONMENT_SANDBOX:
        return refused(arena, "mount namespaces", tried(make_sandbox));
    case ENVIRONMENT_PERF:
        return first_of(program(arena, "perf"), refused(arena, "perf_event_open (kernel.perf_event_paranoid)", tried(count_events)));
    case ENVIRONMENT_STRACE:
    case ENVIRONMENT_GDB:
        return first_of(program(arena, environment_types[kind].name), refused(arena, "ptrace", tried(trace)));
    case ENVIRONMENT_MEMCHECK:
    case ENVIRONMENT_HELGRIND:
    case ENVIRONMENT_CALLGRIND:
    case ENVIRONMENT_MASSIF:
        return program(arena, "valgrind");
    case ENVIRONMENT_GPERF_CPU:
        return first_of(program(arena, "google-pprof"), library(arena, "libprofiler.so.0"));
    case ENVIRONMENT_GPERF_HEAP:
        return first_of(program(arena, "google-pprof"), library(arena, "libtcmalloc.so.4"));
    default:
        return NULL; // rlimits, and what the program brings itself
    }
}

// "cpuset cpu io": whole words.
static bool has_word(const char *text, const char *word)
{
    size_t bytes = strlen(word);
    for (const char *at = text; (at = strstr(at, word)); at += bytes)
        if ((at == text || at[-1] == ' ') && strchr(" \n", at[bytes]))
            return true;
    return false;
}

static bool has_group(const char *controller, const char *cgroup)
{
    CLEANUP_FREE char *first = limits_controller(controller);
    if (first)
        return true;
    // What the folder around it gives away; itself it is there only while an instance is.
    CLEANUP_FREE char *path = cgroup ? memory_printf("%.*s/cgroup.subtree_control", (int)(strrchr(cgroup, '/') - cgroup), cgroup) : NULL;
    char text[256] = "";
    FILE *file = path ? fopen(path, "re") : NULL;
    if (file && !fgets(text, sizeof text, file))
        *text = '\0';
    if (file)
        fclose(file);
    return has_word(text, controller);
}

static Pb__EnvironmentPresence *presence(struct arena *arena, const char *type, const char *why)
{
    Pb__EnvironmentPresence *one = ARENA_NEW(arena, Pb__EnvironmentPresence);
    pb__environment_presence__init(one);
    one->type = arena_string(arena, type);
    one->usable = why == NULL;
    one->unusable_reason = arena_string(arena, why ? why : "");
    return one;
}

Pb__EnvironmentPresence **probe_environments(struct arena *arena, const char *cgroup, size_t *count)
{
    static const char *const grouped[] = {"cpu", "pids"};
    Pb__EnvironmentPresence **presences = ARENA_ARRAY(arena, Pb__EnvironmentPresence *, ENVIRONMENTS + 2);
    *count = 0;
    for (size_t kind = 0; kind < ENVIRONMENTS; kind++)
        presences[(*count)++] = presence(arena, environment_types[kind].name, why_not((enum environment_kind)kind, arena));
    for (size_t i = 0; i < 2; i++)
        presences[(*count)++] = presence(arena, arena_printf(arena, "limits.%s", grouped[i]),
                                         has_group(grouped[i], cgroup) ? NULL : "this host has no cgroup for it that the agent may write");
    return presences;
}

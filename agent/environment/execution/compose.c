// See compose.h. strace, perf and gdb attach themselves to the process before its exec, and valgrind becomes the program: so pid, exit
// status and signals are the program's own, whatever it is started under.
#include "agent/environment/execution/compose.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "agent/environment/execution/limits.h"
#include "agent/environment/execution/plan.h"

static const char *value(const struct composing *composing, const char *option)
{
    return environment_value(composing->environment, option);
}

static bool is_on(const struct composing *composing, const char *option)
{
    return strcmp(value(composing, option), "true") == 0;
}

static const char *file(const struct composing *composing, const char *type, const char *suffix)
{
    return arena_printf(composing->arena, "%s/" COMPOSE_FOLDER "/%s.%s%s", composing->work, type, composing->stem, suffix);
}

static void prefix(struct composing *composing, const char *argument)
{
    APPEND(composing->prefix, composing->prefix_count, composing->prefix_capacity) = arena_string(composing->arena, argument);
}

static void argument(struct composing *composing, const char *text)
{
    text_printf(&composing->plan, PLAN_ARGUMENT "%s\n", text);
}

static void companion(struct composing *composing, const char *ready, const char *log, const char *const *arguments)
{
    text_printf(&composing->plan, PLAN_COMPANION "%s %s\n", ready, log);
    for (size_t i = 0; arguments[i]; i++)
        argument(composing, arguments[i]);
}

static const char *entry_of(const char *const *entries, size_t count, const char *name)
{
    size_t bytes = strlen(name);
    const char *last = NULL;
    for (size_t i = 0; i < count && entries[i]; i++)
        if (strncmp(entries[i], name, bytes) == 0 && entries[i][bytes] == '=')
            last = entries[i] + bytes + 1;
    return last;
}

// Behind what the plugin or an earlier environment said, since the last one wins; without separator there can be one only.
static void entry(struct composing *composing, const char *name, const char *text, const char *separator)
{
    const char *before = entry_of(composing->added, composing->added_count, name);
    if (!before)
        before = entry_of(composing->entries, SIZE_MAX, name);
    APPEND(composing->added, composing->added_count, composing->added_capacity) =
        *separator && before && *before ? arena_printf(composing->arena, "%s=%s%s%s", name, before, separator, text)
                                        : arena_printf(composing->arena, "%s=%s", name, text);
}

// ---- limits, sandbox

static void limit(struct composing *composing, int resource, const char *text, double divisor)
{
    if (*text)
        text_printf(&composing->plan, PLAN_LIMIT "%d %.0f\n", resource, strtod(text, NULL) / divisor);
}

static void compose_limits(struct composing *composing)
{
    for (size_t i = 0; i < composing->limits->folder_count; i++)
        text_printf(&composing->plan, PLAN_CGROUP "%s\n", composing->limits->folders[i]);
    if (!composing->limits->memory_is_grouped)
        limit(composing, RLIMIT_AS, value(composing, "memory"), 1);
    limit(composing, RLIMIT_NOFILE, value(composing, "files"), 1);
    limit(composing, RLIMIT_CPU, value(composing, "time"), 1000);
}

// A private /tmp hides what the program itself needs when it lies there, as a build tree may.
static void show(struct composing *composing, const char *path)
{
    char real[PATH_MAX];
    struct stat status;
    if (*path != '/' || !realpath(path, real) || strncmp(real, "/tmp/", 5) != 0 || stat(real, &status) < 0)
        return;
    if (!S_ISDIR(status.st_mode))
        *strrchr(real, '/') = '\0';
    if (strcmp(real, "/tmp") != 0)
        text_printf(&composing->plan, PLAN_READABLE "%s\n", real);
}

static void compose_sandbox(struct composing *composing)
{
    bool private = is_on(composing, "private_tmp");
    text_printf(&composing->plan, PLAN_SANDBOX "%s\n", private ? "private" : "shared");
    show(composing, composing->plugin);
    for (size_t i = 0; private && composing->argv[i]; i++)
        show(composing, composing->argv[i]);
    text_printf(&composing->plan, PLAN_WRITABLE "%s\n", composing->work);
    if (*composing->state)
        text_printf(&composing->plan, PLAN_WRITABLE "%s\n", composing->state);
    for (size_t i = 0; i < composing->environment->n_options; i++)
        for (size_t v = 0;
             strcmp(composing->environment->options[i]->name, "writable") == 0 && v < composing->environment->options[i]->n_values; v++)
            text_printf(&composing->plan, PLAN_WRITABLE "%s\n", composing->environment->options[i]->values[v]);
}

// ---- beside it

#define PERF_EVENTS "task-clock,context-switches,cpu-migrations,page-faults,cycles,instructions,branch-misses,cache-misses"

static void compose_perf(struct composing *composing)
{
    const char *const counters[] = {
        "perf", "stat",      "-x", ",",           "-o", file(composing, "perf-stat", ".csv"), "-D", "-1", "--control", PLAN_WORD_CONTROL,
        "-e",   PERF_EVENTS, "-p", PLAN_WORD_PID, NULL};
    companion(composing, "acknowledged", file(composing, "perf-stat", ".log"), counters);
    const char *const samples[] = {"perf",      "record",
                                   "-F",        value(composing, "frequency"),
                                   "-o",        file(composing, "perf", ".data"),
                                   "-D",        "-1",
                                   "--control", PLAN_WORD_CONTROL,
                                   "-p",        PLAN_WORD_PID,
                                   NULL};
    companion(composing, "acknowledged", file(composing, "perf", ".log"), samples);
    if (*value(composing, "event")) {
        argument(composing, "-e");
        argument(composing, value(composing, "event"));
    }
    if (is_on(composing, "call_graph"))
        argument(composing, "-g");
}

static void compose_strace(struct composing *composing)
{
    const char *mode = is_on(composing, "calls") ? "-C" : "-c";
    const char *const arguments[] = {"strace", "-q",
                                     "-f",     mode,
                                     "-I",     "3",
                                     "-o",     file(composing, "strace", ".txt"),
                                     "-e",     arena_printf(composing->arena, "trace=%s", value(composing, "trace")),
                                     "-p",     PLAN_WORD_PID,
                                     NULL};
    companion(composing, "traced", file(composing, "strace", ".log"), arguments);
}

// Signals of a crash stop it, all others go to the program as if nobody looked. The last `continue` lets the signal do its work, so that
// exit status and core are the program's. See parse_gdb.c for the marks.
static void compose_gdb(struct composing *composing)
{
    const char *frames = value(composing, "frames");
    const char *const arguments[] = {"gdb",  "-nx",
                                     "-q",   "-batch",
                                     "-iex", "set debuginfod enabled off",
                                     "-iex", "set auto-load off",
                                     "-iex", "set auto-solib-add off",
                                     "-ex",  "set pagination off",
                                     "-ex",  "set confirm off",
                                     "-ex",  "set auto-solib-add on",
                                     "-ex",  "handle all nostop noprint pass",
                                     "-ex",  "handle SIGSEGV SIGABRT SIGBUS SIGFPE SIGILL SIGSYS stop print pass",
                                     "-p",   PLAN_WORD_PID,
                                     "-ex",  "continue",
                                     "-ex",  "echo \\n==current==\\n",
                                     "-ex",  arena_printf(composing->arena, "backtrace %s", frames),
                                     "-ex",  "echo \\n==threads==\\n",
                                     "-ex",  arena_printf(composing->arena, "thread apply all backtrace %s", frames),
                                     "-ex",  "echo \\n==end==\\n",
                                     "-ex",  "continue",
                                     NULL};
    companion(composing, "traced", file(composing, "gdb", ".txt"), arguments);
}

// ---- around it: valgrind

static void valgrind(struct composing *composing, const char *tool)
{
    prefix(composing, "valgrind");
    prefix(composing, "-q");
    prefix(composing, arena_printf(composing->arena, "--tool=%s", tool));
    prefix(composing, is_on(composing, "children") ? "--trace-children=yes" : "--trace-children=no");
    prefix(composing, "--child-silent-after-fork=no");
    // what vgdb would leave in /tmp, and nobody connects to
    prefix(composing, "--vgdb=no");
}

static void valgrind_file(struct composing *composing, const char *option, const char *tool, const char *suffix)
{
    prefix(composing, arena_printf(composing->arena, "--%s=%s", option, file(composing, tool, suffix)));
}

static void compose_memcheck(struct composing *composing)
{
    valgrind(composing, "memcheck");
    prefix(composing, "--xml=yes");
    valgrind_file(composing, "xml-file", "memcheck", ".%p.xml");
    prefix(composing, arena_printf(composing->arena, "--leak-check=%s", value(composing, "leak_check")));
    if (is_on(composing, "track_origins"))
        prefix(composing, "--track-origins=yes");
}

static void compose_helgrind(struct composing *composing)
{
    valgrind(composing, "helgrind");
    prefix(composing, "--xml=yes");
    valgrind_file(composing, "xml-file", "helgrind", ".%p.xml");
}

static void compose_callgrind(struct composing *composing)
{
    valgrind(composing, "callgrind");
    valgrind_file(composing, "callgrind-out-file", "callgrind", ".%p.out");
}

static void compose_massif(struct composing *composing)
{
    valgrind(composing, "massif");
    valgrind_file(composing, "massif-out-file", "massif", ".%p.out");
    if (is_on(composing, "stacks"))
        prefix(composing, "--stacks=yes");
}

// ---- within it: libraries and options of the program's own runtime

static void compose_gperf_cpu(struct composing *composing)
{
    entry(composing, "LD_PRELOAD", "libprofiler.so.0", ":");
    entry(composing, "CPUPROFILE_FREQUENCY", value(composing, "frequency"), "");
    entry(composing, "CPUPROFILE", file(composing, "gperf_cpu", ".prof"), "");
}

static void compose_gperf_heap(struct composing *composing)
{
    entry(composing, "LD_PRELOAD", "libtcmalloc.so.4", ":");
    entry(composing, "HEAP_PROFILE_ALLOCATION_INTERVAL", value(composing, "interval"), "");
    entry(composing, "HEAPPROFILE", file(composing, "gperf_heap", ""), "");
}

static void sanitizer(struct composing *composing, const char *name, const char *own)
{
    entry(composing, name, arena_printf(composing->arena, "log_path=%s:%s", file(composing, "sanitizer", ""), own), ":");
    if (*value(composing, "options"))
        entry(composing, name, value(composing, "options"), ":");
}

static void compose_asan(struct composing *composing)
{
    sanitizer(composing, "ASAN_OPTIONS", is_on(composing, "leaks") ? "detect_leaks=1" : "detect_leaks=0");
    // of a program that has LeakSanitizer alone
    entry(composing, "LSAN_OPTIONS", arena_printf(composing->arena, "log_path=%s", file(composing, "sanitizer", "")), ":");
}

static void compose_ubsan(struct composing *composing)
{
    sanitizer(composing, "UBSAN_OPTIONS", "print_stacktrace=1");
}

static void compose_tsan(struct composing *composing)
{
    sanitizer(composing, "TSAN_OPTIONS", "second_deadlock_stack=1");
}

static void (*const composers[ENVIRONMENTS])(struct composing *composing) = {
    [ENVIRONMENT_LIMITS] = compose_limits,
    [ENVIRONMENT_SANDBOX] = compose_sandbox,
    [ENVIRONMENT_PERF] = compose_perf,
    [ENVIRONMENT_STRACE] = compose_strace,
    [ENVIRONMENT_GDB] = compose_gdb,
    [ENVIRONMENT_MEMCHECK] = compose_memcheck,
    [ENVIRONMENT_HELGRIND] = compose_helgrind,
    [ENVIRONMENT_CALLGRIND] = compose_callgrind,
    [ENVIRONMENT_MASSIF] = compose_massif,
    [ENVIRONMENT_GPERF_CPU] = compose_gperf_cpu,
    [ENVIRONMENT_GPERF_HEAP] = compose_gperf_heap,
    [ENVIRONMENT_ASAN] = compose_asan,
    [ENVIRONMENT_UBSAN] = compose_ubsan,
    [ENVIRONMENT_TSAN] = compose_tsan,
};

void compose(struct composing *composing, enum environment_kind kind)
{
    composers[kind](composing);
}

bool environment_is_for(const Pb__ExecutionEnvironment *environment, const char *process)
{
    for (size_t i = 0; i < environment->n_options; i++) {
        const Pb__PlacedSetting *option = environment->options[i];
        if (strcmp(option->name, "processes") != 0 || option->n_values == 0)
            continue;
        for (size_t v = 0; v < option->n_values; v++)
            if (strcmp(option->values[v], process) == 0)
                return true;
        return false;
    }
    return true;
}

void composing_free(struct composing *composing)
{
    free(composing->prefix);
    free(composing->added);
    text_free(&composing->plan);
}

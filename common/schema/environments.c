// See environments.h. Factors are what the tools' own manuals say of slow programs, not of the mean: a deadline that is too long costs
// nothing when nothing hangs.
#include "common/schema/environments.h"

#include <string.h>

#include "common/schema/diagnostics.h"

#define COUNT(ARRAY) (sizeof(ARRAY) / sizeof *(ARRAY))
#define BOOLEAN PB__OPTION_TYPE__OPTION_TYPE_BOOLEAN
#define CHOICE PB__OPTION_TYPE__OPTION_TYPE_CHOICE
#define DURATION PB__OPTION_TYPE__OPTION_TYPE_DURATION
#define FLOAT PB__OPTION_TYPE__OPTION_TYPE_FLOAT
#define INTEGER PB__OPTION_TYPE__OPTION_TYPE_INTEGER
#define LIST PB__OPTION_TYPE__OPTION_TYPE_LIST
#define SIZE PB__OPTION_TYPE__OPTION_TYPE_SIZE
#define STRING PB__OPTION_TYPE__OPTION_TYPE_STRING

// Every one has it: a plugin may start more than the program that is looked at.
#define PROCESSES                                                                                                                          \
    {                                                                                                                                      \
        "processes", LIST, "", 0, 0, NULL, "names of the processes it is for; default: all that the plugin starts"                         \
    }
#define TOP                                                                                                                                \
    {                                                                                                                                      \
        "top", INTEGER, "20", 1, 100, NULL, "so many functions are told as metrics"                                                        \
    }
#define CHILDREN                                                                                                                           \
    {                                                                                                                                      \
        "children", BOOLEAN, "true", 0, 0, NULL, "also programs that the program starts"                                                   \
    }
#define MORE_OPTIONS                                                                                                                       \
    {                                                                                                                                      \
        "options", STRING, "", 0, 0, NULL, "more options of the sanitizer: \"name=value:name=value\""                                      \
    }

static const char *const leak_checks[] = {"full", "summary", "no", NULL};

static const struct environment_option limits_options[] = {
    {"memory", SIZE, "", 1 << 20, 0x1p60, NULL, "of all its processes together (cgroup), else of each one's address space"},
    {"cpu", FLOAT, "", 0.01, 4096, NULL, "processors, such as 0.5 (needs a cgroup)"},
    {"pids", INTEGER, "", 1, 4194304, NULL, "processes and threads at once (needs a cgroup)"},
    {"files", INTEGER, "", 8, 1048576, NULL, "descriptors that one process may have open"},
    {"time", DURATION, "", 1000, 1e9, NULL, "processor time of one process; then it gets SIGXCPU"},
    PROCESSES,
};
static const struct environment_option sandbox_options[] = {
    {"private_tmp", BOOLEAN, "true", 0, 0, NULL, "an empty /tmp of its own"},
    {"writable", LIST, "", 0, 0, NULL, "folders that it may write besides its work and state folder"},
    PROCESSES,
};
static const struct environment_option perf_options[] = {
    {"frequency", INTEGER, "199", 1, 10000, NULL, "samples a second of each thread"},
    {"event", STRING, "", 0, 0, NULL, "what is sampled; default: cycles where they can be counted, else cpu-clock"},
    {"call_graph", BOOLEAN, "false", 0, 0, NULL, "keep call chains (frame pointers)"},
    TOP,
    PROCESSES,
};
static const struct environment_option strace_options[] = {
    {"trace", STRING, "all", 0, 0, NULL, "system calls, as strace -e trace= takes them: \"network,%file\""},
    {"calls", BOOLEAN, "true", 0, 0, NULL, "keep every call, not only how many there were"},
    TOP,
    PROCESSES,
};
static const struct environment_option gdb_options[] = {
    {"frames", INTEGER, "64", 1, 1000, NULL, "of each thread's stack"},
    PROCESSES,
};
static const struct environment_option memcheck_options[] = {
    {"leak_check", CHOICE, "full", 0, 0, leak_checks, "what is lost at the end"},
    {"track_origins", BOOLEAN, "false", 0, 0, NULL, "say where an uninitialised value comes from (twice as slow)"},
    CHILDREN,
    PROCESSES,
};
static const struct environment_option helgrind_options[] = {CHILDREN, PROCESSES};
static const struct environment_option callgrind_options[] = {TOP, CHILDREN, PROCESSES};
static const struct environment_option massif_options[] = {
    {"stacks", BOOLEAN, "false", 0, 0, NULL, "also the memory of stacks"},
    CHILDREN,
    PROCESSES,
};
static const struct environment_option gperf_cpu_options[] = {
    {"frequency", INTEGER, "100", 1, 4000, NULL, "samples a second"},
    TOP,
    PROCESSES,
};
static const struct environment_option gperf_heap_options[] = {
    {"interval", SIZE, "1073741824", 1 << 16, 0x1p60, NULL, "a heap profile after so many bytes were allocated, and one at the end"},
    TOP,
    PROCESSES,
};
static const struct environment_option asan_options[] = {
    {"leaks", BOOLEAN, "true", 0, 0, NULL, "what is lost at the end (LeakSanitizer)"},
    MORE_OPTIONS,
    PROCESSES,
};
static const struct environment_option ubsan_options[] = {MORE_OPTIONS, PROCESSES};
static const struct environment_option tsan_options[] = {MORE_OPTIONS, PROCESSES};

#define ROW(KIND, NAME, FACTOR, SUMMARY)                                                                                                   \
    [ENVIRONMENT_##KIND] = {ENVIRONMENT_##KIND, #NAME, FACTOR, SUMMARY, NAME##_options, COUNT(NAME##_options)}

const struct environment_type environment_types[ENVIRONMENTS] = {
    ROW(LIMITS, limits, 1, "memory, processors, processes, files and time; an OOM kill is named"),
    ROW(SANDBOX, sandbox, 1, "read-only system, private /tmp, no new privileges"),
    ROW(PERF, perf, 2, "counters and hot functions (perf stat, perf record)"),
    ROW(STRACE, strace, 5, "system calls: how many, how many failed, all of them in a file"),
    ROW(GDB, gdb, 2, "backtrace of every thread on a crash"),
    ROW(MEMCHECK, memcheck, 30, "invalid accesses, uninitialised values and leaks (valgrind)"),
    ROW(HELGRIND, helgrind, 50, "data races and lock order (valgrind)"),
    ROW(CALLGRIND, callgrind, 50, "instructions by function (valgrind)"),
    ROW(MASSIF, massif, 20, "heap over time, and its peak (valgrind)"),
    ROW(GPERF_CPU, gperf_cpu, 2, "hot functions (gperftools)"),
    ROW(GPERF_HEAP, gperf_heap, 4, "allocated memory by function (gperftools)"),
    ROW(ASAN, asan, 3, "reports of AddressSanitizer and LeakSanitizer; the program must be built with it"),
    ROW(UBSAN, ubsan, 2, "reports of UndefinedBehaviorSanitizer; the program must be built with it"),
    ROW(TSAN, tsan, 15, "reports of ThreadSanitizer; the program must be built with it"),
};

const struct environment_type *environment_named(const char *name)
{
    for (size_t i = 0; i < ENVIRONMENTS; i++)
        if (strcmp(environment_types[i].name, name) == 0)
            return &environment_types[i];
    return NULL;
}

const char *environment_nearest(const char *name)
{
    const char *names[ENVIRONMENTS];
    for (size_t i = 0; i < ENVIRONMENTS; i++)
        names[i] = environment_types[i].name;
    return suggest(name, names, ENVIRONMENTS);
}

// ---- options

static void take_choices(Pb__OptionDescription *description, const char *const *choices, struct arena *arena)
{
    while (choices && choices[description->n_choices])
        description->n_choices++;
    description->choices = ARENA_ARRAY(arena, char *, description->n_choices);
    for (size_t i = 0; i < description->n_choices; i++)
        description->choices[i] = arena_string(arena, choices[i]);
}

static Pb__OptionDescription *describe(const struct environment_option *option, struct arena *arena)
{
    Pb__OptionDescription *description = ARENA_NEW(arena, Pb__OptionDescription);
    pb__option_description__init(description);
    description->name = arena_string(arena, option->name);
    description->type = option->type;
    description->default_value = arena_string(arena, option->default_value);
    description->has_range = option->minimum != option->maximum;
    description->minimum = option->minimum;
    description->maximum = option->maximum;
    description->help = arena_string(arena, option->help);
    take_choices(description, option->choices, arena);
    return description;
}

const Pb__OptionDescription *const *environment_options(const struct environment_type *type, struct arena *arena, size_t *count)
{
    const Pb__OptionDescription **descriptions = ARENA_ARRAY(arena, const Pb__OptionDescription *, type->option_count);
    for (size_t i = 0; i < type->option_count; i++)
        descriptions[i] = describe(&type->options[i], arena);
    *count = type->option_count;
    return descriptions;
}

const char *environment_value(const Pb__ExecutionEnvironment *environment, const char *option)
{
    for (size_t i = 0; i < environment->n_options; i++)
        if (strcmp(environment->options[i]->name, option) == 0 && environment->options[i]->n_values > 0)
            return environment->options[i]->values[0];
    const struct environment_type *type = environment_named(environment->type);
    for (size_t i = 0; type && i < type->option_count; i++)
        if (strcmp(type->options[i].name, option) == 0)
            return type->options[i].default_value;
    return "";
}

// ---- what cannot be together

enum trait {
    TRAIT_PTRACE = 1 << 0,    // traces the process
    TRAIT_VALGRIND = 1 << 1,  // runs it on a processor of its own
    TRAIT_ALLOCATOR = 1 << 2, // brings its own malloc
    TRAIT_SHADOW = 1 << 3,    // lays out the address space
    TRAIT_SAMPLES = 1 << 4,   // looks at the time that its code takes
    TRAIT_RUNTIME = 1 << 5,   // of a sanitizer that no other may be beside
};

static const unsigned traits[ENVIRONMENTS] = {
    [ENVIRONMENT_PERF] = TRAIT_SAMPLES,
    [ENVIRONMENT_STRACE] = TRAIT_PTRACE,
    [ENVIRONMENT_GDB] = TRAIT_PTRACE,
    [ENVIRONMENT_MEMCHECK] = TRAIT_VALGRIND,
    [ENVIRONMENT_HELGRIND] = TRAIT_VALGRIND,
    [ENVIRONMENT_CALLGRIND] = TRAIT_VALGRIND,
    [ENVIRONMENT_MASSIF] = TRAIT_VALGRIND,
    [ENVIRONMENT_GPERF_CPU] = TRAIT_SAMPLES,
    [ENVIRONMENT_GPERF_HEAP] = TRAIT_ALLOCATOR,
    [ENVIRONMENT_ASAN] = TRAIT_ALLOCATOR | TRAIT_SHADOW | TRAIT_RUNTIME,
    [ENVIRONMENT_TSAN] = TRAIT_ALLOCATOR | TRAIT_SHADOW | TRAIT_RUNTIME,
};

static const struct {
    unsigned left, right;
    const char *why;
} conflicts[] = {
    {TRAIT_PTRACE, TRAIT_PTRACE, "a process can be traced (ptrace) by one only"},
    {TRAIT_VALGRIND, TRAIT_VALGRIND, "valgrind runs one tool at a time"},
    {TRAIT_RUNTIME, TRAIT_RUNTIME, "a program is built with one of the two"},
    {TRAIT_VALGRIND, TRAIT_SHADOW, "a program that is built with it does not run under valgrind"},
    {TRAIT_VALGRIND, TRAIT_ALLOCATOR, "both take the place of malloc"},
    {TRAIT_ALLOCATOR, TRAIT_ALLOCATOR, "both take the place of malloc"},
    {TRAIT_VALGRIND, TRAIT_SAMPLES, "under valgrind it would measure valgrind"},
    {TRAIT_VALGRIND, TRAIT_PTRACE, "it would show valgrind and not the program"},
};

static unsigned traits_of(const Pb__ExecutionEnvironment *environment)
{
    const struct environment_type *type = environment_named(environment->type);
    return type ? traits[type->kind] : 0;
}

static bool is(const Pb__ExecutionEnvironment *environment, enum environment_kind kind)
{
    return strcmp(environment->type, environment_types[kind].name) == 0;
}

static bool looks_for_leaks(const Pb__ExecutionEnvironment *environment)
{
    return is(environment, ENVIRONMENT_ASAN) && strcmp(environment_value(environment, "leaks"), "false") != 0;
}

const char *environments_conflict(const Pb__ExecutionEnvironment *left, const Pb__ExecutionEnvironment *right)
{
    unsigned one = traits_of(left), other = traits_of(right);
    if (strcmp(left->type, right->type) == 0)
        return "it is asked for twice";
    for (size_t i = 0; i < COUNT(conflicts); i++)
        if ((one & conflicts[i].left && other & conflicts[i].right) || (one & conflicts[i].right && other & conflicts[i].left))
            return conflicts[i].why;
    if ((looks_for_leaks(left) && other & TRAIT_PTRACE) || (looks_for_leaks(right) && one & TRAIT_PTRACE))
        return "LeakSanitizer does not work in a traced process; say {type: asan, leaks: false}";
    bool limited = is(left, ENVIRONMENT_LIMITS) || is(right, ENVIRONMENT_LIMITS);
    const Pb__ExecutionEnvironment *limits = is(left, ENVIRONMENT_LIMITS) ? left : right;
    if (limited && (one | other) & TRAIT_SHADOW && *environment_value(limits, "memory"))
        return "a sanitizer's shadow takes terabytes of address space: a limit of memory would be the sanitizer's";
    return NULL;
}

// ---- deadlines

uint32_t environments_factor(Pb__ExecutionEnvironment *const *environments, size_t count)
{
    uint64_t factor = 1;
    for (size_t i = 0; i < count && factor < ENVIRONMENT_FACTOR_MAX; i++) {
        const struct environment_type *type = environment_named(environments[i]->type);
        factor *= type ? type->factor : 1;
    }
    return factor < ENVIRONMENT_FACTOR_MAX ? (uint32_t)factor : ENVIRONMENT_FACTOR_MAX;
}

uint32_t environments_deadline_ms(Pb__ExecutionEnvironment *const *environments, size_t count, uint32_t ms)
{
    uint64_t longer = (uint64_t)ms * environments_factor(environments, count);
    return longer < UINT32_MAX ? (uint32_t)longer : UINT32_MAX;
}

// ---- what a host can

static const Pb__EnvironmentPresence *find_presence(Pb__EnvironmentPresence *const *presences, size_t count, const char *type)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(presences[i]->type, type) == 0)
            return presences[i];
    return NULL;
}

static const char *unusable(const Pb__ExecutionEnvironment *environment, Pb__EnvironmentPresence *const *presences, size_t count,
                            struct arena *arena)
{
    const Pb__EnvironmentPresence *presence = find_presence(presences, count, environment->type);
    if (!presence)
        return arena_printf(arena, "its agent does not know %s", environment->type);
    if (!presence->usable)
        return presence->unusable_reason;
    for (size_t i = 0; i < environment->n_options; i++) {
        const char *option = arena_printf(arena, "%s.%s", environment->type, environment->options[i]->name);
        presence = find_presence(presences, count, option);
        if (presence && !presence->usable)
            return arena_printf(arena, "%s: %s", option, presence->unusable_reason);
    }
    return NULL;
}

const char *environments_refused(const char *type, Pb__EnvironmentPresence *const *presences, size_t presence_count)
{
    const Pb__EnvironmentPresence *presence = find_presence(presences, presence_count, type);
    return presence && !presence->usable ? presence->unusable_reason : NULL;
}

const char *environments_unusable(Pb__ExecutionEnvironment *const *environments, size_t count, Pb__EnvironmentPresence *const *presences,
                                  size_t presence_count, struct arena *arena)
{
    for (size_t i = 0; i < count; i++) {
        const char *why = unusable(environments[i], presences, presence_count, arena);
        if (why)
            return why;
    }
    return NULL;
}

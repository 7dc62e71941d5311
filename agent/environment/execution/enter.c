// See enter.h. Order: companions are forked (and wait), limits, sandbox, then the companions attach: they stand outside of both, and see
// only the program.
#include "agent/environment/execution/enter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "agent/environment/execution/companion.h"
#include "agent/environment/execution/plan.h"
#include "agent/environment/execution/sandbox.h"
#include "common/base/memory.h"

#define LIMITS_MAX 8
#define GROUPS_MAX 8
#define ENTRIES_MAX 16

struct entering {
    struct companion companions[COMPANIONS_MAX];
    size_t companion_count;
    struct sandbox sandbox;
    const char *groups[GROUPS_MAX];
    size_t group_count;
    struct {
        int resource;
        rlim_t value;
    } limits[LIMITS_MAX];
    size_t limit_count;
    const char *entries[ENTRIES_MAX]; // "NAME=value"
    size_t entry_count;
};

// ---- the plan

static char *past(char *line, const char *word)
{
    return strncmp(line, word, strlen(word)) == 0 ? line + strlen(word) : NULL;
}

static bool read_companion(struct entering *entering, char *value)
{
    char *log = strchr(value, ' ');
    if (!log || entering->companion_count == COMPANIONS_MAX)
        return false;
    *log++ = '\0';
    struct companion *companion = &entering->companions[entering->companion_count++];
    companion->is_traced = strcmp(value, "traced") == 0;
    companion->log = log;
    return true;
}

static bool read_argument(struct entering *entering, char *value)
{
    if (entering->companion_count == 0)
        return false;
    struct companion *companion = &entering->companions[entering->companion_count - 1];
    if (companion->argument_count == COMPANION_ARGUMENTS_MAX)
        return false;
    companion->arguments[companion->argument_count++] = value;
    return true;
}

static bool read_limit(struct entering *entering, const char *value)
{
    unsigned long long most;
    int resource;
    if (entering->limit_count == LIMITS_MAX || sscanf(value, "%d %llu", &resource, &most) != 2) // NOLINT
        return false;
    entering->limits[entering->limit_count].resource = resource;
    entering->limits[entering->limit_count++].value = most;
    return true;
}

static bool add(const char **list, size_t *count, size_t most, const char *value)
{
    if (*count == most)
        return false;
    list[(*count)++] = value;
    return true;
}

static bool read_line(struct entering *entering, char *line)
{
    struct sandbox *sandbox = &entering->sandbox;
    char *value;
    if ((value = past(line, PLAN_CGROUP)))
        return add(entering->groups, &entering->group_count, GROUPS_MAX, value);
    if ((value = past(line, PLAN_LIMIT)))
        return read_limit(entering, value);
    if ((value = past(line, PLAN_WRITABLE)))
        return add(sandbox->writable, &sandbox->writable_count, SANDBOX_FOLDERS_MAX, value);
    if ((value = past(line, PLAN_READABLE)))
        return add(sandbox->readable, &sandbox->readable_count, SANDBOX_FOLDERS_MAX, value);
    if ((value = past(line, PLAN_COMPANION)))
        return read_companion(entering, value);
    if ((value = past(line, PLAN_ARGUMENT)))
        return read_argument(entering, value);
    if ((value = past(line, PLAN_ENTRY)))
        return add(entering->entries, &entering->entry_count, ENTRIES_MAX, value);
    if ((value = past(line, PLAN_SANDBOX))) {
        sandbox->wanted = true;
        sandbox->private_tmp = strcmp(value, "private") == 0;
        return true;
    }
    return *line == '\0';
}

static bool read_plan(struct entering *entering, char *plan)
{
    for (char *line = plan, *next; line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        if (!read_line(entering, line))
            return false;
    }
    return true;
}

// ---- what it says

static int enter_group(const char *folder)
{
    CLEANUP_FREE char *path = memory_printf("%s/cgroup.procs", folder);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t written = write(fd, "0", 1);
    int number = errno;
    close(fd);
    errno = number;
    return written == 1 ? 0 : -1;
}

static int enter_limits(const struct entering *entering, const char **step)
{
    for (size_t i = 0; i < entering->group_count; i++)
        if (*step = entering->groups[i], enter_group(entering->groups[i]) < 0)
            return -1;
    *step = "a limit";
    for (size_t i = 0; i < entering->limit_count; i++) {
        struct rlimit limit = {entering->limits[i].value, entering->limits[i].value};
        // SIGXCPU at the soft one, KILL five seconds later at the hard one
        if (entering->limits[i].resource == RLIMIT_CPU)
            limit.rlim_max += 5;
        if (setrlimit((__rlimit_resource_t)entering->limits[i].resource, &limit) < 0)
            return -1;
    }
    return 0;
}

static int fail(const char *step, char *problem, size_t problem_bytes)
{
    snprintf(problem, problem_bytes, "its execution environment cannot be made: %s: %s", step, strerror(errno));
    return -1;
}

int execution_enter(const char *plan, pid_t guard, char *problem, size_t problem_bytes)
{
    static struct entering entering;
    const char *step = "its plan";
    char *folder = getcwd(NULL, 0);
    errno = EINVAL;
    if (!folder || !read_plan(&entering, memory_string(plan)))
        return fail(step, problem, problem_bytes);
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY); // where only ancestors may trace
    for (size_t i = 0; i < entering.companion_count; i++)
        if (companion_start(&entering.companions[i], guard) < 0)
            return fail(entering.companions[i].arguments[0], problem, problem_bytes);
    if (enter_limits(&entering, &step) < 0 || (entering.sandbox.wanted && sandbox_enter(&entering.sandbox, &step) < 0))
        return fail(step, problem, problem_bytes);
    step = folder; // what stands there now may be another mount
    if (entering.sandbox.wanted && chdir(folder) < 0)
        return fail(step, problem, problem_bytes);
    free(folder);
    for (size_t i = 0; i < entering.companion_count; i++)
        if (companion_attach(&entering.companions[i], problem, problem_bytes) < 0)
            return -1;
    for (size_t i = 0; i < entering.entry_count; i++)
        putenv((char *)(uintptr_t)entering.entries[i]);
    return 0;
}

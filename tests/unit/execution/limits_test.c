// Limits by cgroup version 2. Where the kernel's controllers are taken by version 1, as on the machine where this is written, nothing can
// be limited by version 2: a folder stands in for a cgroup, and what is written into it is looked at. Version 1 and rlimits are tried with
// real programs: tests/integration/execution.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/environment/execution/limits.h"
#include "agent/environment/execution/probe.h"
#include "common/base/memory.h"
#include "common/system/file.h"

static char root[] = "/tmp/panther-limits-XXXXXX";
static bool is_hidden; // what this host has of cgroups

static const char *in_root(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", root, name);
    return path;
}

static void put(const char *name, const char *text)
{
    assert_int_equal(file_write_atomic(in_root(name), text, strlen(text), 0600, NULL), 0);
}

static void assert_written(const char *name, const char *wanted)
{
    CLEANUP_FREE char *text = NULL;
    assert_int_equal(file_read(in_root(name), 4096, &text, NULL, NULL), 0);
    assert_string_equal(text, wanted);
}

static int begin(void **state)
{
    (void)state;
    strcpy(root + strlen(root) - 6, "XXXXXX");
    assert_non_null(mkdtemp(root));
    assert_int_equal(mkdir(in_root("3.1.limits"), 0700), 0);
    put("cgroup.subtree_control", "");
    return chdir(root); // the limits' own file goes to the working folder
}

static int end(void **state)
{
    (void)state;
    return chdir("/") < 0 || folder_remove(root, NULL) < 0;
}

static const Pb__ExecutionEnvironment *limited(struct arena *arena, const char *const *options)
{
    Pb__ExecutionEnvironment *limits = ARENA_NEW(arena, Pb__ExecutionEnvironment);
    pb__execution_environment__init(limits);
    limits->type = arena_string(arena, "limits");
    limits->options = ARENA_ARRAY(arena, Pb__PlacedSetting *, 8);
    for (; *options; options += 2) {
        Pb__PlacedSetting *setting = limits->options[limits->n_options++] = ARENA_NEW(arena, Pb__PlacedSetting);
        pb__placed_setting__init(setting);
        setting->name = arena_string(arena, options[0]);
        setting->n_values = 1;
        setting->values = ARENA_NEW(arena, char *);
        setting->values[0] = arena_string(arena, options[1]);
    }
    return limits;
}
#define LIMITED(...) limited(arena, (const char *const[]){__VA_ARGS__, NULL})

static void a_group_beside_the_instance_is_limited(void **state)
{
    (void)state;
    struct arena *arena = arena_new(0);
    struct limits limits;
    put("3.1.limits/memory.max", "");
    put("3.1.limits/memory.swap.max", "");
    put("3.1.limits/pids.max", "");
    put("3.1.limits/cpu.max", "");
    put("3.1.limits/memory.events", "low 0\noom 2\noom_kill 2\n");
    assert_int_equal(limits_open(&limits, LIMITED("memory", "67108864", "pids", "20", "cpu", "0.5"), "panther-x", in_root("3.1"), NULL), 0);
    assert_true(limits.memory_is_grouped);
    assert_int_equal(limits.folder_count, 1);
    assert_string_equal(limits.folders[0], in_root("3.1.limits"));
    assert_written("3.1.limits/memory.max", "67108864");
    assert_written("3.1.limits/memory.swap.max", "0");
    assert_written("3.1.limits/pids.max", "20");
    assert_written("3.1.limits/cpu.max", "50000 100000");
    assert_int_equal(limits_oom_kills(&limits), 2);
    assert_int_equal(limits_oom_kills(&limits), 0); // told once
    limits_close(&limits);
    arena_free(&arena);
}

// No file of the controller is in the group: it is not there to be given. Memory is then limited otherwise (rlimits), processors cannot be.
static void what_has_no_controller_is_refused_by_name(void **state)
{
    (void)state;
    struct arena *arena = arena_new(0);
    struct limits limits;
    struct panther_error error = {0};
    if (!is_hidden) {
        print_message("SKIPPED: hiding the cgroups of this host needs root and a mount namespace\n");
        skip();
    }
    assert_int_equal(limits_open(&limits, LIMITED("cpu", "0.5"), "panther-x", in_root("3.1"), &error), PANTHER_ESTATE);
    assert_string_equal(error.message, "limits: cpu needs a cgroup, and this host has none that we may write");
    assert_int_not_equal(access(in_root("3.1.limits"), F_OK), 0);
    assert_int_equal(limits_open(&limits, LIMITED("memory", "67108864"), "panther-x", in_root("3.1"), &error), 0);
    assert_false(limits.memory_is_grouped);
    limits_close(&limits);
    arena_free(&arena);
}

static bool offers(const char *type, struct arena *arena)
{
    size_t count;
    Pb__EnvironmentPresence **all = probe_environments(arena, in_root("panther-host"), &count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(all[i]->type, type) == 0)
            return all[i]->usable;
    return false;
}

static void a_host_offers_what_its_controllers_can(void **state)
{
    (void)state;
    struct arena *arena = arena_new(0);
    if (!is_hidden) {
        print_message("SKIPPED: hiding the cgroups of this host needs root and a mount namespace\n");
        skip();
    }
    put("cgroup.subtree_control", "cpuset io pids\n");
    assert_true(offers("limits.pids", arena));
    assert_false(offers("limits.cpu", arena)); // cpuset is another one
    put("cgroup.subtree_control", "cpuset cpu io\n");
    assert_true(offers("limits.cpu", arena));
    assert_false(offers("limits.pids", arena));
    assert_true(offers("limits", arena)); // by rlimits
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_group_beside_the_instance_is_limited, begin, end),
        cmocka_unit_test_setup_teardown(what_has_no_controller_is_refused_by_name, begin, end),
        cmocka_unit_test_setup_teardown(a_host_offers_what_its_controllers_can, begin, end),
    };
    is_hidden = geteuid() == 0 && unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
                mount("none", "/sys/fs/cgroup", "tmpfs", 0, "size=64k") == 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

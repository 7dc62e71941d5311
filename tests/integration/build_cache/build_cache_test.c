// The build cache (panther/build.h) with a real compiler, the real guard and host: what is built once, what is built anew, and what a
// crash, a full disk, a second builder or a small cache do to it.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <panther/test.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/system/file.h"

#define PLUGIN PANTHER_TEST_PLUGINS "/builder.so"
// A build under a sanitizer on a loaded machine.
#define PHASE_MS 60000
#define POLL_US 10000

struct place {
    char root[64];
    char source[128], counter[128], state[128], tool[128];
};

static void write_text(const char *path, const char *text, mode_t mode)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static int begin(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    assert_non_null(place);
    *state = place;
    snprintf(place->root, sizeof place->root, "/tmp/panther-build-XXXXXX");
    assert_non_null(mkdtemp(place->root));
    snprintf(place->source, sizeof place->source, "%s/program.c", place->root);
    snprintf(place->counter, sizeof place->counter, "%s/built", place->root);
    snprintf(place->state, sizeof place->state, "%s/state", place->root);
    snprintf(place->tool, sizeof place->tool, "%s/tool", place->root);
    assert_int_equal(mkdir(place->state, 0700), 0);
    write_text(place->source, "int main(void) { return 0; }\n", 0644);
    write_text(place->tool, "#!/bin/sh\necho tool 1.0\n", 0755);
    return 0;
}

static int end(void **state)
{
    struct place *place = *state;
    struct panther_error error = {0};
    assert_int_equal(folder_remove(place->root, &error), 0);
    free(place);
    return 0;
}

static unsigned built(const struct place *place)
{
    unsigned lines = 0;
    FILE *file = fopen(place->counter, "re");
    for (int byte; file && (byte = getc(file)) != EOF;)
        lines += byte == '\n';
    if (file)
        fclose(file);
    return lines;
}

// Files of the cache whose names end so.
static unsigned entries(const struct place *place, const char *ending)
{
    char path[160];
    unsigned count = 0;
    snprintf(path, sizeof path, "%s/builds", place->state);
    DIR *folder = opendir(path);
    for (const struct dirent *entry; folder && (entry = readdir(folder));) {
        size_t length = strlen(entry->d_name), tail = strlen(ending);
        count += entry->d_name[0] != '.' &&
                 (tail ? length > tail && strcmp(entry->d_name + length - tail, ending) == 0 : strchr(entry->d_name, '.') == NULL);
    }
    if (folder)
        closedir(folder);
    return count;
}

static struct panther_test *instance(const struct place *place)
{
    struct panther_test *test = panther_test_new(PLUGIN);
    panther_test_phase_ms(test, PHASE_MS);
    panther_test_protocol(test, "test", "1", "server");
    panther_test_state_folder(test, place->state);
    panther_test_option(test, "source", place->source);
    panther_test_option(test, "counter", place->counter);
    panther_test_option(test, "tool", place->tool);
    return test;
}

// Initializes, runs what was built to its end, cleans up.
static void assert_builds(struct panther_test *test)
{
    struct panther_test_exit ended;
    if (panther_test_initialize(test) != 0 || panther_test_start(test) != 0)
        fail_msg("%s", panther_test_problem(test));
    assert_true(panther_test_exited(test, "program", PHASE_MS, &ended));
    assert_int_equal(ended.status, 0);
    assert_int_equal(panther_test_stop(test), 0);
    assert_int_equal(panther_test_end(&test), 0);
}

static void a_second_instance_compiles_nothing(void **state)
{
    const struct place *place = *state;
    for (int i = 0; i < 3; i++)
        assert_builds(instance(place));
    assert_int_equal(built(place), 1);
    assert_int_equal(entries(place, ".complete"), 1);
}

static void whatever_it_depends_on_builds_anew(void **state)
{
    const struct place *place = *state;
    assert_builds(instance(place));
    write_text(place->source, "int main(void) { return 0 ; }\n", 0644);
    assert_builds(instance(place));
    assert_int_equal(built(place), 2);
    struct panther_test *test = instance(place);
    panther_test_option(test, "define", "x"); // an argument
    assert_builds(test);
    assert_int_equal(built(place), 3);
    test = instance(place);
    panther_test_option(test, "fill", "10"); // the environment
    assert_builds(test);
    assert_int_equal(built(place), 4);
    write_text(place->tool, "#!/bin/sh\necho tool 1.1\n", 0755);
    assert_builds(instance(place));
    assert_int_equal(built(place), 5);
    write_text(place->source, "int main(void) { return 0; }\n", 0644); // as it was, but for the tool
    assert_builds(instance(place));
    assert_int_equal(built(place), 6);
}

// In a process of its own, as instances are: what holds it up here must not hold up the test.
static pid_t build_aside(const struct place *place, const char *option, const char *value, int wanted)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child > 0)
        return child;
    struct panther_test *test = instance(place);
    panther_test_option(test, option, value);
    bool initialized = panther_test_initialize(test) == 0;
    if (initialized != (wanted == 0))
        fprintf(stderr, "initialize: %s\n", panther_test_problem(test));
    int left = panther_test_end(&test);
    _exit(left == 0 && initialized == (wanted == 0) ? 0 : 1);
}

static void assert_ended_well(pid_t child)
{
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void two_at_once_build_once(void **state)
{
    const struct place *place = *state;
    pid_t first = build_aside(place, "takes", "1s", 0), second = build_aside(place, "takes", "1s", 0);
    assert_ended_well(first);
    assert_ended_well(second);
    assert_int_equal(built(place), 1);
}

static void what_a_killed_builder_left_is_never_used(void **state)
{
    const struct place *place = *state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct panther_test *test = instance(place);
        panther_test_option(test, "takes", "50s");
        panther_test_option(test, "dies_after", "500ms");
        int signal_number = 0;
        bool died = panther_test_initialize(test) != 0 && panther_test_host_died(test, &signal_number) && signal_number == SIGALRM;
        _exit(panther_test_end(&test) == 0 && died ? 0 : 1);
    }
    assert_ended_well(child);
    assert_int_equal(built(place), 1);
    assert_int_equal(entries(place, ""), 1); // half of it
    assert_int_equal(entries(place, ".complete"), 0);
    assert_builds(instance(place)); // another key: sweeps it away
    assert_int_equal(built(place), 2);
    assert_int_equal(entries(place, ""), 1);
    struct panther_test *test = instance(place);
    panther_test_option(test, "takes", "1ms");
    assert_builds(test);
    assert_int_equal(built(place), 3);
}

static void a_failing_compiler_is_quoted_and_nothing_is_kept(void **state)
{
    const struct place *place = *state;
    write_text(place->source, "int main(void) { return undeclared_thing; }\n", 0644);
    for (unsigned i = 1; i <= 2; i++) {
        struct panther_test *test = instance(place);
        assert_int_not_equal(panther_test_initialize(test), 0);
        assert_non_null(strstr(panther_test_problem(test), "cc ended with status 1"));
        assert_non_null(strstr(panther_test_problem(test), "undeclared_thing"));
        assert_int_equal(panther_test_end(&test), 0);
        assert_int_equal(built(place), i);
        assert_int_equal(entries(place, ""), 0);
        assert_int_equal(entries(place, ".complete"), 0);
    }
}

static struct panther_test *large(const struct place *place, const char *define)
{
    struct panther_test *test = instance(place);
    panther_test_option(test, "define", define);
    panther_test_option(test, "fill", "600KiB");
    panther_test_option(test, "limit", "1MiB"); // one of them, not two
    return test;
}

static void the_oldest_unused_goes_and_one_in_use_stays(void **state)
{
    const struct place *place = *state;
    struct panther_test *used = large(place, "used");
    if (panther_test_initialize(used) != 0)
        fail_msg("%s", panther_test_problem(used));
    assert_builds(large(place, "second"));
    assert_int_equal(entries(place, ""), 2); // both were in use when it was looked
    assert_builds(large(place, "third"));
    assert_int_equal(entries(place, ""), 2); // the second is gone: the first is the oldest, but in use
    assert_builds(large(place, "used"));
    assert_int_equal(built(place), 3);
    assert_int_equal(panther_test_end(&used), 0);
    assert_builds(large(place, "fourth"));
    assert_int_equal(entries(place, ""), 1);
    assert_int_equal(built(place), 4);
}

// Its own mounts: nothing of them is seen outside, and they go with the process.
static void mount_small_disk(const char *path)
{
    bool is_alone = unshare(CLONE_NEWNS) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0;
    if (!is_alone || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 || mount("tmpfs", path, "tmpfs", 0, "size=1m") < 0) {
        fprintf(stderr, "no disk of its own: %s\n", strerror(errno));
        _exit(2);
    }
}

static void a_full_disk_leaves_no_half_entry(void **state)
{
    const struct place *place = *state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        mount_small_disk(place->state);
        struct panther_test *test = instance(place);
        panther_test_option(test, "fill", "2MiB");
        bool failed = panther_test_initialize(test) != 0;
        bool said = strstr(panther_test_problem(test), "No space left") != NULL;
        bool is_clean = entries(place, "") == 0 && entries(place, ".complete") == 0;
        if (!failed || !said || !is_clean)
            fprintf(stderr, "failed %d, clean %d: %s\n", failed, is_clean, panther_test_problem(test));
        _exit(panther_test_end(&test) == 0 && failed && said && is_clean ? 0 : 1);
    }
    assert_ended_well(child);
}

static void a_waiter_is_cut_short_at_its_deadline(void **state)
{
    const struct place *place = *state;
    pid_t builder = build_aside(place, "takes", "4s", 0);
    for (unsigned i = 0; built(place) == 0 && i < PHASE_MS * 1000 / POLL_US; i++)
        usleep(POLL_US);
    assert_int_equal(built(place), 1);
    struct panther_test *test = instance(place);
    panther_test_option(test, "takes", "4s");
    panther_test_phase_ms(test, 1000);
    assert_int_not_equal(panther_test_initialize(test), 0);
    assert_non_null(strstr(panther_test_problem(test), "another instance was still building"));
    assert_int_equal(panther_test_end(&test), 0);
    assert_ended_well(builder);
    assert_int_equal(built(place), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_second_instance_compiles_nothing, begin, end),
        cmocka_unit_test_setup_teardown(whatever_it_depends_on_builds_anew, begin, end),
        cmocka_unit_test_setup_teardown(two_at_once_build_once, begin, end),
        cmocka_unit_test_setup_teardown(what_a_killed_builder_left_is_never_used, begin, end),
        cmocka_unit_test_setup_teardown(a_failing_compiler_is_quoted_and_nothing_is_kept, begin, end),
        cmocka_unit_test_setup_teardown(the_oldest_unused_goes_and_one_in_use_stays, begin, end),
        cmocka_unit_test_setup_teardown(a_full_disk_leaves_no_half_entry, begin, end),
        cmocka_unit_test_setup_teardown(a_waiter_is_cut_short_at_its_deadline, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

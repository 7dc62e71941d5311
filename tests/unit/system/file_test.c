// Files and folders: limits, atomic writes, removal that follows no link and does not fear depth, the lock.
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/memory.h"
#include "common/system/file.h"
#include "common/system/plugin_place.h"

static char folder[64];

static int make_place(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/panther-file-test-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_place(void **state)
{
    (void)state;
    return folder_remove(folder, NULL);
}

static char *in_place(const char *name)
{
    return path_join(folder, name);
}

static void what_was_written_is_read(void **state)
{
    (void)state;
    CLEANUP_FREE char *path = in_place("file"), *data = NULL;
    size_t bytes;
    struct stat status;
    assert_int_equal(file_write_atomic(path, "one\0two", 7, 0640, NULL), 0);
    assert_int_equal(file_read(path, 100, &data, &bytes, NULL), 0);
    assert_int_equal(bytes, 7);
    assert_memory_equal(data, "one\0two", 8);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0640);
    CLEANUP_FREE char *beside = in_place("file.new");
    assert_false(file_exists(beside));
}

static void limit_is_no_truncation(void **state)
{
    (void)state;
    CLEANUP_FREE char *path = in_place("large");
    char *data = NULL;
    struct panther_error error;
    assert_int_equal(file_write_atomic(path, "0123456789", 10, 0600, NULL), 0);
    assert_int_equal(file_read(path, 9, &data, NULL, &error), PANTHER_ELIMIT);
    assert_null(data);
    assert_int_equal(file_read(path, 10, &data, NULL, &error), 0);
    free(data);
    data = NULL;
    assert_int_equal(file_read("/nowhere/at/all", 10, &data, NULL, &error), PANTHER_ENOTFOUND);
    assert_int_equal(file_write_atomic("/nowhere/at/all", "x", 1, 0600, &error), PANTHER_ESYSTEM);
    assert_non_null(strstr(error.message, "because: No such file"));
}

static void files_of_proc_are_read_whole(void **state)
{
    (void)state;
    CLEANUP_FREE char *data = NULL;
    size_t bytes;
    assert_int_equal(file_read("/proc/self/maps", 1 << 20, &data, &bytes, NULL), 0); // its size says 0
    assert_true(bytes > 100);
}

static void folders_are_made_with_parents(void **state)
{
    (void)state;
    CLEANUP_FREE char *path = in_place("a/b/c"), *file = in_place("plain"), *below = in_place("plain/x");
    assert_int_equal(folder_make(path, 0755, NULL), 0);
    assert_int_equal(folder_make(path, 0755, NULL), 0);
    assert_int_equal(file_write_atomic(file, "", 0, 0600, NULL), 0);
    assert_true(folder_make(file, 0755, NULL) < 0);
    assert_true(folder_make(below, 0755, NULL) < 0);
}

static void removal_follows_no_link(void **state)
{
    (void)state;
    CLEANUP_FREE char *kept = in_place("kept"), *inside = in_place("kept/file"), *doomed = in_place("doomed"),
                      *link = in_place("doomed/link");
    assert_int_equal(folder_make(kept, 0755, NULL), 0);
    assert_int_equal(file_write_atomic(inside, "x", 1, 0600, NULL), 0);
    assert_int_equal(folder_make(doomed, 0755, NULL), 0);
    assert_int_equal(symlink(kept, link), 0);
    assert_int_equal(folder_remove(doomed, NULL), 0);
    assert_false(file_exists(doomed));
    assert_true(file_exists(inside));
    assert_int_equal(folder_remove(doomed, NULL), 0); // not there is fine
}

// Deeper than any path may be long, with folders that keep their owner out.
static void deep_and_closed_folders_are_removed(void **state)
{
    (void)state;
    CLEANUP_FREE char *top = in_place("deep");
    assert_int_equal(folder_make(top, 0755, NULL), 0);
    int fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; i < 3000; i++) {
        assert_int_equal(mkdirat(fd, "level", 0755), 0);
        int next = openat(fd, "level", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        close(fd);
        fd = next;
    }
    assert_int_equal(mkdirat(fd, "closed", 0), 0);
    close(fd);
    assert_int_equal(folder_remove(top, NULL), 0);
    assert_false(file_exists(top));
}

static void lock_names_its_holder(void **state)
{
    (void)state;
    int fd, child_status;
    char expected[32];
    struct panther_error error;
    assert_int_equal(folder_lock(folder, &fd, &error), 0);
    snprintf(expected, sizeof expected, "process %d", (int)getpid());
    pid_t child = fork();
    if (child == 0) {
        int second;
        int problem = folder_lock(folder, &second, &error);
        _exit(problem == PANTHER_EEXISTS && strstr(error.message, expected) ? 0 : 1);
    }
    waitpid(child, &child_status, 0);
    assert_int_equal(child_status, 0);
    close(fd);
    assert_int_equal(folder_lock(folder, &fd, &error), 0); // free again
    close(fd);
}

static void paths_are_joined(void **state)
{
    (void)state;
    CLEANUP_FREE char *a = path_join("a", "b"), *b = path_join("a/", "b"), *c = path_join("a", "/b"), *d = path_join("", "b");
    assert_string_equal(a, "a/b");
    assert_string_equal(b, "a/b");
    assert_string_equal(c, "/b");
    assert_string_equal(d, "b");
    assert_true(disk_free_bytes("/tmp") > 0);
    assert_int_equal(disk_free_bytes("/nowhere"), 0);
}

static void a_pipe_is_no_plugin(void **state)
{
    (void)state;
    CLEANUP_FREE char *pipe_path = in_place("pipe.so"), *file_path = in_place("file.so"), *declared = in_place("service.yaml");
    assert_int_equal(mkfifo(pipe_path, 0600), 0);
    assert_int_equal(mkfifo(declared, 0600), 0);
    assert_int_equal(file_write_atomic(file_path, "x", 1, 0600, NULL), 0);
    assert_null(plugin_place_at(folder, "pipe.so", NULL));
    assert_null(plugin_place_in(folder, "pipe"));
    CLEANUP_FREE char *found = plugin_place_at(folder, "file.so", NULL);
    assert_non_null(found);
    assert_string_equal(found, file_path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_written_is_read, make_place, remove_place),
        cmocka_unit_test_setup_teardown(limit_is_no_truncation, make_place, remove_place),
        cmocka_unit_test_setup_teardown(files_of_proc_are_read_whole, make_place, remove_place),
        cmocka_unit_test_setup_teardown(folders_are_made_with_parents, make_place, remove_place),
        cmocka_unit_test_setup_teardown(removal_follows_no_link, make_place, remove_place),
        cmocka_unit_test_setup_teardown(deep_and_closed_folders_are_removed, make_place, remove_place),
        cmocka_unit_test_setup_teardown(lock_names_its_holder, make_place, remove_place),
        cmocka_unit_test_setup_teardown(a_pipe_is_no_plugin, make_place, remove_place),
        cmocka_unit_test(paths_are_joined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

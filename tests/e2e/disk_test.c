// The coordinator's disk is full: nothing new is admitted, nothing that was accepted is lost, and it goes on by itself. The disk is a
// small one of our own, in a mount namespace of our own.
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/e2e/fixture.h"

// Room for the write-ahead log, which may grow to 16 MiB before it is copied, twice.
#define DISK "size=40m"
#define CELLS 12
#define LEASE_MS 3000

static const char long_run[] = "panther: 1\n"
                               "experiment: full\n"
                               "tests:\n"
                               "  - name: t\n"
                               "    protocol: {name: none}\n"
                               "    repeat: {times: 12}\n"
                               "    timeouts: {lease: 3s}\n"
                               "    services:\n"
                               "      tester: {tester: 'null', options: {delay: 500ms}, cases: [n000, n001, n002]}\n";

static bool has_own_mounts;

static int own_mounts(void **state)
{
    (void)state;
    has_own_mounts = geteuid() == 0 && unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
    return 0;
}

static int begin(void **state)
{
    lab_begin(state);
    struct lab *lab = *state;
    if (has_own_mounts && (mkdir(lab->data, 0700) || mount("none", lab->data, "tmpfs", 0, DISK))) {
        fprintf(stderr, "no tmpfs: %m\n");
        has_own_mounts = false;
    }
    return 0;
}

static int end(void **state)
{
    struct lab *lab = *state;
    umount2(lab->data, MNT_DETACH);
    return lab_end(state);
}

static void fill(const char *path)
{
    static const char block[4096];
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    while (write(fd, block, sizeof block) > 0)
        ;
    close(fd);
}

static bool admission_is(struct lab *lab, const char *wanted)
{
    const json_t *row = row_where(lab_rows(lab, "status", NULL), "what", "admission");
    return strncmp(row_text(row, "value"), wanted, strlen(wanted)) == 0;
}

static void wait_longer_than_the_lease(void)
{
    uint64_t until_ms = lab_now_ms() + LEASE_MS + 1000;
    while (lab_now_ms() < until_ms)
        lab_pause();
}

static void full_disk(void **state)
{
    struct lab *lab = *state;
    if (!has_own_mounts) {
        fprintf(stderr, "SKIPPED: a small disk needs root and a mount namespace\n");
        lab->passed = true;
        skip();
    }
    lab_serve(lab);
    lab_agent(lab, "lab-a");
    lab_connected(lab, "lab-a");
    const char *ballast = lab_path(lab, "data/ballast");
    struct child *submit = lab_submit(lab, long_run);
    LAB_UNTIL(lab, lab_count_events(lab, "r1", "case_result") >= 2);
    fill(ballast);
    LAB_UNTIL(lab, admission_is(lab, "stopped: "));

    struct output output = lab_run(lab, "submit", lab_write(lab, "refused.yaml", long_run), NULL);
    assert_int_equal(output.status, 1);
    assert_text_has(output.err, "admission has stopped");
    assert_text_has(output.err, "full");
    json_int_t done = row_number(json_array_get(lab_rows(lab, "runs", "r1", NULL), 0), "done_count");
    assert_true(done < CELLS);
    wait_longer_than_the_lease(); // grants of leases wait for no disk
    assert_int_equal(row_number(json_array_get(lab_rows(lab, "runs", "r1", NULL), 0), "done_count"), done);

    assert_int_equal(unlink(ballast), 0);
    LAB_UNTIL(lab, admission_is(lab, "open"));
    assert_int_equal(lab_wait(lab, submit), 0);
    assert_int_equal(lab_count_events(lab, "r1", "cell_ended"), CELLS);
    assert_int_equal(lab_count_events(lab, "r1", "case_result"), 3 * CELLS);
    assert_int_equal(lab_count_events(lab, "r1", "trial_started"), CELLS); // none was tried twice
    assert_int_equal(json_array_size(lab_rows(lab, "runs", NULL)), 1);
    output = lab_run(lab, "submit", lab_path(lab, "refused.yaml"), "--wait", NULL);
    assert_int_equal(output.status, 0);
    lab_leaves_nothing(lab);
}

// And killed while it is full: what was acknowledged is there after the restart, which needs the room first.
static void killed_on_a_full_disk(void **state)
{
    struct lab *lab = *state;
    if (!has_own_mounts) {
        fprintf(stderr, "SKIPPED: a small disk needs root and a mount namespace\n");
        lab->passed = true;
        skip();
    }
    lab_serve(lab);
    lab_agent(lab, "lab-a");
    lab_connected(lab, "lab-a");
    const char *ballast = lab_path(lab, "data/ballast");
    struct child *submit = lab_submit(lab, long_run);
    LAB_UNTIL(lab, lab_count_events(lab, "r1", "case_result") >= 2);
    fill(ballast);
    LAB_UNTIL(lab, admission_is(lab, "stopped: "));
    child_kill(lab->coordinator);
    assert_int_equal(unlink(ballast), 0);
    lab_serve(lab);
    assert_int_equal(lab_wait(lab, submit), 0);
    assert_int_equal(lab_count_events(lab, "r1", "cell_ended"), CELLS);
    assert_int_equal(lab_count_events(lab, "r1", "case_result"), 3 * CELLS);
    lab_leaves_nothing(lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(full_disk, begin, end),
        cmocka_unit_test_setup_teardown(killed_on_a_full_disk, begin, end),
    };
    return cmocka_run_group_tests_name("e2e_disk", tests, own_mounts, NULL);
}

// The coordinator's disk is full: nothing new is admitted, nothing that was accepted is lost, and it goes on by itself. The disk is a
// small one of our own, in a mount namespace of our own.
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/system/file.h"
#include "tests/e2e/fixture.h"

// Room for the write-ahead log, which may grow to 16 MiB before it is copied, twice.
#define DISK "size=40m"
#define CELLS 12
#define LEASE_MS 3000
// Three cases of two seconds, on a busy machine; leases and deadlines that would end the trial without a word are longer.
#define SOON_MS 20000
#define SHORT_BYTES (1024 * 1024)

static const char long_run[] = "panther: 1\n"
                               "experiment: full\n"
                               "tests:\n"
                               "  - name: t\n"
                               "    protocol: {name: none}\n"
                               "    repeat: {times: 12}\n"
                               "    timeouts: {lease: 3s}\n"
                               "    services:\n"
                               "      tester: {tester: 'null', options: {delay: 500ms}, cases: [n000, n001, n002]}\n";

// Prints far more than a small disk holds, and leaves a file.
static const char flood[] = "panther: 1\n"
                            "experiment: flood\n"
                            "tests:\n"
                            "  - name: t\n"
                            "    protocol: {name: http}\n"
                            "    services:\n"
                            "      server:\n"
                            "        implementation: faulty\n"
                            "        role: server\n"
                            "        options:\n"
                            "          argv: [/bin/sh, -c, 'echo kept > kept.txt; head -c 40000000 /dev/zero | tr \"\\0\" x; "
                            "echo; echo over; exec sleep 1000']\n"
                            "          ready: line\n"
                            "          pattern: over\n"
                            "          artifact: kept.txt\n"
                            "      tester: {tester: 'null', drives: {server: server}, cases: [n000]}\n"
                            "    assertions:\n"
                            "      - {service: server, output: {matches: '^over$', stream: stdout}}\n";

// So many commits that a log of 16 MiB would be full.
static const char many_commits[] = "panther: 1\n"
                                   "experiment: many\n"
                                   "tests:\n"
                                   "  - name: t\n"
                                   "    protocol: {name: none}\n"
                                   "    repeat: {times: 60}\n"
                                   "    services:\n"
                                   "      tester: {tester: 'null', cases: [n000, n001, n002]}\n";

static bool has_own_mounts;

static int own_mounts(void **state)
{
    (void)state;
    has_own_mounts = geteuid() == 0 && unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
    return 0;
}

static void small_disk(const char *folder, const char *size)
{
    if (has_own_mounts && (mkdir(folder, 0700) || mount("none", folder, "tmpfs", 0, size))) {
        fprintf(stderr, "no tmpfs: %m\n");
        has_own_mounts = false;
    }
}

static int begin(void **state)
{
    lab_begin(state);
    struct lab *lab = *state;
    small_disk(lab->data, DISK);
    return 0;
}

static int begin_smaller(void **state)
{
    lab_begin(state);
    struct lab *lab = *state;
    small_disk(lab->data, "size=14m");
    return 0;
}

static int begin_small_agent(void **state)
{
    lab_begin(state);
    struct lab *lab = *state;
    small_disk(lab_path(lab, "lab-a"), "size=24m");
    return 0;
}

static int end(void **state)
{
    struct lab *lab = *state;
    umount2(lab->data, MNT_DETACH);
    umount2(lab_path(lab, "lab-a"), MNT_DETACH);
    return lab_end(state);
}

static void skip_without_mounts(struct lab *lab)
{
    if (has_own_mounts)
        return;
    fprintf(stderr, "SKIPPED: a small disk needs root and a mount namespace\n");
    lab->passed = true;
    skip();
}

// Takes what is there but for so many bytes.
static void fill_but(const char *path, const char *folder, uint64_t left_bytes)
{
    static const char block[4096];
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    while (disk_free_bytes(folder) > left_bytes && write(fd, block, sizeof block) > 0)
        ;
    close(fd);
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
    skip_without_mounts(lab);
    lab_serve(lab);
    lab_agent(lab, "lab-a");
    lab_connected(lab, "lab-a");
    const char *ballast = lab_path(lab, "data/ballast");
    struct child *submit = lab_submit(lab, long_run);
    LAB_UNTIL(lab, lab_count_events(lab, "r1", "case_result") >= 2);
    fill(ballast);
    LAB_UNTIL(lab, admission_is(lab, "stopped: "));
    LAB_UNTIL(lab, lab_log_has(lab, lab->coordinator, "the disk is full")); // the log's own room is used up too

    struct output output = lab_run(lab, "submit", lab_write(lab, "refused.yaml", long_run), NULL);
    assert_int_equal(output.status, 1);
    assert_text_has(output.err, "admission has stopped");
    json_int_t done = row_number(json_array_get(lab_rows(lab, "runs", "r1", NULL), 0), "done_count");
    assert_true(done < CELLS);
    wait_longer_than_the_lease(); // grants of leases wait for no disk
    assert_int_equal(row_number(json_array_get(lab_rows(lab, "runs", "r1", NULL), 0), "done_count"), done);

    assert_int_equal(unlink(ballast), 0);
    LAB_UNTIL(lab, admission_is(lab, "open"));
    if (lab_wait(lab, submit) != 0)
        fail_msg("%s", lab_run(lab, "results", "r1", NULL).out);
    assert_int_equal(lab_count_events(lab, "r1", "cell_ended"), CELLS);
    assert_int_equal(lab_count_events(lab, "r1", "case_result"), 3 * CELLS);
    assert_int_equal(lab_count_events(lab, "r1", "trial_started"), CELLS); // none was tried twice
    assert_int_equal(json_array_size(lab_rows(lab, "runs", NULL)), 1);
    output = lab_run(lab, "submit", lab_path(lab, "refused.yaml"), "--wait", NULL);
    assert_int_equal(output.status, 0);
    lab_leaves_nothing(lab);
}

// Before it is full: what runs ends with its verdicts, from a reserve that is kept for them; nothing new begins until there is room.
static void short_disk(void **state)
{
    struct lab *lab = *state;
    skip_without_mounts(lab);
    lab_serve(lab);
    lab_agent(lab, "lab-a");
    lab_connected(lab, "lab-a");
    const char *ballast = lab_path(lab, "data/ballast");
    struct child *submit = lab_submit(lab, long_run);
    LAB_UNTIL(lab, lab_count_events(lab, "r1", "case_result") >= 2);
    fill_but(ballast, lab->data, 900 * 1024); // of 40 MiB 1 MiB is the reserve
    LAB_UNTIL(lab, admission_is(lab, "stopped: the disk has"));
    assert_non_null(row_where(lab_rows(lab, "status", NULL), "what", "short of space"));
    struct output output = lab_run(lab, "submit", lab_write(lab, "refused.yaml", long_run), NULL);
    assert_int_equal(output.status, 1);
    assert_text_has(output.err, "kept for the verdicts of what runs");

    size_t started = lab_count_events(lab, "r1", "trial_started"); // these end
    LAB_UNTIL(lab, lab_count_events(lab, "r1", "cell_ended") == started);
    assert_true(started < CELLS);
    wait_longer_than_the_lease();
    assert_int_equal(lab_count_events(lab, "r1", "trial_started"), started);

    assert_int_equal(unlink(ballast), 0);
    LAB_UNTIL(lab, admission_is(lab, "open"));
    assert_int_equal(lab_wait(lab, submit), 0);
    assert_int_equal(lab_count_events(lab, "r1", "trial_started"), CELLS);
    assert_int_equal(lab_count_events(lab, "r1", "case_result"), 3 * CELLS);
    lab_leaves_nothing(lab);
}

static void a_disk_smaller_than_a_log_is_enough(void **state)
{
    struct lab *lab = *state;
    skip_without_mounts(lab);
    lab_serve(lab);
    lab_agent(lab, "lab-a");
    lab_connected(lab, "lab-a");
    assert_int_equal(lab_wait(lab, lab_submit(lab, many_commits)), 0);
    assert_true(admission_is(lab, "open"));
    assert_false(lab_log_has(lab, lab->coordinator, "the disk is full"));
    lab_leaves_nothing(lab);
}

// The agent's disk: output that does not fit is cut, with a gap that says so, and the verdict is there all the same. What was printed
// was looked at before it was cut.
static void flood_on_a_small_agent(void **state)
{
    struct lab *lab = *state;
    skip_without_mounts(lab);
    lab_serve(lab);
    lab_agent(lab, "lab-a");
    lab_connected(lab, "lab-a");
    assert_int_equal(lab_wait(lab, lab_submit(lab, flood)), 0);
    assert_string_equal(row_text(lab_cell(lab, "r1/t/1"), "verdict"), "pass");
    assert_text_has(row_text(lab_cell(lab, "r1/t/1"), "text"), "not kept: ");
    struct output output = lab_run(lab, "logs", "r1", NULL);
    assert_text_has(output.err, "command.stdout lacks ");
    assert_text_has(output.err, "it is kept for");
    const json_t *file = json_array_get(lab_rows(lab, "artifacts", "r1", NULL), 0);
    assert_text_has(row_text(file, "name"), "kept.txt");
    assert_text_has(row_text(file, "state"), "not kept: the disk has");
    LAB_UNTIL(lab, json_array_size(lab_rows(lab, "ps", NULL)) == 0);
    assert_int_equal(lab_wait(lab, lab_submit(lab, many_commits)), 0); // it goes on by itself
    lab_leaves_nothing(lab);
}

static const char slow_cases[] = "panther: 1\n"
                                 "experiment: slow\n"
                                 "tests:\n"
                                 "  - name: t\n"
                                 "    protocol: {name: none}\n"
                                 "    services:\n"
                                 "      tester: {tester: 'null', options: {delay: 2s}, cases: [n000, n001, n002]}\n";

// Another program fills the agent's disk and leaves it full: what runs there ends with its verdict, in what the agent had kept for that.
static void full_agent(void **state)
{
    struct lab *lab = *state;
    skip_without_mounts(lab);
    lab_serve(lab);
    lab_agent(lab, "lab-a");
    lab_connected(lab, "lab-a");
    struct child *submit = lab_submit(lab, slow_cases);
    LAB_UNTIL(lab, lab_count_events(lab, "r1", "case_started") >= 1);
    uint64_t full_ms = lab_now_ms();
    fill(lab_path(lab, "lab-a/ballast"));
    assert_int_equal(lab_wait(lab, submit), 0);
    assert_true(lab_now_ms() - full_ms < SOON_MS);
    assert_string_equal(row_text(lab_cell(lab, "r1/t/1"), "verdict"), "pass");
    assert_true(disk_free_bytes(lab_path(lab, "lab-a")) < SHORT_BYTES); // still
    assert_int_equal(unlink(lab_path(lab, "lab-a/ballast")), 0);
    lab_leaves_nothing(lab);
}

// And killed while it is full: what was acknowledged is there after the restart, which needs the room first.
static void killed_on_a_full_disk(void **state)
{
    struct lab *lab = *state;
    skip_without_mounts(lab);
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
        cmocka_unit_test_setup_teardown(short_disk, begin, end),
        cmocka_unit_test_setup_teardown(a_disk_smaller_than_a_log_is_enough, begin_smaller, end),
        cmocka_unit_test_setup_teardown(flood_on_a_small_agent, begin_small_agent, end),
        cmocka_unit_test_setup_teardown(full_agent, begin_small_agent, end),
        cmocka_unit_test_setup_teardown(killed_on_a_full_disk, begin, end),
    };
    return cmocka_run_group_tests_name("e2e_disk", tests, own_mounts, NULL);
}

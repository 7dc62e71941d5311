// The wall clocks of all hosts jump by a day, forwards and backwards, while a trial runs: no lease, no deadline and no verdict depends on
// them. (wall_clock_shim.c makes the jumps; clocks that stop or run apart are the simulation's.)
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/limits.h"
#include "tests/e2e/fixture.h"

#define HOUR_NS (INT64_C(3600) * 1000000000)
#define JUMP_EVERY_MS 400
#define LONG_MS 120000 // the trial's four seconds, on a machine however slow

static const char *const two_agents[] = {"lab-a", "lab-b", NULL};

static const char experiment[] = "panther: 1\n"
                                 "experiment: clocks\n"
                                 "tests:\n"
                                 "  - name: load\n"
                                 "    protocol: {name: http, version: '2'}\n"
                                 "    services:\n"
                                 "      server: {implementation: nghttpd, role: server}\n"
                                 "      load:\n"
                                 "        tester: h2load\n"
                                 "        drives: {server: server}\n"
                                 "        host: {apart_from: [server]}\n"
                                 "        options: {duration: 4s, clients: 1}\n"
                                 "    assertions:\n"
                                 "      - {service: server, exit: clean}\n"
                                 "      - {metric: load.success_ratio, at_least: 100%}\n";

static _Atomic int64_t *wall_of(struct lab *lab)
{
    const char *path = lab_path(lab, "wall");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, sizeof(int64_t)), 0);
    void *mapped = mmap(NULL, sizeof(int64_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(mapped != MAP_FAILED);
    close(fd);
    setenv("PANTHER_TEST_WALL", path, 1);
    setenv("LD_PRELOAD", PANTHER_WALL_SHIM, 1);
    return mapped;
}

static size_t lives_of(struct lab *lab, const char *name)
{
    size_t count = 0;
    for (const char *at = lab_read(lab, lab_agent_of(lab, name)->child->err); (at = strstr(at, "live with the coordinator")); at++)
        count++;
    return count;
}

static void a_jump_of_every_wall_clock_changes_nothing(void **state)
{
    static const int64_t jumps[] = {24, -24, 0, 24 * 365, -2, 0};
    struct lab *lab = *state;
    _Atomic int64_t *wall = wall_of(lab);
    lab_up(lab, two_agents);
    struct child *submit = lab_submit(lab, experiment);
    LAB_UNTIL(lab, lab_count_events(lab, "r1", "case_started") == 1 || child_has_ended(submit));
    uint64_t jump_ms = lab_now_ms();
    for (size_t i = 0; !child_has_ended(submit); i++) {
        atomic_store(wall, jumps[i % (sizeof jumps / sizeof *jumps)] * HOUR_NS);
        for (jump_ms += JUMP_EVERY_MS; lab_now_ms() < jump_ms && !child_has_ended(submit);)
            lab_pause();
        if (i == 1 && child_has_ended(submit))
            fail_msg("%s", "the trial was over before the clocks had jumped");
    }
    assert_int_equal(lab_wait(lab, submit), 0);
    atomic_store(wall, 0);
    json_t *cell = lab_cell(lab, "r1/load/1");
    assert_string_equal(row_text(cell, "verdict"), "pass");
    assert_int_equal(row_number(cell, "attempts_count"), 1);
    assert_in_range(row_number(cell, "duration_ms"), 3900, LONG_MS);
    assert_int_equal(lives_of(lab, "lab-a"), 1);
    assert_int_equal(lives_of(lab, "lab-b"), 1);
    assert_int_equal(lab_run(lab, "audit", "r1", NULL).status, 0);
    unsetenv("LD_PRELOAD");
    lab_leaves_nothing(lab);
    munmap(wall, sizeof *wall);
}

int main(void)
{
    const struct CMUnitTest tests[] = {LAB_TEST(a_jump_of_every_wall_clock_changes_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

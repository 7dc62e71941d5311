// A guard is killed: without it nothing of its instance may live on. Tried with cgroups, where the host has them for us, and without.
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "tests/e2e/fixture.h"

static const char pinned[] = "panther: 1\n"
                             "experiment: guards\n"
                             "tests:\n"
                             "  - name: guard\n"
                             "    protocol: {name: http}\n"
                             "    timeouts: {lease: 10s}\n"
                             "    services:\n"
                             "      server: {implementation: nginx, role: server}\n"
                             "      tester: {tester: 'null', drives: {server: server}, options: {delay: 50s}, cases: [pass]}\n";

// Without its guard nothing of an instance may live on, and nothing that it says can be complete.
static void killed_guard(void **state)
{
    struct lab *lab = *state;
    lab_serve(lab);
    lab_agent(lab, "lab-a");
    lab_connected(lab, "lab-a");
    struct child *submit = lab_submit(lab, pinned);
    LAB_UNTIL(lab, lab_count_events(lab, "r1", "case_started") == 1);
    pid_t server = lab_process(lab, "r1/guard/1#1/server", "nginx"), guard = process_parent(server);
    kill(guard, SIGKILL);
    assert_int_equal(lab_wait(lab, submit), 3);
    assert_false(process_lives(server));
    json_t *cell = lab_cell(lab, "r1/guard/1");
    assert_string_equal(row_text(cell, "verdict"), "error");
    assert_text_has(row_text(cell, "text"), "guard");
    lab_leaves_nothing(lab);
}

// Guard and agent are both killed: what they left is swept when the agent starts again.
static void killed_guard_and_agent(void **state)
{
    struct lab *lab = *state;
    lab_serve(lab);
    struct lab_agent *agent = lab_agent(lab, "lab-a");
    lab_connected(lab, "lab-a");
    struct child *submit = lab_submit(lab, pinned);
    LAB_UNTIL(lab, lab_count_events(lab, "r1", "case_started") == 1);
    pid_t server = lab_process(lab, "r1/guard/1#1/server", "nginx"), guard = process_parent(server);
    child_kill(agent->child);
    kill(guard, SIGKILL);
    LAB_UNTIL(lab, !process_lives(guard));
    lab_agent(lab, "lab-a");
    assert_int_equal(lab_wait(lab, submit), 3);
    assert_false(process_lives(server));
    assert_string_equal(row_text(lab_cell(lab, "r1/guard/1"), "verdict"), "error");
    lab_leaves_nothing(lab);
}

// From here on this program, and all that it starts, sees no cgroups.
static int hide_cgroups(void **state)
{
    if (geteuid() == 0 && (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
                           mount("none", "/sys/fs/cgroup", "tmpfs", 0, "size=64k")))
        fprintf(stderr, "SKIPPED: hiding cgroups needs a mount namespace; tried with them again\n");
    return lab_begin(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAB_TEST(killed_guard),
        LAB_TEST(killed_guard_and_agent),
        {"killed_guard_without_cgroups", killed_guard, hide_cgroups, lab_end, NULL},
        {"killed_guard_and_agent_without_cgroups", killed_guard_and_agent, lab_begin, lab_end, NULL},
    };
    return cmocka_run_group_tests_name("e2e_guard", tests, NULL, NULL);
}

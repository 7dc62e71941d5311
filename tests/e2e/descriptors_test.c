// No descriptor is left, on the agent or on the coordinator: what runs goes on to its verdict, it is said once, and all is well again by
// itself when there are some.
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "tests/e2e/fixture.h"

static const char *const one_agent[] = {"lab-a", NULL};

static const char long_trial[] = "panther: 1\n"
                                 "experiment: descriptors\n"
                                 "tests:\n"
                                 "  - name: t\n"
                                 "    protocol: {name: http}\n"
                                 "    services:\n"
                                 "      server: {implementation: nginx, role: server}\n"
                                 "      tester:\n"
                                 "        tester: 'null'\n"
                                 "        drives: {server: server}\n"
                                 "        options: {delay: 500ms}\n"
                                 "        cases: [n000, n001, n002, n003, n004, n005]\n";

// What is open stays open; nothing more can be.
static struct rlimit take_descriptors(const struct child *child, rlim_t left)
{
    struct rlimit before, now;
    assert_int_equal(prlimit(child->pid, RLIMIT_NOFILE, NULL, &before), 0);
    now = before;
    now.rlim_cur = left;
    assert_int_equal(prlimit(child->pid, RLIMIT_NOFILE, &now, NULL), 0);
    return before;
}

static size_t times_said(struct lab *lab, const struct child *child, const char *text)
{
    size_t count = 0;
    for (const char *at = lab_read(lab, child->err); (at = strstr(at, text)); at++)
        count++;
    return count;
}

static void agent_without_descriptors(void **state)
{
    struct lab *lab = *state;
    lab_up(lab, one_agent);
    struct child *agent = lab_agent_of(lab, "lab-a")->child, *submit = lab_submit(lab, long_trial);
    LAB_UNTIL(lab, lab_count_events(lab, "r1", "case_result") >= 1);
    struct rlimit before = take_descriptors(agent, 3);
    LAB_UNTIL(lab, lab_log_has(lab, agent, "too many open files"));
    LAB_UNTIL(lab, lab_count_events(lab, "r1", "case_result") == 6); // what runs goes on
    assert_string_equal(row_text(row_where(lab_rows(lab, "agents", NULL), "name", "lab-a"), "state"), "connected");
    assert_int_equal(prlimit(agent->pid, RLIMIT_NOFILE, &before, NULL), 0);
    assert_int_equal(lab_wait(lab, submit), 0);
    LAB_UNTIL(lab, lab_log_has(lab, agent, "there are descriptors again"));
    assert_int_equal(times_said(lab, agent, "too many open files"), 1);
    assert_int_equal(lab_wait(lab, lab_submit(lab, long_trial)), 0);
    LAB_UNTIL(lab, lab_run(lab, "ps", "--orphans", NULL).status == 0);
    lab_leaves_nothing(lab);
}

static void coordinator_without_descriptors(void **state)
{
    struct lab *lab = *state;
    lab_up(lab, one_agent);
    struct child *submit = lab_submit(lab, long_trial);
    LAB_UNTIL(lab, lab_count_events(lab, "r1", "case_result") >= 1);
    struct rlimit before = take_descriptors(lab->coordinator, 3);
    LAB_UNTIL(lab, lab_log_has(lab, lab->coordinator, "too many open files"));
    uint64_t until_ms = lab_now_ms() + 4000; // longer than it takes to suspect an agent, and than the cases
    while (lab_now_ms() < until_ms)
        lab_pause();
    assert_int_equal(prlimit(lab->coordinator->pid, RLIMIT_NOFILE, &before, NULL), 0);
    assert_int_equal(lab_wait(lab, submit), 0);
    assert_int_equal(times_said(lab, lab->coordinator, "too many open files"), 1);
    assert_int_equal(times_said(lab, lab_agent_of(lab, "lab-a")->child, "live with the coordinator"), 1); // it never lost its session
    assert_int_equal(lab_count_events(lab, "r1", "trial_started"), 1);
    assert_int_equal(lab_count_events(lab, "r1", "case_result"), 6);
    lab_leaves_nothing(lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAB_TEST(agent_without_descriptors),
        LAB_TEST(coordinator_without_descriptors),
    };
    return cmocka_run_group_tests_name("e2e_descriptors", tests, NULL, NULL);
}

// limits: what is held to them, and what is left of them.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/environment/execution/limits.h"
#include "services/sdk/harness/harness.h"
#include "tests/integration/execution/trial.h"

static const char *tail_of_exit(struct panther_test *test)
{
    for (size_t i = 0; i < test->event_count; i++)
        if (test->events[i]->body_case == PB__EVENT__BODY_PROCESS_EXITED)
            return test->events[i]->process_exited->tail;
    return "";
}

// By a cgroup the kernel kills it, and that is named; without one its allocation fails.
static void memory_is_limited(void **state)
{
    (void)state;
    struct panther_test_exit end;
    struct panther_test *test = trial_new("subject", "eat");
    panther_test_environment(test, "limits", "memory", "67108864");
    assert_int_equal(panther_test_initialize(test), 0);
    panther_test_start(test);
    assert_true(panther_test_exited(test, "subject", 60000, &end));
    assert_true(end.unexpected);
    assert_int_equal(panther_test_stop(test), 0);
    if (trial_note(test, "no memory cgroup")) {
        assert_int_equal(end.status, 9);
    } else {
        assert_int_equal(end.signal, SIGKILL);
        trial_finding(test, "limits oom subject");
        assert_int_equal(strncmp(tail_of_exit(test), "out of memory", strlen("out of memory")), 0);
    }
    trial_end(&test);
}

static void processor_time_is_limited(void **state)
{
    (void)state;
    struct panther_test_exit end;
    struct panther_test *test = trial_new("subject", "forever");
    panther_test_environment(test, "limits", "time", "1000");
    trial_start(test);
    assert_true(panther_test_exited(test, "subject", 60000, &end));
    assert_int_equal(end.signal, SIGXCPU);
    assert_int_equal(panther_test_stop(test), 0);
    trial_finding(test, "limits time subject");
    trial_end(&test);
}

// What a killed guard leaves of its groups is cleared away by who removes its folder, once nothing lives in them.
static void groups_of_a_killed_guard_can_be_cleared_away(void **state)
{
    (void)state;
    CLEANUP_FREE char *base = limits_controller("memory");
    struct panther_test *test = trial_new("subject", NULL);
    panther_test_environment(test, "limits", "memory", "67108864");
    trial_start(test);
    CLEANUP_FREE char *folder = memory_string(panther_test_folder(test));
    if (base)
        assert_false(limits_clear(folder)); // it runs
    trial_stop(test, 3, 0);
    assert_int_equal(kill(test->guard, SIGKILL), 0);
    assert_true(harness_guard_ended(test, 20000));
    assert_true(limits_clear(folder));
    if (base) {
        CLEANUP_FREE char *group = memory_printf("%s/panther-%s", base, strchr(test->marker, '=') + 1);
        assert_int_not_equal(access(group, F_OK), 0);
    }
    panther_test_end(&test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_limited),
        cmocka_unit_test(processor_time_is_limited),
        cmocka_unit_test(groups_of_a_killed_guard_can_be_cleared_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

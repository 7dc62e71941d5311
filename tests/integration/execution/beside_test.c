// strace, perf, gdb: attached to the process, whose pid, exit status and signals stay its own.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/system/process.h"
#include "tests/integration/execution/trial.h"

static void strace_counts_calls_and_errors(void **state)
{
    (void)state;
    struct panther_test *test = trial_new("subject", "fail");
    panther_test_environment(test, "strace", NULL, NULL);
    trial_start(test);
    trial_stop(test, 3, 0);
    assert_true(trial_metric(test, "strace.calls") > 5);
    assert_true(trial_metric(test, "strace.errors.close") >= 1);
    assert_true(trial_metric(test, "strace.incomplete") == 0);
    assert_int_equal(panther_test_cleanup(test), 0);
    assert_true(panther_test_artifact(test, "environment/strace.1-subject.txt"));
    trial_end(&test);
}

// The pid that the plugin was told is the program's, not a tool's.
static void program_is_itself(const struct panther_test *test)
{
    char path[64], program[512] = "";
    snprintf(path, sizeof path, "/proc/%d/exe", panther_test_pid(test, "subject"));
    assert_true(readlink(path, program, sizeof program - 1) > 0);
    assert_non_null(strstr(program, "/subject"));
}

static void perf_finds_the_hot_function(void **state)
{
    (void)state;
    struct panther_test *test = trial_new("subject", "burn");
    panther_test_environment(test, "perf", "frequency", "999");
    trial_start(test);
    program_is_itself(test);
    trial_stop(test, 3, 0);
    assert_true(trial_metric(test, "perf.hot.burn") > 0.2);
    assert_true(trial_metric(test, "perf.task-clock") > 300);
    trial_end(&test);
}

static void strace_and_perf_compose(void **state)
{
    (void)state;
    struct panther_test *test = trial_new("subject", "burn");
    panther_test_environment(test, "strace", "calls", "false");
    panther_test_environment(test, "perf", NULL, NULL);
    panther_test_environment(test, "limits", "files", "64");
    trial_start(test);
    trial_stop(test, 3, 0);
    assert_true(trial_metric(test, "perf.hot.burn") > 0.2);
    assert_true(trial_metric(test, "strace.calls") > 5);
    trial_end(&test);
}

static void gdb_shows_where_it_crashed(void **state)
{
    (void)state;
    struct panther_test_exit end;
    struct panther_test *test = trial_new("subject", "crash");
    panther_test_environment(test, "gdb", NULL, NULL);
    assert_int_equal(panther_test_initialize(test), 0);
    panther_test_start(test); // ready or dead before that
    assert_true(panther_test_exited(test, "subject", 60000, &end));
    assert_int_equal(end.signal, SIGSEGV);
    assert_true(end.unexpected);
    assert_int_equal(panther_test_stop(test), 0);
    trial_finding(test, "gdb SIGSEGV do_word < main");
    assert_true(trial_metric(test, "gdb.crashes") == 1);
    trial_end(&test);
}

// What a dead tool has not seen is not zero.
static void a_killed_tool_leaves_no_answer(void **state)
{
    (void)state;
    char marker[64];
    struct process_list tools = {0};
    struct panther_test *test = trial_new("subject", "fail");
    panther_test_environment(test, "strace", NULL, NULL);
    trial_start(test);
    snprintf(marker, sizeof marker, "PANTHER_TOOL=%d", panther_test_pid(test, "subject"));
    processes_with_environment(marker, &tools);
    assert_int_equal(tools.count, 1);
    assert_int_equal(kill(tools.pids[0], SIGKILL), 0);
    process_list_free(&tools);
    trial_stop(test, 3, 0); // the program never noticed
    assert_true(trial_metric(test, "strace.incomplete") == 1);
    assert_false(trial_has_metric(test, "strace.calls"));
    assert_true(trial_note(test, "strace was killed"));
    trial_end(&test);
}

static void a_tool_that_cannot_attach_is_named(void **state)
{
    (void)state;
    struct panther_test *test = trial_new("subject", NULL);
    panther_test_environment(test, "strace", "trace", "no_such_call");
    assert_int_equal(panther_test_initialize(test), 0);
    assert_int_not_equal(panther_test_start(test), 0);
    assert_non_null(strstr(panther_test_problem(test), "strace"));
    trial_end(&test);
}

static void a_combination_that_cannot_be_is_refused(void **state)
{
    (void)state;
    struct panther_test *test = trial_new("subject", NULL);
    panther_test_environment(test, "strace", NULL, NULL);
    panther_test_environment(test, "gdb", NULL, NULL);
    assert_int_equal(panther_test_initialize(test), 0);
    assert_int_not_equal(panther_test_start(test), 0);
    assert_non_null(strstr(panther_test_problem(test), "traced"));
    trial_end(&test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strace_counts_calls_and_errors),
        cmocka_unit_test(perf_finds_the_hot_function),
        cmocka_unit_test(strace_and_perf_compose),
        cmocka_unit_test(gdb_shows_where_it_crashed),
        cmocka_unit_test(a_killed_tool_leaves_no_answer),
        cmocka_unit_test(a_tool_that_cannot_attach_is_named),
        cmocka_unit_test(a_combination_that_cannot_be_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

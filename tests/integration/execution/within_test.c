// What the program brings itself: sanitizers; and what is preloaded into it: gperftools.
#include <stdio.h>

#include "tests/integration/execution/trial.h"

static void asan_names_overflow_and_leak(void **state)
{
    (void)state;
    struct panther_test_exit end;
    struct panther_test *test = trial_new("subject-asan", "leak");
    panther_test_environment(test, "asan", NULL, NULL);
    panther_test_environment(test, "ubsan", NULL, NULL);
    trial_start(test);
    assert_int_equal(panther_test_stop(test), 0);
    trial_finding(test, "asan leak lose < do_word < main");
    assert_true(trial_metric(test, "asan.leaked") == 1234);
    assert_true(trial_metric(test, "asan.instrumented") == 1);
    trial_end(&test);
    test = trial_new("subject-asan", "undefined");
    panther_test_option(test, "words", "overflow");
    panther_test_environment(test, "asan", NULL, NULL);
    panther_test_environment(test, "ubsan", NULL, NULL);
    assert_int_equal(panther_test_initialize(test), 0);
    panther_test_start(test);
    assert_true(panther_test_exited(test, "subject", 60000, &end));
    assert_int_equal(panther_test_stop(test), 0);
    trial_finding(test, "asan heap-buffer-overflow spill < overflow < do_word < main");
    trial_finding(test, "ubsan signed integer overflow subject.c");
    trial_end(&test);
}

static void tsan_names_the_race(void **state)
{
    (void)state;
    struct panther_test *test = trial_new("subject-tsan", "race");
    panther_test_environment(test, "tsan", NULL, NULL);
    trial_start(test);
    assert_int_equal(panther_test_stop(test), 0);
    trial_finding(test, "tsan data race bump");
    trial_end(&test);
}

static void a_program_without_the_sanitizer_is_no_answer(void **state)
{
    (void)state;
    struct panther_test *test = trial_new("subject", "leak");
    panther_test_environment(test, "asan", NULL, NULL);
    trial_start(test);
    trial_stop(test, 3, 0);
    assert_false(trial_has_metric(test, "asan.reports"));
    assert_true(trial_metric(test, "asan.instrumented") == 0);
    assert_true(trial_note(test, "not built with"));
    trial_end(&test);
}

static void gperf_knows_hot_functions_and_heap(void **state)
{
    (void)state;
    struct panther_test *test = trial_new("subject", "burn");
    panther_test_environment(test, "gperf_cpu", "frequency", "500");
    trial_start(test);
    trial_stop(test, 3, 0);
    assert_true(trial_metric(test, "gperf_cpu.hot.burn") > 0);
    trial_end(&test);
    test = trial_new("subject", "leak");
    panther_test_environment(test, "gperf_heap", NULL, NULL);
    trial_start(test);
    trial_stop(test, 3, 0);
    assert_true(trial_metric(test, "gperf_heap.allocated") >= 1234);
    assert_true(trial_has_metric(test, "gperf_heap.hot.lose"));
    trial_end(&test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asan_names_overflow_and_leak),
        cmocka_unit_test(tsan_names_the_race),
        cmocka_unit_test(a_program_without_the_sanitizer_is_no_answer),
        cmocka_unit_test(gperf_knows_hot_functions_and_heap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

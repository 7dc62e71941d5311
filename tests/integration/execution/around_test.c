// valgrind's four tools.
#include "tests/integration/execution/trial.h"

static void memcheck_finds_leak_and_overflow(void **state)
{
    (void)state;
    struct panther_test *test = trial_new("subject", "leak");
    panther_test_option(test, "words", "overflow");
    panther_test_environment(test, "memcheck", NULL, NULL);
    trial_start(test);
    trial_stop(test, 3, 0);
    trial_finding(test, "memcheck Leak_DefinitelyLost lose < do_word < main");
    trial_finding(test, "memcheck InvalidRead spill < overflow < do_word < main");
    assert_true(trial_metric(test, "memcheck.leaked") == 1234);
    assert_true(trial_metric(test, "memcheck.errors") == 2);
    trial_end(&test);
}

static void helgrind_finds_the_race(void **state)
{
    (void)state;
    struct panther_test *test = trial_new("subject", "race");
    panther_test_environment(test, "helgrind", NULL, NULL);
    trial_start(test);
    trial_stop(test, 3, 0);
    trial_finding(test, "helgrind Race bump");
    trial_end(&test);
}

static void callgrind_counts_by_function(void **state)
{
    (void)state;
    struct panther_test *test = trial_new("subject", "burn");
    panther_test_environment(test, "callgrind", NULL, NULL);
    trial_start(test);
    trial_stop(test, 3, 0);
    assert_true(trial_metric(test, "callgrind.hot.burn") > 0.5);
    assert_true(trial_metric(test, "callgrind.instructions") > 100000);
    trial_end(&test);
}

static void massif_knows_the_peak(void **state)
{
    (void)state;
    struct panther_test *test = trial_new("subject", "leak");
    panther_test_environment(test, "massif", NULL, NULL);
    trial_start(test);
    trial_stop(test, 3, 0);
    assert_true(trial_metric(test, "massif.heap_peak") >= 1234);
    trial_end(&test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memcheck_finds_leak_and_overflow),
        cmocka_unit_test(helgrind_finds_the_race),
        cmocka_unit_test(callgrind_counts_by_function),
        cmocka_unit_test(massif_knows_the_peak),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

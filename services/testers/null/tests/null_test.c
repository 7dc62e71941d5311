// The null tester under the real guard and host: each verdict, many cases, a crash and a hang.
#include <panther/test.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static struct panther_test *up(struct panther_test *test)
{
    if (panther_test_initialize(test) != 0 || panther_test_start(test) != 0) {
        fail_msg("%s", panther_test_problem(test));
    }
    return test;
}

static struct panther_test *new_test(void)
{
    return panther_test_new(PANTHER_PLUGINS "/null.so");
}

static void named_cases_end_as_named(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum panther_verdict verdict;
    } cases[] = {
        {"pass", PANTHER_PASS}, {"fail", PANTHER_FAIL}, {"inconc", PANTHER_INCONC}, {"error", PANTHER_ERROR}, {"n999", PANTHER_PASS}};
    struct panther_test *test = up(new_test());
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct panther_test_outcome outcome;
        assert_int_equal(panther_test_case(test, cases[i].name, 5000, &outcome), 0);
        assert_int_equal(outcome.verdict, cases[i].verdict);
    }
    assert_int_equal(panther_test_stop(test), 0);
    assert_int_equal(panther_test_end(&test), 0);
}

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void thousands_of_cases_each_get_one_verdict(void **state)
{
    (void)state;
    struct panther_test *test = new_test();
    panther_test_option(test, "metrics", "2");
    up(test);
    const double begin = now_s();
    assert_int_equal(panther_test_cases(test, "noop", 5000, 10000, PANTHER_PASS), 5000);
    print_message("%.0f cases/s into the synced spool\n", 5000 / (now_s() - begin));
    double value = 0;
    assert_true(panther_test_metric(test, "m1", &value));
    assert_true(value > 0.5);
    assert_int_equal(panther_test_end(&test), 0);
}

static void options_out_of_range_are_refused_by_name(void **state)
{
    (void)state;
    struct panther_test *test = new_test();
    panther_test_option(test, "metrics", "65");
    assert_int_not_equal(panther_test_initialize(test), 0);
    assert_non_null(strstr(panther_test_problem(test), "metrics"));
    assert_int_equal(panther_test_end(&test), 0);
}

static void a_crash_is_an_error_of_the_case_and_leaves_nothing(void **state)
{
    (void)state;
    struct panther_test_outcome outcome;
    int signal_number = 0;
    struct panther_test *test = up(new_test());
    assert_int_equal(panther_test_case(test, "crash", 5000, &outcome), 0);
    assert_int_equal(outcome.verdict, PANTHER_ERROR);
    assert_int_equal(outcome.reason, PANTHER_REASON_CRASH);
    assert_true(panther_test_host_died(test, &signal_number));
    assert_int_equal(panther_test_stop(test), 0);
    assert_int_equal(panther_test_end(&test), 0);
}

static void a_hang_is_inconclusive_by_timeout(void **state)
{
    (void)state;
    struct panther_test_outcome outcome;
    int signal_number = 0;
    struct panther_test *test = up(new_test());
    assert_int_equal(panther_test_case(test, "hang", 200, &outcome), 0);
    assert_int_equal(outcome.verdict, PANTHER_INCONC);
    assert_int_equal(outcome.reason, PANTHER_REASON_TIMEOUT);
    assert_true(panther_test_host_died(test, &signal_number));
    assert_int_equal(signal_number, SIGKILL);
    assert_int_equal(panther_test_end(&test), 0);
}

static void execute_gives_the_verdict_that_was_asked_for(void **state)
{
    (void)state;
    struct panther_test_outcome outcome;
    struct panther_test *test = new_test();
    panther_test_option(test, "verdict", "inconc");
    up(test);
    assert_int_equal(panther_test_execute(test, 5000, &outcome), 0);
    assert_int_equal(outcome.verdict, PANTHER_INCONC);
    assert_int_equal(panther_test_end(&test), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(named_cases_end_as_named),
        cmocka_unit_test(thousands_of_cases_each_get_one_verdict),
        cmocka_unit_test(options_out_of_range_are_refused_by_name),
        cmocka_unit_test(a_crash_is_an_error_of_the_case_and_leaves_nothing),
        cmocka_unit_test(a_hang_is_inconclusive_by_timeout),
        cmocka_unit_test(execute_gives_the_verdict_that_was_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

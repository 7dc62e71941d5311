// Numbers about numbers, against values from tables of Student's distribution and from hand.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
// clang-format on

#include <math.h>

#include "coordinator/report/statistics.h"

static void fill(struct sample *sample, const double *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        sample_add(sample, values[i]);
    }
}

static void assert_near(double value, double wanted, double tolerance)
{
    if (!(fabs(value - wanted) <= tolerance)) {
        fail_msg("%.9g is not %.9g", value, wanted);
    }
}

static void a_summary(void **state)
{
    (void)state;
    struct sample sample = {0};
    fill(&sample, (const double[]){9, 2, 4, 4, 4, 5, 5, 7}, 8);
    struct summary summary = sample_summary(&sample);
    assert_int_equal(summary.count, 8);
    assert_near(summary.mean, 5, 1e-12);
    assert_near(summary.deviation, 2.13808994, 1e-8); // sqrt(32 / 7)
    assert_near(summary.median, 4.5, 1e-12);
    assert_near(summary.least, 2, 0);
    assert_near(summary.most, 9, 0);
    assert_near(sample_quantile(&sample, 0.25), 4, 1e-12);
    sample_free(&sample);
}

static void nothing_and_one(void **state)
{
    (void)state;
    struct sample none = {0}, one = {0};
    struct shift shift;
    sample_add(&one, 3);
    assert_near(sample_summary(&none).mean, 0, 0);
    assert_near(sample_summary(&one).deviation, 0, 0);
    assert_near(sample_quantile(&one, 0.99), 3, 0);
    assert_false(sample_shift(&one, &one, 0.95, &shift));
    sample_free(&one);
}

// Equal spreads and sizes: Welch's degrees of freedom are Student's, 8; t(0.975, 8) = 2.306004.
static void a_shift_has_the_width_of_the_table(void **state)
{
    (void)state;
    struct sample before = {0}, after = {0};
    struct shift shift;
    fill(&before, (const double[]){1, 2, 3, 4, 5}, 5);
    fill(&after, (const double[]){11, 12, 13, 14, 15}, 5);
    assert_true(sample_shift(&before, &after, 0.95, &shift));
    assert_near(shift.difference, 10, 1e-12);
    assert_near(shift.high - shift.difference, 2.306004, 1e-5); // standard error: sqrt(2.5/5 + 2.5/5) = 1
    assert_near(shift.low, 10 - 2.306004, 1e-5);
    sample_free(&before);
    sample_free(&after);
}

static void values_without_spread_differ_for_sure(void **state)
{
    (void)state;
    struct sample before = {0}, after = {0};
    struct shift shift;
    fill(&before, (const double[]){2, 2, 2}, 3);
    fill(&after, (const double[]){3, 3, 3}, 3);
    assert_true(sample_shift(&before, &after, 0.95, &shift));
    assert_near(shift.low, 1, 0);
    assert_near(shift.high, 1, 0);
    sample_free(&before);
    sample_free(&after);
}

// Wilson's own: 10 of 10 is no certainty.
static void shares_stay_within_bounds(void **state)
{
    (void)state;
    double low, high;
    share_interval(10, 10, 0.95, &low, &high);
    assert_near(low, 0.722467, 1e-5);
    assert_near(high, 1, 0);
    share_interval(5, 10, 0.95, &low, &high);
    assert_near(low, 0.236593, 1e-5);
    assert_near(high, 0.763407, 1e-5);
    share_interval(0, 0, 0.95, &low, &high);
    assert_near(low, 0, 0);
    assert_near(high, 1, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_summary),
        cmocka_unit_test(nothing_and_one),
        cmocka_unit_test(a_shift_has_the_width_of_the_table),
        cmocka_unit_test(values_without_spread_differ_for_sure),
        cmocka_unit_test(shares_stay_within_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

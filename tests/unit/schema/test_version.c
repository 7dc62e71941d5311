// Which version is newer, what an experiment may ask of one, and what fits.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <string.h>

#include "common/schema/version.h"

static int sign(int number)
{
    return (number > 0) - (number < 0);
}

static void versions_are_in_order(void **state)
{
    (void)state;
    static const char *const order[] = {"0.9",    "0.10",   "1",       "1.1.1a", "1.1.1n", "1.2",
                                        "1.22.0", "1.22.1", "1.22.10", "2",      "10",     "99999999999999999999.1"};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        for (size_t j = 0; j < sizeof order / sizeof *order; j++)
            if (sign(version_compare(order[i], order[j])) != sign((int)i - (int)j))
                fail_msg("%s and %s", order[i], order[j]);
    assert_int_equal(version_compare("1.02", "1.2"), 0);
}

static void what_is_asked_fits_or_not(void **state)
{
    (void)state;
    static const struct {
        const char *version, *wanted;
        bool fits;
    } cases[] = {
        {"1.22.1", "1.22", true},     {"1.22", "1.22", true},
        {"1.221", "1.22", false},     {"1.1.1n", "1.1.1", true},
        {"1.22.1", "=1.22", false},   {"1.22.1", "=1.22.1", true},
        {"1.22.1", ">=1.22.1", true}, {"1.22.1", ">1.22.1", false},
        {"1.22.1", "<1.22.1", false}, {"1.22.1", "<=1.22.1", true},
        {"1.9", ">=1.10", false},     {"1.22.1", ">= 1.20 , <2", true},
        {"2.0", ">=1.20,<2", false},  {"", "", true},
        {"", ">=0", false},           {"1.22.1", "", true},
        {"1.22.1", "new", false},     {"2.6.2", "2.6.2", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (version_fits(cases[i].version, cases[i].wanted) != cases[i].fits)
            fail_msg("\"%s\" and \"%s\"", cases[i].version, cases[i].wanted);
}

static void what_is_none_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[][2] = {
        {"", "begins with a digit"},
        {"new", "begins with a digit"},
        {">=", "begins with a digit"},
        {"==1", "a comparison is"},
        {"=>1", "a comparison is"},
        {"<>1", "a comparison is"},
        {"1 2", "commas"},
        {"1.2;", "commas"},
        {"1,,2", "begins with a digit"},
    };
    struct panther_error error;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(version_check(wrong[i][0], &error), PANTHER_EINVALID);
        if (!strstr(error.message, wrong[i][1]))
            fail_msg("\"%s\": %s", wrong[i][0], error.message);
    }
    char longest[VERSION_WANTED_MAX_BYTES + 1];
    memset(longest, '1', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(version_check(longest, &error), PANTHER_EINVALID);
    longest[sizeof longest - 2] = '\0';
    assert_int_equal(version_check(longest, &error), 0);
    assert_int_equal(version_check("1.22, >=1.20, <2", &error), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions_are_in_order),
        cmocka_unit_test(what_is_asked_fits_or_not),
        cmocka_unit_test(what_is_none_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// Reports that suites write, and histograms: what counts as passed, what is cut, how exact a percentile is.
#include "services/sdk/declared/report.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// clang-format off
#include <cmocka.h>
// clang-format on

#include "services/sdk/declared/histogram.h"

static const char *const passed[] = {"OK", "true", NULL}, *const failed[] = {"HIGH", "false", NULL};
static const struct json_form form = {.name = "id", .status = "severity", .passed = passed, .failed = failed};
static const struct json_form nested = {.list = "tests", .name = "id", .status = "good", .passed = passed, .failed = failed};

enum kind { JUNIT, TAP, JSON, NESTED };
struct report_case {
    enum kind kind;
    const char *text;
    const char *entries; // "class.name=P", P F S; blank between
    const char *problem; // "": whole
};

static const struct report_case cases[] = {
    {JUNIT,
     "<?xml version='1.0'?><testsuites><testsuite><testcase name='a' classname=\"c\"/><testcase name=\"b &lt;x&gt; &amp;\" classname='c'>"
     "<failure message='1 > 0'>text</failure></testcase></testsuite></testsuites>",
     "c.a=P c.b <x> &=F", ""},
    {JUNIT,
     "<testsuite><testcase name='a'><skipped/></testcase><testcase name='b'><error/></testcase><testcase name='c'><system-out>"
     "<![CDATA[<failure>]]></system-out><!-- <error/> --></testcase></testsuite>",
     ".a=S .b=F .c=P", ""},
    {JUNIT, "<testsuite><testcase name='a'/>", ".a=P", "it ends before its root element does"},
    {JUNIT, "<testsuite><testcase name='a", "", "it ends in the middle of a tag"},
    {JUNIT, "<testsuite><!-- ", "", "it ends in the middle of a tag"},
    {JUNIT, "Traceback: nothing", "", "it is no JUnit report"},
    {JUNIT, "", "", "it is no JUnit report"},
    {TAP, "TAP version 13\n1..4\nok 1 - first thing\nnot ok 2 second\n  ok 1 - sub\nok 3 # SKIP no net\nnot ok 4 - later # TODO\n",
     ".first thing=P .second=F .=S .later=S", ""},
    {TAP, "1..3\nok 1 - a\nok 2 - b\n", ".a=P .b=P", "3 entries were planned, 2 are there"},
    {TAP, "ok 1 - a\n", ".a=P", "it has no plan (1..N)"},
    {TAP, "1..1\nok 1 - a\nBail out! no disk\n", ".a=P", "the suite bailed out"},
    {TAP, "1..1\nokay 1\nok 1\n", ".=P", ""},
    {JSON, "[{\"id\":\"x\",\"severity\":\"OK\"},{\"id\":\"y\",\"severity\":\"HIGH\"},{\"id\":3,\"severity\":\"INFO\"}]", ".x=P .y=F .3=S",
     ""},
    {JSON, "[{\"id\":\"x\",\"severity\":\"OK\"},{\"id\":\"y\"}]", ".x=P", "an entry lacks \"id\" or \"severity\""},
    {JSON, "{}", "", "it is no list"},
    {JSON, "[{\"id\":\"x\",\"severity\":\"OK\"}", "", "line 1: ']' expected near end of file"},
    {NESTED, "{\"tests\":[{\"id\":\"x\",\"good\":true},{\"id\":\"y\",\"good\":false}]}", ".x=P .y=F", ""},
    {NESTED, "{\"test\":[]}", "", "it has no list \"tests\""},
};

static void read_as(enum kind kind, struct report *report, const char *text)
{
    switch (kind) {
    case JUNIT:
        report_read_junit(report, text);
        break;
    case TAP:
        report_read_tap(report, text);
        break;
    case JSON:
        report_read_json(report, text, strlen(text), &form);
        break;
    case NESTED:
        report_read_json(report, text, strlen(text), &nested);
        break;
    }
}

static void reports_say_what_passed_and_whether_they_are_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct report report = {.arena = arena_new(0)};
        struct text all = {0};
        read_as(cases[i].kind, &report, cases[i].text);
        for (size_t k = 0; k < report.count; k++) {
            text_printf(&all, "%s%s.%s=%c", k > 0 ? " " : "", report.items[k].group, report.items[k].name, "PFS"[report.items[k].status]);
        }
        assert_string_equal(text_string(&all), cases[i].entries);
        assert_string_equal(report.problem != NULL ? report.problem : "", cases[i].problem);
        text_free(&all);
        report_free(&report);
        arena_free(&report.arena);
    }
}

static int by_size(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;
    return a < b ? -1 : a > b;
}

#define NUMBERS 20000

static void percentiles_are_right_to_half_a_percent(void **state)
{
    (void)state;
    static double numbers[NUMBERS];
    static const double shares[] = {0.5, 0.9, 0.99, 0.999};
    struct histogram *histogram = histogram_new();
    assert_true(histogram_percentile(histogram, 0.5) == 0);
    srandom(5);
    for (size_t i = 0; i < NUMBERS; i++) {
        numbers[i] = exp((double)(random() % 20000) / 1000 - 8); // e^-8 .. e^12
        assert_true(histogram_add(histogram, numbers[i]));
    }
    assert_false(histogram_add(histogram, -1));
    assert_false(histogram_add(histogram, NAN));
    qsort(numbers, NUMBERS, sizeof(*numbers), by_size);
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
        const double exact = numbers[(size_t)ceil(shares[i] * NUMBERS) - 1];
        const double told = histogram_percentile(histogram, shares[i]);
        if (fabs(told - exact) > 0.005 * exact) {
            fail_msg("p%g is %g, told as %g", shares[i], exact, told);
        }
    }
    assert_true(histogram_least(histogram) == numbers[0] && histogram_most(histogram) == numbers[NUMBERS - 1]);
    assert_int_equal(histogram_count(histogram), NUMBERS);
    assert_true(histogram_percentile(histogram, 1) == numbers[NUMBERS - 1]);
    histogram_free(&histogram);
}

static void one_number_is_its_own_percentile(void **state)
{
    (void)state;
    static const double numbers[] = {0, 1, 7, 1e-30, 1e30};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct histogram *histogram = histogram_new();
        assert_true(histogram_add(histogram, numbers[i]));
        assert_true(histogram_percentile(histogram, 0.5) == numbers[i]);
        histogram_free(&histogram);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reports_say_what_passed_and_whether_they_are_whole),
        cmocka_unit_test(percentiles_are_right_to_half_a_percent),
        cmocka_unit_test(one_number_is_its_own_percentile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

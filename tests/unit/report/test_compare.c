// What two runs differ in: verdicts by name, metrics by more than chance.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
// clang-format on

#include "coordinator/report/compare.h"

static struct run_report make(void)
{
    struct run_report report = {
        .run = table_new((const char *const[]){"name"}, 1),
        .cells = table_new((const char *const[]){"name", "test", "combination", "verdict", "text"}, 5),
        .trials = table_new((const char *const[]){"name", "cell"}, 2),
        .cases = table_new((const char *const[]){"trial", "service", "case", "verdict", "text", "duration_ns"}, 6),
        .metrics = table_new((const char *const[]){"trial", "service", "case", "metric", "value", "unit", "better"}, 7),
        .assertions = table_new((const char *const[]){"trial", "assertion", "verdict"}, 3),
    };
    return report;
}

// A cell of the test t with one metric.
static void add(struct run_report *report, const char *run, int repetition, const char *verdict, double value, const char *better)
{
    char cell[64], trial[80], number[32];
    snprintf(cell, sizeof cell, "%s/t/%d", run, repetition);
    snprintf(trial, sizeof trial, "%s#1", cell);
    snprintf(number, sizeof number, "%.10g", value);
    table_add(report->cells, (const char *const[]){cell, "t", "", verdict, "why"});
    table_add(report->trials, (const char *const[]){trial, cell});
    table_add(report->metrics, (const char *const[]){trial, "load", "", "speed", number, "1/s", better});
}

static void compare(struct run_report *before, struct run_report *after, struct comparison *comparison)
{
    run_report_index(before);
    run_report_index(after);
    compare_runs(before, after, &(struct compare_options){.confidence = 0.95, .by = 0.05}, comparison);
}

static void finish(struct run_report *before, struct run_report *after, struct comparison *comparison)
{
    comparison_free(comparison);
    run_report_free(before);
    run_report_free(after);
}

static const char *kind_of(const struct comparison *comparison, const char *name)
{
    for (size_t row = 0; row < table_count(comparison->rows); row++) {
        if (strcmp(table_value(comparison->rows, row, "name"), name) == 0) {
            return table_value(comparison->rows, row, "kind");
        }
    }
    return "";
}

static void verdicts_by_name(void **state)
{
    (void)state;
    struct run_report before = make(), after = make();
    struct comparison comparison;
    static const char *const was[] = {"pass", "fail", "pass", "fail", "pass"}, *const is[] = {"fail", "pass", "pass", "error"};
    for (int i = 0; i < 5; i++) {
        add(&before, "r1", i + 1, was[i], 10, "higher");
    }
    for (int i = 0; i < 4; i++) {
        add(&after, "r2", i + 1, is[i], 10, "higher");
    }
    add(&after, "r2", 6, "pass", 10, "higher");
    compare(&before, &after, &comparison);
    assert_string_equal(kind_of(&comparison, "t/1"), "regression");
    assert_string_equal(kind_of(&comparison, "t/2"), "fixed");
    assert_string_equal(kind_of(&comparison, "t/3"), "");
    assert_string_equal(kind_of(&comparison, "t/4"), "changed");
    assert_string_equal(kind_of(&comparison, "t/5"), "regression"); // it passed, and is not there any more
    assert_string_equal(kind_of(&comparison, "t/6"), "new");
    assert_int_equal(comparison.regressions, 2);
    assert_int_equal(comparison.fixed, 1);
    finish(&before, &after, &comparison);
}

// before: 100 and what scatters around it; after: moved by `by`.
static void metrics(double by, double scatter, const char *better, const char *wanted)
{
    struct run_report before = make(), after = make();
    struct comparison comparison;
    for (int i = 0; i < 6; i++) {
        add(&before, "r1", i + 1, "pass", 100 + (i % 3 - 1) * scatter, better);
        add(&after, "r2", i + 1, "pass", 100 + by + (i % 3 - 1) * scatter, better);
    }
    compare(&before, &after, &comparison);
    assert_string_equal(kind_of(&comparison, "t load.speed"), wanted);
    assert_int_equal(comparison.worse, strcmp(wanted, "worse") == 0);
    assert_int_equal(comparison.better, strcmp(wanted, "better") == 0);
    finish(&before, &after, &comparison);
}

static void a_metric_moves_by_more_than_chance(void **state)
{
    (void)state;
    metrics(-20, 1, "higher", "worse");
    metrics(-20, 1, "lower", "better");
    metrics(20, 1, "higher", "better");
    metrics(20, 1, "", "moved");    // nobody said which way is good
    metrics(-20, 60, "higher", ""); // that scatters as much by itself
    metrics(-3, 0.1, "higher", ""); // for sure, but less than 5 %
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdicts_by_name),
        cmocka_unit_test(a_metric_moves_by_more_than_chance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

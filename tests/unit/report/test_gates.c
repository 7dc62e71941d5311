// A run held against known failures and against an earlier one.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
// clang-format on

#include "common/base/verdict.h"
#include "coordinator/report/gates.h"

// One test "t" with an axis "server" of a and b, and the tester "probe".
struct bench {
    struct arena *arena;
    struct run_report before, after;
    Pb__Experiment experiment;
    Pb__Baseline baseline;
    Pb__Test test, *tests[1];
    Pb__Axis axis, *axes[1];
    Pb__AxisValue values[2], *value_list[2];
    Pb__ExpectedFailure expected[4], *expected_list[4];
    Pb__PlacedSetting where, *wheres[1];
    Pb__NoWorse no_worse, *no_worses[1];
    char *where_values[1];
    Pb__RunGates *gates;
};

static struct run_report make(const char *run)
{
    struct run_report report = {
        .run = table_new((const char *const[]){"name"}, 1),
        .cells = table_new((const char *const[]){"name", "test", "combination", "verdict", "reason", "text"}, 6),
        .trials = table_new((const char *const[]){"name", "cell"}, 2),
        .cases = table_new((const char *const[]){"trial", "service", "case", "verdict", "reason", "text", "duration_ns"}, 7),
        .metrics = table_new((const char *const[]){"trial", "service", "case", "metric", "value", "unit", "better"}, 7),
        .assertions = table_new((const char *const[]){"trial", "assertion", "verdict", "reason", "text"}, 5),
    };
    table_add(report.run, (const char *const[]){run});
    return report;
}

static void begin(struct bench *bench)
{
    *bench = (struct bench){.arena = arena_new(0), .before = make("r1"), .after = make("r2")};
    pb__experiment__init(&bench->experiment);
    pb__baseline__init(&bench->baseline);
    pb__test__init(&bench->test);
    pb__axis__init(&bench->axis);
    bench->tests[0] = &bench->test;
    bench->experiment.name = (char *)(uintptr_t) "x";
    bench->experiment.tests = bench->tests;
    bench->experiment.n_tests = 1;
    bench->experiment.baseline = &bench->baseline;
    bench->baseline.run = (char *)(uintptr_t) "last-pass";
    bench->test.name = (char *)(uintptr_t) "t";
    bench->axes[0] = &bench->axis;
    bench->test.axes = bench->axes;
    bench->test.n_axes = 1;
    bench->axis.name = (char *)(uintptr_t) "server";
    bench->axis.values = bench->value_list;
    bench->axis.n_values = 2;
    for (size_t i = 0; i < 2; i++) {
        pb__axis_value__init(&bench->values[i]);
        bench->values[i].id = (char *)(uintptr_t)(i ? "b" : "a");
        bench->value_list[i] = &bench->values[i];
    }
    bench->test.expected = bench->expected_list;
}

static void end(struct bench *bench)
{
    run_report_free(&bench->before);
    run_report_free(&bench->after);
    arena_free(&bench->arena);
}

// A cell and the case "probe.hello" of it. verdict of the case ""; it has none.
static void add(struct run_report *report, const char *combination, int repetition, const char *verdict, const char *reason,
                const char *case_verdict, const char *case_reason)
{
    const char *run = table_value(report->run, 0, "name");
    char cell[64], trial[80];
    snprintf(cell, sizeof cell, "%s/t/%s/%d", run, combination, repetition);
    snprintf(trial, sizeof trial, "%s#1", cell);
    table_add(report->cells, (const char *const[]){cell, "t", combination, verdict, reason, "cell says why"});
    table_add(report->trials, (const char *const[]){trial, cell});
    if (*case_verdict) {
        table_add(report->cases, (const char *const[]){trial, "probe", "hello", case_verdict, case_reason, "case says why", "1000000"});
    }
}

static void add_metric(struct run_report *report, int repetition, double value)
{
    char trial[80], number[32];
    snprintf(trial, sizeof trial, "%s/t/a/%d#1", table_value(report->run, 0, "name"), repetition);
    snprintf(number, sizeof number, "%.10g", value);
    table_add(report->metrics, (const char *const[]){trial, "probe", "", "speed", number, "1/s", "higher"});
}

static void expect(struct bench *bench, const char *case_name, const char *server, int verdict, int reason)
{
    Pb__ExpectedFailure *expected = &bench->expected[bench->test.n_expected];
    pb__expected_failure__init(expected);
    expected->case_name = (char *)(uintptr_t)case_name;
    expected->verdict = (uint32_t)verdict;
    expected->reason = (uint32_t)reason;
    expected->because = (char *)(uintptr_t) "issue 12";
    if (server) {
        pb__placed_setting__init(&bench->where);
        bench->where_values[0] = (char *)(uintptr_t)server;
        bench->where.name = bench->axis.name;
        bench->where.values = bench->where_values;
        bench->where.n_values = 1;
        bench->wheres[0] = &bench->where;
        expected->where = bench->wheres;
        expected->n_where = 1;
    }
    bench->expected_list[bench->test.n_expected++] = expected;
}

static void judge(struct bench *bench, bool with_baseline)
{
    run_report_index(&bench->before);
    run_report_index(&bench->after);
    bench->gates = gates_judge(&bench->experiment, &bench->after, with_baseline ? &bench->before : NULL, "nobody passed", bench->arena);
}

static const Pb__GateResult *gate(const struct bench *bench, const char *name)
{
    for (size_t i = 0; i < bench->gates->n_results; i++) {
        if (strcmp(bench->gates->results[i]->gate, name) == 0) {
            return bench->gates->results[i];
        }
    }
    fail_msg("no gate %s", name);
    return NULL;
}

// "kind name;kind name;"
static const char *findings(const struct bench *bench, const char *name)
{
    const Pb__GateResult *result = gate(bench, name);
    struct text text = {0};
    for (size_t i = 0; i < result->n_findings; i++) {
        text_printf(&text, "%s %s;", result->findings[i]->kind, result->findings[i]->name);
    }
    const char *said = arena_string(bench->arena, text_string(&text));
    text_free(&text);
    return said;
}

static int verdict(const struct bench *bench)
{
    return (int)bench->gates->outcome->verdict;
}

static void a_known_failure_spoils_nothing(void **state)
{
    (void)state;
    struct bench bench;
    begin(&bench);
    add(&bench.after, "a", 1, "pass", "", "pass", "");
    add(&bench.after, "b", 1, "fail", "violation", "fail", "violation");
    expect(&bench, "hello", "b", VERDICT_FAIL, REASON_VIOLATION);
    judge(&bench, false);
    assert_int_equal(verdict(&bench), VERDICT_PASS);
    assert_string_equal(findings(&bench, "expect"), "known b probe.hello;");
    end(&bench);
}

static void what_is_not_known_does(void **state)
{
    (void)state;
    static const struct {
        const char *server, *verdict, *reason, *case_verdict, *case_reason;
        int wanted;
    } cases[] = {
        {"a", "fail", "violation", "fail", "violation", VERDICT_FAIL},   // another combination
        {"b", "inconc", "timeout", "inconc", "timeout", VERDICT_INCONC}, // another verdict
        {"b", "fail", "timeout", "fail", "timeout", VERDICT_FAIL},       // another reason
        {"b", "fail", "crash", "fail", "violation", VERDICT_FAIL},       // the case is known, the crash is not
        {"b", "error", "infrastructure", "", "", VERDICT_ERROR},         // nothing was judged
        {"b", "fail", "violation", "fail", "violation", VERDICT_PASS},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bench bench;
        begin(&bench);
        add(&bench.after, cases[i].server, 1, cases[i].verdict, cases[i].reason, cases[i].case_verdict, cases[i].case_reason);
        expect(&bench, "hello", "b", VERDICT_FAIL, REASON_VIOLATION);
        judge(&bench, false);
        assert_string_equal(verdict_name(verdict(&bench)), verdict_name(cases[i].wanted));
        end(&bench);
    }
}

static void a_known_failure_that_passes_is_named(void **state)
{
    (void)state;
    struct bench bench;
    begin(&bench);
    add(&bench.after, "b", 1, "pass", "", "pass", "");
    add(&bench.after, "b", 2, "pass", "", "pass", "");
    expect(&bench, "hello", "b", VERDICT_FAIL, REASON_UNSPECIFIED);
    judge(&bench, false);
    assert_int_equal(verdict(&bench), VERDICT_PASS);
    assert_string_equal(findings(&bench, "expect"), "passes b probe.hello;");
    assert_string_equal(gate(&bench, "expect")->findings[0]->text, "issue 12");
    end(&bench);
}

static void a_cell_as_a_whole_may_be_known(void **state)
{
    (void)state;
    struct bench bench;
    begin(&bench);
    add(&bench.after, "b", 1, "fail", "crash", "", "");
    expect(&bench, "", "b", VERDICT_FAIL, REASON_CRASH);
    judge(&bench, false);
    assert_int_equal(verdict(&bench), VERDICT_PASS);
    assert_string_equal(findings(&bench, "expect"), "known b;");
    end(&bench);
}

static void lost(const char *is, int wanted, const char *wanted_findings)
{
    struct bench bench;
    begin(&bench);
    bench.test.none_lost = true;
    add(&bench.before, "a", 1, "pass", "", "pass", "");
    add(&bench.before, "b", 1, "fail", "violation", "fail", "violation"); // did not pass there: nothing to lose
    if (*is) {
        add(&bench.after, "a", 1, strcmp(is, "none") == 0 ? "pass" : is, "", is, "");
    }
    judge(&bench, true);
    assert_string_equal(verdict_name((int)gate(&bench, "none_lost_since")->outcome->verdict), verdict_name(wanted));
    assert_string_equal(findings(&bench, "none_lost_since"), wanted_findings);
    assert_string_equal(bench.gates->baseline, "r1");
    end(&bench);
}

static void what_passed_may_not_be_lost(void **state)
{
    (void)state;
    lost("pass", VERDICT_PASS, "");
    lost("fail", VERDICT_FAIL, "lost a probe.hello;");
    lost("inconc", VERDICT_FAIL, "lost a probe.hello;");
    lost("none", VERDICT_FAIL, "lost a probe.hello;"); // it can no more: not run
    lost("", VERDICT_FAIL, "lost a probe.hello;");
}

static void fewer_repetitions_lose_nothing(void **state)
{
    (void)state;
    struct bench bench;
    begin(&bench);
    bench.test.none_lost = true;
    for (int i = 1; i <= 3; i++) {
        add(&bench.before, "a", i, "pass", "", "pass", "");
    }
    add(&bench.after, "a", 1, "pass", "", "pass", "");
    judge(&bench, true);
    assert_int_equal(verdict(&bench), VERDICT_PASS);
    end(&bench);
}

static void a_known_failure_is_not_lost(void **state)
{
    (void)state;
    struct bench bench;
    begin(&bench);
    bench.test.none_lost = true;
    add(&bench.before, "a", 1, "pass", "", "pass", "");
    add(&bench.after, "a", 1, "fail", "violation", "fail", "violation");
    expect(&bench, "hello", NULL, VERDICT_FAIL, REASON_UNSPECIFIED);
    judge(&bench, true);
    assert_string_equal(findings(&bench, "none_lost_since"), "");
    assert_int_equal(verdict(&bench), VERDICT_PASS);
    end(&bench);
}

static void worse(double by, int count, const char *metric, int wanted)
{
    struct bench bench;
    begin(&bench);
    pb__no_worse__init(&bench.no_worse);
    bench.no_worse.metric = (char *)(uintptr_t)metric;
    bench.no_worse.by = 0.05;
    bench.no_worse.confidence = 0.95;
    bench.no_worses[0] = &bench.no_worse;
    bench.test.no_worse = bench.no_worses;
    bench.test.n_no_worse = 1;
    for (int i = 0; i < 4; i++) {
        add(&bench.before, "a", i + 1, "pass", "", "pass", "");
        add_metric(&bench.before, i + 1, 100 + i);
    }
    for (int i = 0; i < count; i++) {
        add(&bench.after, "a", i + 1, "pass", "", "pass", "");
        add_metric(&bench.after, i + 1, 100 + by + i);
    }
    judge(&bench, true);
    assert_string_equal(verdict_name((int)gate(&bench, "no_worse_than")->outcome->verdict), verdict_name(wanted));
    end(&bench);
}

static void a_metric_may_not_get_worse(void **state)
{
    (void)state;
    worse(0, 4, "", VERDICT_PASS);
    worse(20, 4, "", VERDICT_PASS); // better
    worse(-20, 4, "", VERDICT_FAIL);
    worse(-20, 4, "probe.speed", VERDICT_FAIL);
    worse(-20, 4, "probe.hello.speed", VERDICT_INCONC);
    worse(-2, 4, "probe.speed", VERDICT_PASS);    // less than 5 %
    worse(-20, 1, "probe.speed", VERDICT_INCONC); // one value says nothing of chance
    worse(0, 4, "probe.other", VERDICT_INCONC);   // nobody measured it
}

static void without_a_baseline(void **state)
{
    (void)state;
    static const struct {
        const char *run;
        int wanted;
    } cases[] = {{"last-pass", VERDICT_PASS}, {"last", VERDICT_PASS}, {"r7", VERDICT_INCONC}, {"nightly", VERDICT_INCONC}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bench bench;
        begin(&bench);
        bench.baseline.run = (char *)(uintptr_t)cases[i].run;
        bench.test.none_lost = true;
        add(&bench.after, "a", 1, "pass", "", "pass", "");
        judge(&bench, false);
        assert_int_equal(verdict(&bench), cases[i].wanted);
        assert_string_equal(findings(&bench, "none_lost_since"), "unknown baseline;");
        end(&bench);
    }
}

static void a_fail_says_more_than_an_error(void **state)
{
    (void)state;
    struct bench bench;
    begin(&bench);
    add(&bench.after, "a", 1, "error", "infrastructure", "", "");
    add(&bench.after, "b", 1, "fail", "crash", "", "");
    judge(&bench, false);
    assert_int_equal(verdict(&bench), VERDICT_FAIL);
    assert_string_equal(findings(&bench, "verdicts"), "unexpected t/a/1;unexpected t/b/1;");
    end(&bench);
}

static void which_run_is_the_baseline(void **state)
{
    (void)state;
    static const struct {
        const char *run, *label;
        const char *wanted; // "": none
    } cases[] = {{"last-pass", NULL, "r4"}, {"last", NULL, "r5"}, {"last-pass", "main", "r2"}, {"r3", NULL, "r3"}, {"good", NULL, "r1"},
                 {"r8", NULL, ""},          {"r9", NULL, ""},     {"last", "none", ""},        {"r6", NULL, ""} /* has not ended */};
    struct table *runs = table_new((const char *const[]){"name", "experiment", "state", "verdict", "gate", "labels", "tags", "is_part"}, 8);
    table_add(runs, (const char *const[]){"r1", "x", "ended", "pass", "", "branch=main", "good old", "0"});
    table_add(runs, (const char *const[]){"r2", "x", "ended", "pass", "", "branch=main", "", "0"});
    table_add(runs, (const char *const[]){"r3", "other", "ended", "pass", "", "", "", "0"});
    table_add(runs, (const char *const[]){"r4", "x", "ended", "fail", "pass", "", "", "0"}); // all it failed at was known
    table_add(runs, (const char *const[]){"r5", "x", "ended", "pass", "fail", "", "", "0"});
    table_add(runs, (const char *const[]){"r6", "x", "running", "", "", "", "", "0"});
    table_add(runs, (const char *const[]){"r7", "x", "ended", "pass", "", "", "", "1"});
    table_add(runs, (const char *const[]){"r8", "x", "ended", "pass", "", "", "", "0"}); // itself
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bench bench;
        Pb__Label label = PB__LABEL__INIT, *labels[] = {&label};
        begin(&bench);
        bench.baseline.run = (char *)(uintptr_t)cases[i].run;
        if (cases[i].label) {
            label.name = (char *)(uintptr_t) "branch";
            label.value = (char *)(uintptr_t)cases[i].label;
            bench.baseline.labels = labels;
            bench.baseline.n_labels = 1;
        }
        size_t row = 0;
        const char *why = NULL;
        bool found = gates_find_baseline(&bench.experiment, 8, runs, &row, &why);
        assert_string_equal(found ? table_value(runs, row, "name") : "", cases[i].wanted);
        assert_true(found == (*why == '\0'));
        end(&bench);
    }
    table_free(&runs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_known_failure_spoils_nothing),
        cmocka_unit_test(what_is_not_known_does),
        cmocka_unit_test(a_known_failure_that_passes_is_named),
        cmocka_unit_test(a_cell_as_a_whole_may_be_known),
        cmocka_unit_test(what_passed_may_not_be_lost),
        cmocka_unit_test(fewer_repetitions_lose_nothing),
        cmocka_unit_test(a_known_failure_is_not_lost),
        cmocka_unit_test(a_metric_may_not_get_worse),
        cmocka_unit_test(without_a_baseline),
        cmocka_unit_test(a_fail_says_more_than_an_error),
        cmocka_unit_test(which_run_is_the_baseline),
    };
    return cmocka_run_group_tests_name("gates", tests, NULL, NULL);
}

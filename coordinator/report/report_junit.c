// JUnit's XML, as Ant and Jenkins read it: a suite a test, a case for each case and assertion of a cell's last attempt, and one for the
// cell itself where none of them says what the cell came to. fail is a failure; error, inconc and what has no verdict yet are errors; none
// is skipped. tests/integration/cli/junit.xsd is what the document is held against.
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/units.h"
#include "coordinator/report/markup.h"
#include "coordinator/report/run_report.h"

#define NS_PER_S 1e9

struct suite {
    struct text cases;
    unsigned tests, failures, errors, skipped;
    double seconds;
    int64_t started_wall_ns;
    struct text hosts;
};

static int64_t number(const struct table *table, size_t row, const char *column)
{
    int64_t value;
    return integer_parse(run_report_text(table, row, column), &value) ? value : 0;
}

static void append_attribute(struct text *out, const char *name, const char *value)
{
    text_printf(out, " %s=\"", name);
    markup_append(out, value);
    text_append(out, "\"");
}

// The element that says what a case came to; nothing for pass.
static void append_verdict(struct suite *suite, const struct table *table, size_t row)
{
    const char *verdict = run_report_verdict(table, row), *reason = run_report_text(table, row, "reason");
    const char *element = NULL;
    if (strcmp(verdict, "none") == 0) {
        suite->skipped++;
        element = "skipped";
    } else if (strcmp(verdict, "fail") == 0) {
        suite->failures++;
        element = "failure";
    } else if (strcmp(verdict, "pass") != 0) {
        suite->errors++;
        element = "error";
    }
    if (!element) {
        return;
    }
    text_printf(&suite->cases, "      <%s", element);
    const char *text = run_report_text(table, row, "text");
    append_attribute(&suite->cases, "message", *text ? text : reason);
    if (strcmp(element, "skipped") != 0) {
        struct text type = {0};
        text_printf(&type, "%s%s%s", verdict, *reason ? "." : "", reason);
        append_attribute(&suite->cases, "type", text_string(&type));
        text_free(&type);
    }
    text_append(&suite->cases, "/>\n");
}

static void begin_case(struct suite *suite, const char *class_name, const char *name, double seconds)
{
    suite->tests++;
    text_append(&suite->cases, "    <testcase");
    append_attribute(&suite->cases, "classname", class_name);
    append_attribute(&suite->cases, "name", name);
    text_printf(&suite->cases, " time=\"%.3f\">\n", seconds);
}

// Where what it left is to be found.
static void end_case(struct suite *suite, const char *trial)
{
    text_append(&suite->cases, "      <system-out>evidence: panther-coord explain ");
    markup_append(&suite->cases, trial);
    text_append(&suite->cases, "</system-out>\n    </testcase>\n");
}

static void add_cases(struct suite *suite, const struct run_report *report, const char *class_name, const char *cell, const char *trial)
{
    const struct row_group *group = row_index_find(report->cases_of, trial);
    for (size_t i = 0; i < group->count; i++) {
        size_t row = group->rows[i];
        CLEANUP_FREE char *name =
            memory_printf("%s %s.%s", cell, run_report_text(report->cases, row, "service"), run_report_text(report->cases, row, "case"));
        begin_case(suite, class_name, name, (double)number(report->cases, row, "duration_ns") / NS_PER_S);
        append_verdict(suite, report->cases, row);
        end_case(suite, trial);
    }
}

static void add_assertions(struct suite *suite, const struct run_report *report, const char *class_name, const char *cell,
                           const char *trial)
{
    const struct row_group *group = row_index_find(report->assertions_of, trial);
    for (size_t i = 0; i < group->count; i++) {
        size_t row = group->rows[i];
        CLEANUP_FREE char *name = memory_printf("%s assert %s", cell, run_report_text(report->assertions, row, "assertion"));
        begin_case(suite, class_name, name, 0);
        append_verdict(suite, report->assertions, row);
        end_case(suite, trial);
    }
}

// Does one of the rows say what the cell came to?
static bool says(const struct table *table, const struct row_group *group, const char *verdict)
{
    for (size_t i = 0; i < group->count; i++) {
        if (strcmp(run_report_verdict(table, group->rows[i]), verdict) == 0) {
            return true;
        }
    }
    return false;
}

static void add_cell(struct suite *suite, const struct run_report *report, const char *class_name, size_t row)
{
    const char *full_name = run_report_text(report->cells, row, "name"), *cell = run_report_short_name(full_name), *trial = full_name;
    const char *verdict = run_report_verdict(report->cells, row);
    double seconds = (double)number(report->cells, row, "duration_ms") / 1000;
    int64_t started = number(report->cells, row, "started_wall_ns");
    size_t last;
    bool is_said = false;
    if (run_report_last_trial(report, full_name, &last)) {
        trial = run_report_text(report->trials, last, "name");
        add_cases(suite, report, class_name, cell, trial);
        add_assertions(suite, report, class_name, cell, trial);
        is_said = says(report->cases, row_index_find(report->cases_of, trial), verdict) ||
                  says(report->assertions, row_index_find(report->assertions_of, trial), verdict);
        if (!suite->hosts.length) {
            text_append(&suite->hosts, run_report_text(report->trials, last, "hosts"));
        }
    }
    if (!is_said) {
        begin_case(suite, class_name, cell, seconds);
        append_verdict(suite, report->cells, row);
        end_case(suite, trial);
    }
    suite->seconds += seconds;
    suite->started_wall_ns = suite->started_wall_ns && suite->started_wall_ns < started ? suite->started_wall_ns : started;
}

static void append_suite(struct text *out, const char *test, size_t id, const struct suite *suite)
{
    char stamp[32];
    time_t seconds = (time_t)(suite->started_wall_ns / 1000000000);
    struct tm parts;
    gmtime_r(&seconds, &parts);
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &parts);
    text_append(out, "  <testsuite");
    append_attribute(out, "name", test);
    text_printf(out,
                " id=\"%zu\" package=\"panther\" tests=\"%u\" failures=\"%u\" errors=\"%u\" skipped=\"%u\" time=\"%.3f\" timestamp=\"%s\"",
                id, suite->tests, suite->failures, suite->errors, suite->skipped, suite->seconds, stamp);
    append_attribute(out, "hostname", suite->hosts.length ? text_string(&suite->hosts) : "none");
    text_printf(out, ">\n    <properties/>\n%s    <system-out/>\n    <system-err/>\n  </testsuite>\n", text_string(&suite->cases));
}

// Into the document, whose numbers are those of its suites.
static void end_suite(struct suite *total, const char *test, size_t id, struct suite *suite)
{
    append_suite(&total->cases, test, id, suite);
    total->tests += suite->tests;
    total->failures += suite->failures;
    total->errors += suite->errors;
    total->skipped += suite->skipped;
    total->seconds += suite->seconds;
    text_free(&suite->cases);
    text_free(&suite->hosts);
}

// A suite of their own: a case each.
static void add_gates(struct suite *suite, const struct run_report *report)
{
    CLEANUP_FREE char *class_name = memory_printf("%s.gates", run_report_text(report->run, 0, "experiment"));
    for (size_t row = 0; row < table_count(report->gates); row++) {
        if (run_report_is_gate(report, row)) {
            CLEANUP_FREE char *name =
                memory_printf("%s %s", run_report_text(report->gates, row, "test"), run_report_text(report->gates, row, "gate"));
            begin_case(suite, class_name, name, 0);
            append_verdict(suite, report->gates, row);
            text_append(&suite->cases, "    </testcase>\n");
        }
    }
    suite->started_wall_ns = number(report->run, 0, "started_wall_ns");
}

void run_report_junit(const struct run_report *report, struct text *out)
{
    struct row_index *tests = row_index_new(report->cells, "test");
    struct suite total = {0};
    for (size_t i = 0; i < row_index_count(tests); i++) {
        const char *test = row_index_value(tests, i);
        const struct row_group *cells = row_index_find(tests, test);
        CLEANUP_FREE char *class_name = memory_printf("%s.%s", run_report_text(report->run, 0, "experiment"), test);
        struct suite suite = {0};
        for (size_t cell = 0; cell < cells->count; cell++) {
            add_cell(&suite, report, class_name, cells->rows[cell]);
        }
        end_suite(&total, test, i, &suite);
    }
    if (table_count(report->gates)) {
        struct suite suite = {0};
        add_gates(&suite, report);
        end_suite(&total, "gates", row_index_count(tests), &suite);
    }
    text_append(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites");
    CLEANUP_FREE char *name =
        memory_printf("%s %s", run_report_text(report->run, 0, "name"), run_report_text(report->run, 0, "experiment"));
    append_attribute(out, "name", name);
    text_printf(out, " tests=\"%u\" failures=\"%u\" errors=\"%u\" skipped=\"%u\" time=\"%.3f\">\n%s</testsuites>\n", total.tests,
                total.failures, total.errors, total.skipped, total.seconds, text_string(&total.cases));
    text_free(&total.cases);
    row_index_free(&tests);
}

// A run as a document: which combinations are flaky, and a link of the matrix that opens what it leads to.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
// clang-format on

#include "coordinator/report/plot.h"
#include "coordinator/report/run_report.h"

static struct run_report report;

static void add_cell(const char *test, const char *combination, unsigned repetition, const char *verdict)
{
    char name[96];
    snprintf(name, sizeof name, "r1/%s/%s/%u", test, combination, repetition);
    table_add(report.cells, (const char *const[]){name, test, combination, verdict});
}

static int begin(void **state)
{
    (void)state;
    report = (struct run_report){
        .run = table_new((const char *const[]){"name", "experiment"}, 2),
        .cells = table_new((const char *const[]){"name", "test", "combination", "verdict"}, 4),
        .metrics = table_new((const char *const[]){"trial"}, 1),
    };
    table_add(report.run, (const char *const[]){"r1", "e"});
    add_cell("a", "x", 1, "pass");
    add_cell("a", "y", 1, "pass");
    add_cell("a", "x", 2, "fail");
    add_cell("a", "y", 2, "inconc"); // did not fail
    add_cell("a", "x", 3, "pass");
    add_cell("b", "x", 1, "fail"); // another test
    add_cell("b", "y", 1, NULL);   // runs still
    run_report_index(&report);
    return 0;
}

static int end(void **state)
{
    (void)state;
    run_report_free(&report);
    return 0;
}

static void flaky_is_what_passed_and_failed(void **state)
{
    (void)state;
    size_t count;
    CLEANUP_FREE struct report_flaky *flaky = run_report_flaky(&report, &count);
    assert_int_equal(count, 1);
    assert_string_equal(flaky[0].test, "a");
    assert_string_equal(flaky[0].combination, "x");
    assert_int_equal(flaky[0].passed, 2);
    assert_int_equal(flaky[0].failed, 1);
}

static void every_document_for_people_names_it(void **state)
{
    (void)state;
    static const struct {
        void (*print)(const struct run_report *report, struct text *out);
        const char *line;
    } documents[] = {{run_report_table, "\nflaky\n  a/x: 2 of 3 passed\n"},
                     {run_report_markdown, "| a | x | 2 of 3 |\n"},
                     {run_report_html, "<tr><td>a</td><td>x</td><td>2 of 3</td></tr>\n"}};
    for (size_t i = 0; i < sizeof documents / sizeof *documents; i++) {
        struct text text = {0};
        documents[i].print(&report, &text);
        assert_non_null(strstr(text_string(&text), documents[i].line));
        text_free(&text);
    }
}

// A browser opens the <details> around a target, not one that is the target itself.
static void a_square_leads_into_its_cell(void **state)
{
    (void)state;
    struct text text = {0};
    run_report_html(&report, &text);
    const char *page = text_string(&text), *target = strstr(page, "id=\"r1/a/x/2\"");
    assert_non_null(strstr(page, "<a href=\"#r1/a/x/2\">f</a>"));
    assert_non_null(target);
    const char *around = NULL;
    for (const char *at = page; (at = strstr(at, "</summary>")) && at < target; at++) {
        around = at;
    }
    assert_non_null(around);
    assert_true(strstr(around, "</details>") > target);
    text_free(&text);
}

// Why a cell failed stands there in a colour that is to be read on either ground.
static void what_is_dim_has_a_colour_in_the_dark(void **state)
{
    (void)state;
    struct text text = {0};
    run_report_html(&report, &text);
    const char *dark = strstr(text_string(&text), "prefers-color-scheme:dark");
    assert_non_null(dark);
    assert_non_null(strstr(dark, ".dim{color:"));
    text_free(&text);
}

static void combinations_of_a_plot_are_told_apart(void **state)
{
    (void)state;
    struct sample sample = {0};
    sample_add(&sample, 1);
    const struct plot_group groups[] = {{"server=ngtcp2,client=quic_go,delay=20ms,size=1M", &sample},
                                        {"server=ngtcp2,client=quic_go,delay=20ms,size=10M,congestion=cubic", &sample}};
    struct text text = {0};
    plot_groups(&text, "load: latency", "ms", groups, 2);
    assert_non_null(strstr(text_string(&text), "</title>server=ngtcp2,client=quic_go,delay=20ms,size=1M</text>"));
    assert_non_null(strstr(text_string(&text), "</title>server=ngtcp2,client=quic_go,delay=20ms,size=10M,congest...</text>"));
    assert_non_null(strstr(text_string(&text), "<title>server=ngtcp2,client=quic_go,delay=20ms,size=10M,congestion=cubic</title>"));
    text_free(&text);
    sample_free(&sample);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(flaky_is_what_passed_and_failed, begin, end),
        cmocka_unit_test_setup_teardown(every_document_for_people_names_it, begin, end),
        cmocka_unit_test_setup_teardown(a_square_leads_into_its_cell, begin, end),
        cmocka_unit_test_setup_teardown(what_is_dim_has_a_colour_in_the_dark, begin, end),
        cmocka_unit_test(combinations_of_a_plot_are_told_apart),
    };
    return cmocka_run_group_tests_name("run_report", tests, NULL, NULL);
}

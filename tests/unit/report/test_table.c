// Tables for people: widths, units, colours, lines that fit a terminal.
#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "coordinator/report/table.h"

static struct table *sample(void)
{
    static const char *const columns[] = {"name", "verdict", "attempts_count", "duration_ms", "text"};
    static const char *const rows[][5] = {
        {"r1/load/nginx/1", "pass", "1", "640", ""},
        {"r1/größe/1", "fail", "12", "61500", "first\nsecond\033[2J"},
    };
    struct table *table = table_new(columns, 5);
    for (size_t i = 0; i < 2; i++)
        table_add(table, rows[i]);
    return table;
}

static void expect(const struct table *table, bool colour, size_t width, const char *wanted)
{
    struct text text = {0};
    table_render(table, &text, colour, width);
    assert_string_equal(text_string(&text), wanted);
    text_free(&text);
}

static void plain_table(void **state)
{
    (void)state;
    struct table *table = sample();
    expect(table, false, 0,
           "NAME             VERDICT  ATTEMPTS  DURATION  TEXT\n"
           "r1/load/nginx/1  pass            1     640ms\n"
           "r1/größe/1       fail           12    1m 01s  first second\\x1b[2J\n");
    table_free(&table);
}

static void coloured_table(void **state)
{
    (void)state;
    struct table *table = sample();
    table_show(table, (const char *const[]){"verdict", "name", NULL});
    expect(table, true, 0,
           "\033[1mVERDICT\033[0m  \033[1mNAME\033[0m\n"
           "\033[32mpass\033[0m     r1/load/nginx/1\n"
           "\033[31mfail\033[0m     r1/größe/1\n");
    table_free(&table);
}

static void only_verdicts_and_states_have_a_colour(void **state)
{
    (void)state;
    struct table *table = table_new((const char *const[]){"case", "verdict"}, 2);
    table_add(table, (const char *const[]){"fail", "none"});
    expect(table, true, 0, "\033[1mCASE\033[0m  \033[1mVERDICT\033[0m\nfail  none\n");
    table_free(&table);
}

static void lines_fit_the_terminal(void **state)
{
    (void)state;
    struct table *table = sample();
    expect(table, false, 30,
           "NAME             VERDICT  ATTE\n"
           "r1/load/nginx/1  pass\n"
           "r1/größe/1       fail\n");
    expect(table, false, 50,
           "NAME             VERDICT  ATTEMPTS  DURATION  TEXT\n"
           "r1/load/nginx/1  pass            1     640ms\n"
           "r1/größe/1       fail           12    1m 01s  firs\n");
    expect(table, false, 3, "NAM\nr1/\nr1/\n");
    table_free(&table);
}

static void wide_characters_keep_columns_straight(void **state)
{
    (void)state;
    struct table *table = table_new((const char *const[]){"name", "by"}, 2);
    table_add(table, (const char *const[]){"日本", "a"});
    table_add(table, (const char *const[]){"plain", "b"});
    expect(table, false, 0, "NAME   BY\n日本   a\nplain  b\n");
    table_free(&table);
}

static void an_empty_table_has_its_heading(void **state)
{
    (void)state;
    struct table *table = table_new((const char *const[]){"name", "started_wall_ns"}, 2);
    expect(table, false, 0, "NAME  STARTED\n");
    assert_int_equal(table_count(table), 0);
    table_free(&table);
}

static void unknown_columns_are_not_shown(void **state)
{
    (void)state;
    struct table *table = sample();
    table_show(table, (const char *const[]){"nothing", "name", NULL});
    expect(table, false, 0, "NAME\nr1/load/nginx/1\nr1/größe/1\n");
    assert_null(table_value(table, 0, "nothing"));
    assert_string_equal(table_value(table, 1, "attempts_count"), "12");
    table_free(&table);
}

static void missing_values_are_empty(void **state)
{
    (void)state;
    struct table *table = table_new((const char *const[]){"name", "text"}, 2);
    table_add(table, (const char *const[]){NULL, NULL});
    expect(table, false, 0, "NAME  TEXT\n\n");
    table_free(&table);
}

static void shows(const char *column, const char *value, const char *wanted)
{
    char text[64];
    report_value(column, value, text, sizeof text);
    assert_string_equal(text, wanted);
}

static void values_by_the_unit_of_their_column(void **state)
{
    (void)state;
    setenv("TZ", "UTC", 1);
    shows("duration_ms", "2410", "2.41s");
    shows("duration_ns", "37000000", "37ms");
    shows("size_bytes", "1572864", "1.5MiB");
    shows("wall_ns", "1700000000123000000", "11-14 22:13:20.123");
    shows("started_wall_ns", "1700000000123000000", "11-14 22:13:20.123");
    shows("cells_count", "40", "40");
    shows("clock_offset_us", "-3", "-3");
    shows("duration_ms", "", "");
    shows("duration_ms", "soon", "soon");
    shows("name", "007", "007"); // a name of digits is no number
}

static void headings(void **state)
{
    (void)state;
    static const char *const cases[][2] = {{"duration_ms", "DURATION"}, {"wall_ns", "TIME"}, {"why_not", "WHY NOT"},
                                           {"size_bytes", "SIZE"},      {"_count", "COUNT"}, {"started_wall_ns", "STARTED"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[32];
        report_heading(cases[i][0], text, sizeof text);
        assert_string_equal(*text == ' ' ? text + 1 : text, cases[i][1]);
    }
}

// A file is not a terminal, a pseudo terminal is; NO_COLOR and TERM=dumb are respected, an empty NO_COLOR is none (no-color.org).
static void colour_is_for_terminals(void **state)
{
    (void)state;
    unsetenv("NO_COLOR");
    setenv("TERM", "xterm", 1);
    FILE *file = fopen("/dev/null", "w");
    assert_false(report_wants_colour(file));
    fclose(file);
    int ours, theirs;
    assert_int_equal(openpty(&ours, &theirs, NULL, NULL, NULL), 0);
    FILE *terminal = fdopen(theirs, "w");
    assert_true(report_wants_colour(terminal));
    setenv("NO_COLOR", "", 1);
    assert_true(report_wants_colour(terminal));
    setenv("NO_COLOR", "1", 1);
    assert_false(report_wants_colour(terminal));
    unsetenv("NO_COLOR");
    setenv("TERM", "dumb", 1);
    assert_false(report_wants_colour(terminal));
    fclose(terminal);
    close(ours);
}

static void formats_have_names(void **state)
{
    (void)state;
    enum report_format format = REPORT_TABLE;
    assert_true(report_format_parse("jsonl", &format));
    assert_int_equal(format, REPORT_JSONL);
    assert_false(report_format_parse("xml", &format));
    assert_false(report_format_parse("", &format));
    assert_int_equal(format, REPORT_JSONL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_table),
        cmocka_unit_test(coloured_table),
        cmocka_unit_test(only_verdicts_and_states_have_a_colour),
        cmocka_unit_test(lines_fit_the_terminal),
        cmocka_unit_test(wide_characters_keep_columns_straight),
        cmocka_unit_test(an_empty_table_has_its_heading),
        cmocka_unit_test(unknown_columns_are_not_shown),
        cmocka_unit_test(missing_values_are_empty),
        cmocka_unit_test(values_by_the_unit_of_their_column),
        cmocka_unit_test(headings),
        cmocka_unit_test(colour_is_for_terminals),
        cmocka_unit_test(formats_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

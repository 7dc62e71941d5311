// What tested programs print, before a terminal sees it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "coordinator/report/readable.h"

static void expect_line(const char *value, const char *wanted)
{
    char line[256];
    readable_line(value, line, sizeof line);
    assert_string_equal(line, wanted);
}

static void text_stays_as_it_is(void **state)
{
    (void)state;
    expect_line("", "");
    expect_line("noop: as asked", "noop: as asked");
    expect_line("größer, 日本, \U0001F600", "größer, 日本, \U0001F600");
}

static void a_line_stays_one_line(void **state)
{
    (void)state;
    expect_line("first\nsecond\r\n\tthird", "first second   third");
}

static void escape_sequences_are_shown_not_obeyed(void **state)
{
    (void)state;
    expect_line("\033[2J\033]0;title\007", "\\x1b[2J\\x1b]0;title\\x07");
    expect_line("a\bb\177", "a\\x08b\\x7f");
    expect_line("\xc2\x9b"
                "31m", // U+009B is ESC [ in one character
                "\\xc2\\x9b31m");
}

static void turned_writing_direction_is_shown(void **state)
{
    (void)state;
    expect_line("\u202egnp.exe", "\\xe2\\x80\\xaegnp.exe");
    expect_line("\u2066x", "\\xe2\\x81\\xa6x");
}

static void bytes_that_are_no_utf8_are_shown_as_bytes(void **state)
{
    (void)state;
    expect_line("\xff\xfe", "\\xff\\xfe");
    expect_line("\xc0\xaf", "\\xc0\\xaf");                   // overlong
    expect_line("\xed\xa0\x80", "\\xed\\xa0\\x80");          // a surrogate
    expect_line("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"); // beyond U+10FFFF
    expect_line("\xe6\x97", "\\xe6\\x97");                   // cut in the middle
    expect_line("\xe6\x97zw", "\\xe6\\x97zw");               // goes on as something else
    expect_line("\x9b", "\\x9b");                            // a continuation alone
}

static void a_long_value_ends_at_a_whole_character(void **state)
{
    (void)state;
    char line[6];
    readable_line("abcd日本", line, sizeof line);
    assert_string_equal(line, "abcd");
    readable_line("ab日本", line, sizeof line);
    assert_string_equal(line, "ab日");
    readable_line("abc\033", line, sizeof line); // the four bytes of \x1b do not fit
    assert_string_equal(line, "abc");
}

static void whole_output_keeps_its_lines(void **state)
{
    (void)state;
    struct text text = {0};
    static const char output[] = "one\n\ttwo\033[31m\n\0three\n";
    readable_append(&text, output, sizeof output - 1);
    assert_string_equal(text_string(&text), "one\n\ttwo\\x1b[31m\n\\x00three\n");
    text_free(&text);
}

static void repaired_utf8(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *wanted;
    } cases[] = {{"", ""}, {"\033ok\n", "\033ok\n"}, {"a\xff日", "a\ufffd日"}, {"\xe6\x97", "\ufffd\ufffd"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *repaired = readable_utf8(cases[i].bytes, strlen(cases[i].bytes));
        assert_string_equal(repaired, cases[i].wanted);
        free(repaired);
    }
}

static void width_in_columns(void **state)
{
    (void)state;
    assert_int_equal(readable_width(""), 0);
    assert_int_equal(readable_width("grün"), 4);
    assert_int_equal(readable_width("日本"), 4);
    assert_int_equal(readable_width("e\u0301"), 1); // a combining accent
    assert_int_equal(readable_width("\U0001F600!"), 3);
}

static void cut_at_columns(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t width;
        const char *wanted;
    } cases[] = {{"abc", 5, "abc"}, {"abc", 2, "ab"}, {"abc", 0, ""}, {"日本", 3, "日"}, {"grün", 3, "grü"}, {"e\u0301x", 1, "e\u0301"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[32];
        strcpy(text, cases[i].text);
        readable_cut(text, cases[i].width);
        assert_string_equal(text, cases[i].wanted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_stays_as_it_is),
        cmocka_unit_test(a_line_stays_one_line),
        cmocka_unit_test(escape_sequences_are_shown_not_obeyed),
        cmocka_unit_test(turned_writing_direction_is_shown),
        cmocka_unit_test(bytes_that_are_no_utf8_are_shown_as_bytes),
        cmocka_unit_test(a_long_value_ends_at_a_whole_character),
        cmocka_unit_test(whole_output_keeps_its_lines),
        cmocka_unit_test(repaired_utf8),
        cmocka_unit_test(width_in_columns),
        cmocka_unit_test(cut_at_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// Names that people paste and ids that machines compare.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/identity.h"

static void a_full_name_comes_back_as_it_was_written(void **state)
{
    (void)state;
    static const char *const names[] = {
        "r142",
        "@last",
        "@last/load",
        "r142/load",
        "r142/load/2",
        "r142/load/2#1",
        "r142/load/nginx,20ms",
        "r142/load/nginx,20ms/2",
        "r142/load/nginx,20ms/2#1",
        "r142/load/nginx,20ms/2#1/server",
        "r142/load/nginx,20ms/2#1/server/nginx.stderr",
        "r142/load/2/server/qlog/a.qlog",
        "r142/load/20/1/server",
        "r18446744073709551615/a/4294967295#4294967295/b",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct full_name name;
        struct panther_error error;
        char text[2 * FULL_NAME_MAX_BYTES];
        assert_int_equal(full_name_parse(names[i], &name, &error), 0);
        full_name_format(&name, text, sizeof text);
        assert_string_equal(text, names[i]);
    }
}

static void the_parts_are_told_apart(void **state)
{
    (void)state;
    struct full_name name;
    assert_int_equal(full_name_parse("r142/load/nginx,20ms/2#3/server/nginx.stderr", &name, NULL), 0);
    assert_int_equal(name.run, 142);
    assert_false(name.is_last);
    assert_string_equal(name.test, "load");
    assert_string_equal(name.combination, "nginx,20ms");
    assert_int_equal(name.repetition, 2);
    assert_int_equal(name.attempt, 3);
    assert_string_equal(name.service, "server");
    assert_string_equal(name.stream, "nginx.stderr");
    // a number after the test is a repetition, unless another number follows: then the axis had numbers for values
    assert_int_equal(full_name_parse("r1/load/20", &name, NULL), 0);
    assert_int_equal(name.repetition, 20);
    assert_int_equal(full_name_parse("r1/load/20/3", &name, NULL), 0);
    assert_string_equal(name.combination, "20");
    assert_int_equal(name.repetition, 3);
}

static void what_is_no_name_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "142",
        "r",
        "r0",
        "r1x",
        "r-1",
        "last",
        "@first",
        "r1/Load",
        "r1//2",
        "r1/load/a/b",
        "r1/load/#1",
        "r1/load/2#",
        "r1/load/2#0",
        "r1/load/2#x",
        "r1/load/2/Big",
        "r99999999999999999999",
        "r1/load/2#4294967296",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct full_name name = {.run = 7};
        struct panther_error error = {0};
        assert_true(full_name_parse(wrong[i], &name, &error) < 0);
        assert_int_equal(name.run, 7);
        assert_true(error.message[0] != '\0');
    }
    char large[2000];
    memset(large, 'a', sizeof large);
    memcpy(large, "r1/t/", 5);
    large[sizeof large - 1] = '\0';
    struct full_name name;
    assert_int_equal(full_name_parse(large, &name, NULL), PANTHER_ELIMIT);
    memcpy(large, "r1/t/2/s/", 9);
    assert_int_equal(full_name_parse(large, &name, NULL), PANTHER_ELIMIT);
}

static void a_name_that_does_not_fit_is_cut_inside_the_buffer(void **state)
{
    (void)state;
    struct full_name name;
    assert_int_equal(full_name_parse("r142/load/nginx,20ms/2#1/server/x", &name, NULL), 0);
    for (size_t bytes = 1; bytes < 40; bytes++) {
        char text[64];
        memset(text, 'Z', sizeof text);
        full_name_format(&name, text, bytes);
        assert_true(strlen(text) < bytes);
        assert_int_equal(text[bytes], 'Z');
    }
}

static void names_are_lower_case_and_short(void **state)
{
    (void)state;
    assert_true(name_is_valid("lab-a"));
    assert_true(name_is_valid("9p_x.y"));
    assert_false(name_is_valid(NULL));
    assert_false(name_is_valid(""));
    assert_false(name_is_valid("-a"));
    assert_false(name_is_valid("A"));
    assert_false(name_is_valid("a/b"));
    assert_false(name_is_valid("a b"));
    char text[NAME_MAX_BYTES + 1];
    memset(text, 'a', sizeof text);
    text[NAME_MAX_BYTES - 1] = '\0';
    assert_true(name_is_valid(text));
    text[NAME_MAX_BYTES - 1] = 'a';
    text[NAME_MAX_BYTES] = '\0';
    assert_false(name_is_valid(text));
}

static void ids_are_32_hex_digits(void **state)
{
    (void)state;
    uint8_t bytes[16];
    char text[ID128_TEXT_BYTES];
    for (uint8_t i = 0; i < 16; i++)
        bytes[i] = (uint8_t)(i * 17);
    id128_text(bytes, text);
    assert_string_equal(text, "00112233445566778899aabbccddeeff");
    assert_true(id128_is_valid(text));
    text[3] = 'F';
    assert_false(id128_is_valid(text));
    assert_false(id128_is_valid("0011"));
    assert_false(id128_is_valid(NULL));
}

static void streams_of_shells(void **state)
{
    (void)state;
    assert_true(stream_is_of_shell("shell.1.output"));
    assert_true(stream_is_of_shell("shell.12.input"));
    assert_false(stream_is_of_shell("shell.stdout")); // of a process of that name
    assert_false(stream_is_of_shell("shell.2.stderr"));
    assert_false(stream_is_of_shell("web.output"));
    assert_false(stream_is_of_shell(".output"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_name_comes_back_as_it_was_written),
        cmocka_unit_test(the_parts_are_told_apart),
        cmocka_unit_test(what_is_no_name_is_refused_and_changes_nothing),
        cmocka_unit_test(a_name_that_does_not_fit_is_cut_inside_the_buffer),
        cmocka_unit_test(names_are_lower_case_and_short),
        cmocka_unit_test(ids_are_32_hex_digits),
        cmocka_unit_test(streams_of_shells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// Lines, patterns, printable text, and the order and deadlines of commands.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/guard/commands.h"
#include "agent/guard/lines.h"
#include "agent/guard/pattern.h"
#include "agent/guard/printable.h"
#include "agent/guard/read_times.h"
#include "common/base/memory.h"
#include "common/system/loop.h"

// ---- lines

struct seen {
    struct text text;
    uint64_t offsets[64];
    size_t count;
};

static void see(void *context, const char *line, size_t bytes, uint64_t offset)
{
    struct seen *seen = context;
    text_append_bytes(&seen->text, line, bytes);
    text_append(&seen->text, "|");
    seen->offsets[seen->count++] = offset;
}

// However the bytes are cut, the lines and their places are the same.
static void cuts_do_not_matter(void **state)
{
    (void)state;
    static const char data[] = "first\n\nthird line\nno end";
    for (size_t piece = 1; piece < sizeof data; piece++) {
        struct lines lines = {0};
        struct seen seen = {0};
        for (size_t at = 0; at < sizeof data - 1; at += piece)
            lines_add(&lines, data + at, sizeof data - 1 - at < piece ? sizeof data - 1 - at : piece, see, &seen);
        lines_end(&lines, see, &seen);
        assert_string_equal(text_string(&seen.text), "first||third line|no end|");
        assert_int_equal(seen.count, 4);
        assert_int_equal(seen.offsets[0], 0);
        assert_int_equal(seen.offsets[1], 6);
        assert_int_equal(seen.offsets[2], 7);
        assert_int_equal(seen.offsets[3], 18);
        text_free(&seen.text);
    }
}

static void long_line_comes_in_pieces(void **state)
{
    (void)state;
    size_t bytes = 2 * LINE_MAX_BYTES + 10;
    char *data = memory_new(bytes + 1);
    memset(data, 'x', bytes);
    data[bytes - 1] = '\n';
    for (size_t piece = 100; piece <= bytes; piece += 4999) {
        struct lines lines = {0};
        struct seen seen = {0};
        for (size_t at = 0; at < bytes; at += piece)
            lines_add(&lines, data + at, bytes - at < piece ? bytes - at : piece, see, &seen);
        assert_int_equal(seen.count, 3);
        assert_int_equal(seen.offsets[1], LINE_MAX_BYTES);
        assert_int_equal(seen.offsets[2], 2 * LINE_MAX_BYTES);
        assert_int_equal(seen.text.length, bytes - 1 + 3);
        assert_int_equal(lines.bytes, 0);
        assert_int_equal(lines.offset, bytes);
        text_free(&seen.text);
    }
    free(data);
}

// ---- patterns

static bool matches(const char *text, bool is_regex, const char *line, size_t bytes)
{
    struct pattern *pattern;
    assert_int_equal(pattern_new(&pattern, text, is_regex, NULL), 0);
    bool result = pattern_matches(pattern, line, bytes);
    pattern_free(&pattern);
    return result;
}

static void patterns_match_lines_by_length(void **state)
{
    (void)state;
    assert_true(matches("b\\.c", true, "a b.c d", 7));
    assert_false(matches("b\\.c", true, "a bxc d", 7));
    assert_true(matches("b.c", false, "a b.c d", 7));
    assert_false(matches("b.c", false, "a bxc d", 7));
    assert_true(matches("^end$", true, "end and more", 3)); // what stands behind is not of the line
    assert_false(matches("more", false, "end and more", 3));
    assert_true(matches("after", false, "be\0after", 8)); // NUL bytes are bytes
    assert_true(matches("af[t]er$", true, "be\0after", 8));
}

static void broken_expression_is_named(void **state)
{
    (void)state;
    struct pattern *pattern = NULL;
    struct panther_error error;
    assert_int_equal(pattern_new(&pattern, "(a", true, &error), PANTHER_EINVALID);
    assert_non_null(strstr(error.message, "\"(a\""));
    assert_null(pattern);
    assert_int_equal(pattern_new(&pattern, "(a", false, &error), 0);
    pattern_free(&pattern);
}

static void expect_printable(const char *bytes, size_t count, size_t max, const char *expected)
{
    CLEANUP_FREE char *text = printable(bytes, count, max);
    assert_string_equal(text, expected);
}

static void text_becomes_valid_utf8(void **state)
{
    (void)state;
    expect_printable("plain\ttext\n", 11, 100, "plain\ttext\n");
    expect_printable("a\0b\033[1m\177", 8, 100, "a?b?[1m?");
    expect_printable("gr\xc3\xbcn \xe2\x82\xac \xf0\x9f\x98\x80", 14, 100, "gr\xc3\xbcn \xe2\x82\xac \xf0\x9f\x98\x80");
    expect_printable("\xc3", 1, 100, "?");                     // cut in the middle
    expect_printable("\xc0\xaf\xed\xa0\x80", 5, 100, "?????"); // overlong, surrogate
    expect_printable("\xf4\x90\x80\x80", 4, 100, "????");      // above U+10FFFF
    expect_printable("ab\xe2\x82\xac", 5, 4, "ab");            // no half character at the limit
    expect_printable("", 0, 10, "");
}

// ---- commands

static Pb__Command *command(uint32_t number, Pb__Command__BodyCase kind)
{
    static Pb__Command made;
    static Pb__RunCase run;
    static char name[] = "case";
    pb__command__init(&made);
    pb__run_case__init(&run);
    run.name = name;
    run.timeout_ms = 50;
    made.number = number;
    made.body_case = kind;
    if (kind == PB__COMMAND__BODY_RUN_CASE)
        made.run_case = &run;
    return &made;
}

static void overdue(void *context, const struct command *late)
{
    *(uint32_t *)context = late->number;
}

static void commands_are_taken_in_order_once(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    Pb__Initialize initialize;
    uint32_t late = 0;
    pb__initialize__init(&initialize);
    struct commands *commands = commands_new(loop, &initialize, overdue, &late);
    assert_null(commands_first(commands));
    assert_int_equal(commands_take(commands, command(2, PB__COMMAND__BODY_START), NULL), PANTHER_ESTATE);
    assert_int_equal(commands_take(commands, command(1, PB__COMMAND__BODY_INITIALIZE), NULL), 0);
    assert_int_equal(commands_take(commands, command(1, PB__COMMAND__BODY_INITIALIZE), NULL), PANTHER_EEXISTS);
    uint32_t number = 2;
    while (commands_take(commands, command(number, PB__COMMAND__BODY_RUN_CASE), NULL) == 0)
        number++;
    assert_int_equal(number, COMMANDS_OPEN_MAX + 1);
    assert_int_equal(commands_take(commands, command(number, PB__COMMAND__BODY_RUN_CASE), NULL), PANTHER_ELIMIT);
    commands_answered(commands, 5); // out of order
    assert_null(commands_find(commands, 5));
    assert_int_equal(commands_first(commands)->number, 1);
    for (uint32_t i = 1; i < number; i++)
        if (i != 5) {
            assert_int_equal(commands_first(commands)->number, i);
            commands_answered(commands, i);
        }
    assert_null(commands_first(commands));
    assert_int_equal(commands_take(commands, command(number, PB__COMMAND__BODY_RUN_CASE), NULL), 0); // around the end
    assert_string_equal(commands_first(commands)->name, "case");
    commands_free(&commands);
    loop_free(&loop);
}

static void deadline_runs_from_being_first(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    Pb__Initialize initialize;
    uint32_t late = 0;
    pb__initialize__init(&initialize);
    initialize.initialize_ms = 60000;
    struct commands *commands = commands_new(loop, &initialize, overdue, &late);
    commands_take(commands, command(1, PB__COMMAND__BODY_INITIALIZE), NULL);
    commands_take(commands, command(2, PB__COMMAND__BODY_RUN_CASE), NULL);
    loop_run_once(loop, 0);
    assert_int_equal(late, 0);
    uint64_t begin_ns = clock_boottime_ns();
    commands_answered(commands, 1);
    commands_hold(commands, true); // held by the guard: no deadline
    loop_run_once(loop, 10);
    commands_hold(commands, false);
    while (late == 0 && clock_boottime_ns() - begin_ns < 10000000000)
        loop_run_once(loop, 1000);
    assert_int_equal(late, 2);
    assert_true(clock_boottime_ns() - begin_ns >= 2050000000); // its time and the grace
    commands_free(&commands);
    loop_free(&loop);
}

// ---- when what was read

static void times_of_reads_that_follow_each_other_are_one(void **state)
{
    (void)state;
    struct read_times times = {0};
    uint64_t numbers[3 * READ_TIMES_MAX];
    read_times_add(&times, 5000000, 10);
    read_times_add(&times, 5150000, 20);
    read_times_add(&times, 9000000, 7);
    assert_int_equal(read_times_numbers(&times, numbers), 6);
    const uint64_t wanted[6] = {30, 5000, 150, 7, 3850, 0};
    assert_memory_equal(numbers, wanted, sizeof wanted);
}

// Whatever a program prints, the parts stay few, hold every byte, and each lies between its times.
static void times_stay_bounded_and_true(void **state)
{
    (void)state;
    enum { READS = 20000, PAUSE_EVERY = 1000 };
    static uint64_t read_us[READS];
    struct read_times times = {0};
    uint64_t numbers[3 * READ_TIMES_MAX], now_ns = 1000000000, at = 0, time_us = 0;
    for (size_t i = 0; i < READS; i++) {
        now_ns += i % PAUSE_EVERY ? 300000 : 5000000000;
        read_us[i] = now_ns / 1000;
        read_times_add(&times, now_ns, 1);
    }
    size_t count = read_times_numbers(&times, numbers);
    assert_in_range(count, 3 * 20, 3 * READ_TIMES_MAX);
    for (size_t part = 0; part < count; part += 3) {
        uint64_t first_us = time_us + numbers[part + 1];
        time_us = first_us + numbers[part + 2];
        assert_int_equal(read_us[at], first_us);
        at += numbers[part];
        assert_int_equal(read_us[at - 1], time_us);
        assert_true(numbers[part + 2] < 5000000); // a pause is never inside
    }
    assert_int_equal(at, READS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cuts_do_not_matter),
        cmocka_unit_test(long_line_comes_in_pieces),
        cmocka_unit_test(patterns_match_lines_by_length),
        cmocka_unit_test(broken_expression_is_named),
        cmocka_unit_test(text_becomes_valid_utf8),
        cmocka_unit_test(commands_are_taken_in_order_once),
        cmocka_unit_test(deadline_runs_from_being_first),
        cmocka_unit_test(times_of_reads_that_follow_each_other_are_one),
        cmocka_unit_test(times_stay_bounded_and_true),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// A client of a shell: what is typed goes once and in order, whatever answers are lost; output comes once; ~. leaves.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/memory.h"
#include "coordinator/cli/shell_turns.h"

static Pb__ShellTurned answer(uint64_t taken, uint64_t offset, const char *output)
{
    Pb__ShellTurned turned = PB__SHELL_TURNED__INIT;
    turned.shell = 7;
    turned.input_taken = taken;
    turned.output_offset = offset;
    turned.output.data = (uint8_t *)(uintptr_t)output;
    turned.output.len = strlen(output);
    return turned;
}

static void take(struct shell_turns *turns, Pb__ShellTurned turned, const char *expected)
{
    size_t bytes;
    const uint8_t *data = shell_turns_take(turns, &turned, &bytes);
    assert_int_equal(bytes, strlen(expected));
    if (bytes)
        assert_memory_equal(data, expected, bytes);
}

static struct shell_turns *begin(Pb__ShellBegin *how)
{
    struct shell_turns *turns = NEW(struct shell_turns);
    pb__shell_begin__init(how);
    turns->shell = 7;
    turns->begin = how;
    return turns;
}

static void expect_turn(struct shell_turns *turns, uint64_t offset, const char *input)
{
    Pb__ShellTurn turn;
    assert_true(shell_turns_next(turns, &turn));
    assert_int_equal(turn.input_offset, offset);
    assert_int_equal(turn.input.len, strlen(input));
    assert_memory_equal(turn.input.data, input, strlen(input));
}

static void it_begins_and_types(void **state)
{
    (void)state;
    Pb__ShellBegin how;
    Pb__ShellTurn turn;
    struct shell_turns *turns = begin(&how);
    assert_true(shell_turns_next(turns, &turn));
    assert_ptr_equal(turn.begin, &how);
    shell_turns_type(turns, "ab", 2);
    assert_false(shell_turns_next(turns, &turn)); // nothing overtakes the begin
    take(turns, answer(0, 0, "$ "), "$ ");
    assert_true(shell_turns_next(turns, &turn));
    assert_null(turn.begin);
    assert_int_equal(turn.output_offset, 2);
    assert_int_equal(turn.input.len, 2);
    assert_false(shell_turns_next(turns, &turn)); // one waits, nothing is new
    shell_turns_type(turns, "c", 1);
    expect_turn(turns, 2, "c");
    shell_turns_type(turns, "d", 1);
    assert_false(shell_turns_next(turns, &turn)); // two are enough
    take(turns, answer(2, 2, ""), "");
    expect_turn(turns, 3, "d");
    take(turns, answer(3, 2, "abc"), "abc");
    take(turns, answer(4, 2, "abcd"), "d"); // said again with more: only that
    take(turns, answer(4, 2, "ab"), "");    // an old one
    free(turns);
}

static void what_is_not_taken_is_sent_again(void **state)
{
    (void)state;
    Pb__ShellBegin how;
    Pb__ShellTurn turn;
    struct shell_turns *turns = begin(&how);
    expect_turn(turns, 0, "");
    take(turns, answer(0, 0, ""), "");
    shell_turns_type(turns, "abcd", 4);
    expect_turn(turns, 0, "abcd");
    shell_turns_type(turns, "ef", 2);
    expect_turn(turns, 4, "ef");
    take(turns, answer(1, 0, ""), ""); // there was room for one; "ef" came behind a hole
    assert_false(shell_turns_next(turns, &turn));
    take(turns, answer(1, 0, ""), "");
    expect_turn(turns, 1, "bcdef");
    shell_turns_lost(turns);
    expect_turn(turns, 1, "bcdef");
    take(turns, answer(6, 0, ""), "");
    expect_turn(turns, 6, "");
    shell_turns_unanswered(turns);
    expect_turn(turns, 6, "");
    turns->columns = 80; // a window that changed is said at once
    assert_true(shell_turns_next(turns, &turn));
    assert_int_equal(turn.columns, 80);
    free(turns);
}

static void its_end_is_said_with_the_last_of_it(void **state)
{
    (void)state;
    static const char much[SHELL_PIECE_MAX_BYTES] = {'x'};
    Pb__ShellBegin how;
    Pb__ShellTurn turn;
    struct shell_turns *turns = begin(&how);
    expect_turn(turns, 0, "");
    take(turns, answer(0, 0, ""), "");
    shell_turns_type(turns, much, sizeof much);
    shell_turns_type(turns, "end", 3);
    shell_turns_type_end(turns);
    assert_int_equal(shell_turns_room(turns), 0);
    assert_true(shell_turns_next(turns, &turn));
    assert_int_equal(turn.input.len, sizeof much);
    assert_false(turn.input_ends);
    assert_true(shell_turns_next(turns, &turn));
    assert_true(turn.input_ends);
    shell_turns_lost(turns);
    take(turns, answer(sizeof much, 0, ""), "");
    assert_true(shell_turns_next(turns, &turn));
    assert_true(turn.input_ends);
    Pb__ShellTurned last = answer(sizeof much + 3, 0, "bye");
    last.ended = true;
    take(turns, last, "bye");
    assert_true(turns->ended);
    assert_false(shell_turns_next(turns, &turn));
    free(turns);
}

static void escapes(void **state)
{
    (void)state;
    static const struct {
        const char *typed, *passed;
        bool leaves;
    } cases[] = {{"ls ~.\r", "ls ~.\r", false}, {"~.", "", true},      {"ls\r~.x", "ls\r", true},
                 {"~~.\r", "~.\r", false},      {"~/x", "~/x", false}, {"a\n~~~.", "a\n~~.", false},
                 {"~\r~.", "~\r", true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct shell_escape escape = {0};
        char out[32];
        size_t bytes = 0;
        bool leaves = false;
        for (const char *key = cases[i].typed; *key && !leaves; key++) // as a person types
            bytes += shell_escape_pass(&escape, key, 1, out + bytes, &leaves);
        assert_int_equal(leaves, cases[i].leaves);
        assert_int_equal(bytes, strlen(cases[i].passed));
        assert_memory_equal(out, cases[i].passed, bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(it_begins_and_types), cmocka_unit_test(what_is_not_taken_is_sent_again),
                                       cmocka_unit_test(its_end_is_said_with_the_last_of_it), cmocka_unit_test(escapes)};
    return cmocka_run_group_tests_name("shell_turns", tests, NULL, NULL);
}

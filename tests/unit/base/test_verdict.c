// The scale of verdicts, their names, and moves along a table of states.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/lifecycle.h"
#include "common/base/memory.h"
#include "common/base/verdict.h"

static void every_verdict_and_reason_has_a_name_that_reads_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < pb__verdict__descriptor.n_values; i++) {
        int value = pb__verdict__descriptor.values[i].value, parsed = -1;
        assert_true(verdict_parse(verdict_name(value), &parsed));
        assert_int_equal(parsed, value);
    }
    for (size_t i = 0; i < pb__reason__descriptor.n_values; i++) {
        int value = pb__reason__descriptor.values[i].value, parsed = -1;
        assert_string_not_equal(reason_name(value), "invalid");
        assert_int_equal(reason_parse(reason_name(value), &parsed), value != REASON_UNSPECIFIED);
        assert_int_equal(parsed, value != REASON_UNSPECIFIED ? value : -1);
    }
    int verdict;
    assert_true(verdict_parse("inconclusive", &verdict) && verdict == VERDICT_INCONC);
    assert_false(verdict_parse("passed", &verdict));
    assert_false(verdict_parse("", &verdict));
    assert_string_equal(verdict_name(99), "invalid");
    assert_string_equal(verdict_name(-1), "invalid");
    assert_string_equal(reason_name(99), "invalid");
    assert_string_equal(reason_name(REASON_UNSPECIFIED), "");
}

static void worse_is_ttcn3s_order(void **state)
{
    (void)state;
    static const int order[] = {VERDICT_NONE, VERDICT_PASS, VERDICT_INCONC, VERDICT_FAIL, VERDICT_ERROR};
    for (int left = 0; left < 5; left++) {
        for (int right = 0; right < 5; right++)
            assert_int_equal(verdict_is_worse(order[left], order[right]), left > right);
    }
}

static const char *const names[] = {"waiting", "running", "ended"};
static const uint32_t next[] = {LIFECYCLE_TO(1) | LIFECYCLE_TO(2), LIFECYCLE_TO(2), 0};
static const struct lifecycle lifecycle = {.noun = "door", .count = 3, .names = names, .next = next, .final = LIFECYCLE_TO(2)};

static void only_the_table_allows(void **state)
{
    (void)state;
    unsigned at = 0;
    assert_true(lifecycle_allows(&lifecycle, 0, 2));
    assert_false(lifecycle_allows(&lifecycle, 1, 0));
    assert_false(lifecycle_allows(&lifecycle, 0, 0));
    lifecycle_move(&lifecycle, &at, 1);
    lifecycle_move(&lifecycle, &at, 2);
    assert_int_equal(at, 2);
    assert_true(lifecycle_is_final(&lifecycle, at));
    assert_false(lifecycle_is_final(&lifecycle, 1));
    assert_string_equal(lifecycle_name(&lifecycle, 1), "running");
    assert_string_equal(lifecycle_name(&lifecycle, 9), "invalid");
}

static void a_lifecycle_prints_itself(void **state)
{
    (void)state;
    struct text text = {0};
    lifecycle_print(&lifecycle, &text);
    assert_string_equal(text_string(&text), "waiting -> running, ended\nrunning -> ended\nended (end)\n");
    text_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_verdict_and_reason_has_a_name_that_reads_back),
        cmocka_unit_test(worse_is_ttcn3s_order),
        cmocka_unit_test(only_the_table_allows),
        cmocka_unit_test(a_lifecycle_prints_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

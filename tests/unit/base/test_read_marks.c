// Marks of when bytes of a stream were seen: what is asked of them, and what is left of too many.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
// clang-format on

#include "common/base/read_marks.h"

static void byte_has_the_time_of_the_next_mark(void **state)
{
    (void)state;
    struct read_marks marks = {0};
    assert_int_equal(read_marks_time_us(&marks, 0), 0);
    read_marks_add(&marks, 10, 100);
    read_marks_add(&marks, 10, 150); // nothing new
    read_marks_add(&marks, 30, 90);  // time does not go back
    assert_int_equal(read_marks_time_us(&marks, 0), 100);
    assert_int_equal(read_marks_time_us(&marks, 9), 100);
    assert_int_equal(read_marks_time_us(&marks, 10), 100);
    read_marks_add(&marks, 40, 300);
    assert_int_equal(read_marks_time_us(&marks, 30), 300);
    assert_int_equal(read_marks_time_us(&marks, 40), 0);
}

static void marks_of_a_piece_are_enough_for_it(void **state)
{
    (void)state;
    struct read_marks marks = {0}, copy = {0};
    uint64_t numbers[2 * READ_MARKS_MAX];
    read_marks_add(&marks, 10, 100);
    read_marks_add(&marks, 20, 200);
    read_marks_add(&marks, 30, 300);
    assert_int_equal(read_marks_between(&marks, 10, 10, numbers), 0);
    assert_int_equal(read_marks_between(&marks, 10, 20, numbers), 2);
    assert_int_equal(read_marks_between(&marks, 10, 21, numbers), 4);
    assert_int_equal(read_marks_between(&marks, 30, 90, numbers), 0);
    size_t count = read_marks_between(&marks, 5, 90, numbers);
    assert_int_equal(count, 6);
    read_marks_take(&copy, numbers, count);
    assert_int_equal(read_marks_time_us(&copy, 15), 200);
    assert_int_equal(read_marks_time_us(&copy, 30), 0);
}

// Nobody is told an earlier time than it was, and the newest stays as it is.
static void too_many_are_thinned(void **state)
{
    (void)state;
    struct read_marks marks = {0};
    const uint64_t most = UINT64_C(10) * READ_MARKS_MAX;
    for (uint64_t i = 1; i <= most; i++) {
        read_marks_add(&marks, i, 1000 + i);
        assert_true(marks.count <= READ_MARKS_MAX);
        assert_int_equal(read_marks_time_us(&marks, i - 1), 1000 + i);
    }
    for (uint64_t offset = 0; offset < most; offset++) {
        assert_true(read_marks_time_us(&marks, offset) >= 1000 + offset + 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(byte_has_the_time_of_the_next_mark),
                                       cmocka_unit_test(marks_of_a_piece_are_enough_for_it), cmocka_unit_test(too_many_are_thinned)};
    return cmocka_run_group_tests_name("base_read_marks", tests, NULL, NULL);
}

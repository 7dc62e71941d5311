// Floors of a disk: captures stop first, then logs, then everything new; and each begins again a while after its floor, not at it.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <string.h>

#include "common/system/space.h"

#define MIB (UINT64_C(1) << 20)
#define LARGE (UINT64_C(1000) << 30)

static void captures_stop_first_then_logs_then_what_is_new(void **state)
{
    (void)state;
    struct space space = {0};
    assert_false(space_take(&space, 600 * MIB, LARGE));
    assert_int_equal(space.level, SPACE_AMPLE);
    assert_true(space_take(&space, 512 * MIB - 1, LARGE));
    assert_int_equal(space.level, SPACE_NO_CAPTURES);
    assert_true(space_take(&space, 256 * MIB - 1, LARGE));
    assert_int_equal(space.level, SPACE_NO_LOGS);
    assert_true(space_take(&space, 128 * MIB - 1, LARGE));
    assert_int_equal(space.level, SPACE_RESERVE);
    assert_false(space_take(&space, 0, LARGE));
}

static void a_level_ends_a_quarter_above_its_floor(void **state)
{
    (void)state;
    struct space space = {.reserve_bytes = 100};
    space_take(&space, 99, 100000);
    assert_int_equal(space.level, SPACE_RESERVE);
    assert_false(space_take(&space, 124, 100000));
    assert_true(space_take(&space, 125, 100000));
    assert_int_equal(space.level, SPACE_NO_LOGS);
    assert_false(space_take(&space, 249, 100000));
    assert_true(space_take(&space, 250, 100000));
    assert_int_equal(space.level, SPACE_NO_CAPTURES);
    assert_true(space_take(&space, 500, 100000));
    assert_int_equal(space.level, SPACE_AMPLE);
    assert_false(space_take(&space, 400, 100000)); // and begins at its floor
    assert_true(space_take(&space, 399, 100000));
}

static void a_small_disk_has_small_floors(void **state)
{
    (void)state;
    struct space space = {0};
    space_take(&space, 20 * MIB, 40 * MIB);
    assert_int_equal(space.level, SPACE_AMPLE);
    assert_int_equal(space.floors_bytes[SPACE_RESERVE], MIB);
    assert_int_equal(space.floors_bytes[SPACE_NO_CAPTURES], 4 * MIB);
}

static void it_says_why(void **state)
{
    (void)state;
    struct space space = {.reserve_bytes = MIB};
    char text[128];
    space_take(&space, 100 * MIB, LARGE);
    space_why(&space, text, sizeof text);
    assert_string_equal(text, "");
    space_take(&space, MIB / 2, LARGE);
    space_why(&space, text, sizeof text);
    assert_non_null(strstr(text, "it is kept for the verdicts of what runs"));
}

static void what_cannot_be_looked_at_is_ample(void **state)
{
    (void)state;
    struct space space = {0};
    assert_false(space_look(&space, "/nowhere/at/all"));
    assert_int_equal(space.level, SPACE_AMPLE);
    space_look(&space, "/");
    assert_true(space.total_bytes > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(captures_stop_first_then_logs_then_what_is_new),
        cmocka_unit_test(a_level_ends_a_quarter_above_its_floor),
        cmocka_unit_test(a_small_disk_has_small_floors),
        cmocka_unit_test(it_says_why),
        cmocka_unit_test(what_cannot_be_looked_at_is_ample),
    };
    return cmocka_run_group_tests_name("space", tests, NULL, NULL);
}

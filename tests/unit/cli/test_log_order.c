// The order in which `panther-coord logs -f` prints the lines of several hosts.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
// clang-format on

#include <string.h>

#include "common/base/memory.h"
#include "coordinator/cli/log_order.h"

#define HOLD_MS 1000

static void add(struct log_order *order, uint64_t arrived_ms, int64_t time_ns, const char *text)
{
    const struct log_line line = {
        .name = "s", .host = "h", .time_ns = time_ns, .arrived_ms = arrived_ms, .text = memory_string(text), .bytes = strlen(text)};
    log_order_add(order, &line);
}

static void append(void *context, const struct log_line *line)
{
    text_append_bytes(context, line->text, line->bytes);
}

static void take(struct log_order *order, uint64_t now_ms, uint64_t hold_ms, const char *wanted)
{
    struct text seen = {0};
    log_order_take(order, now_ms, hold_ms, append, &seen);
    assert_string_equal(text_string(&seen), wanted);
    text_free(&seen);
}

static void lines_wait_for_earlier_ones(void **state)
{
    (void)state;
    struct log_order order = {0};
    add(&order, 5000, 20, "b");
    take(&order, 5999, HOLD_MS, "");
    add(&order, 5999, 10, "a"); // of another host, later here
    add(&order, 5999, 30, "c");
    take(&order, 6000, HOLD_MS, "ab"); // what stands before it goes with it
    take(&order, 6998, HOLD_MS, "");
    take(&order, 6999, HOLD_MS, "c");
    add(&order, 8000, 5, "late"); // stands where it came
    add(&order, 8000, 40, "d");
    take(&order, 9000, HOLD_MS, "lated");
    assert_int_equal(order.held_bytes, 0);
    log_order_free(&order);
}

static void lines_without_a_time_stand_where_they_came(void **state)
{
    (void)state;
    struct log_order order = {0};
    add(&order, 100, 0, "a");
    add(&order, 100, 50, "b");
    add(&order, 100, 0, "c");
    add(&order, 100, 50, "d"); // of the same time: as they came
    add(&order, 100, 60, "e");
    take(&order, 100, 0, "abcde");
    add(&order, 200, 1, "left"); // and the rest is freed
    log_order_free(&order);
}

static void memory_is_bounded(void **state)
{
    (void)state;
    struct log_order order = {0};
    size_t bytes = (size_t)33 * 1024 * 1024;
    for (int i = 0; i < 2; i++) {
        const struct log_line line = {.time_ns = 2 - i, .arrived_ms = 1, .text = memory_new(bytes), .bytes = bytes};
        log_order_add(&order, &line);
        assert_int_equal(order.count, i + 1);
    }
    struct text seen = {0};
    log_order_take(&order, 1, HOLD_MS, append, &seen); // nothing is due
    assert_int_equal(seen.length, 2 * bytes);
    assert_int_equal(order.count, 0);
    text_free(&seen);
    log_order_free(&order);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(lines_wait_for_earlier_ones),
                                       cmocka_unit_test(lines_without_a_time_stand_where_they_came), cmocka_unit_test(memory_is_bounded)};
    return cmocka_run_group_tests_name("cli_log_order", tests, NULL, NULL);
}

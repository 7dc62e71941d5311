// A capture becomes lines: what arrived at which end, when; and what is none, or is cut off, hurts nobody.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
// clang-format on

#include "common/base/memory.h"
#include "coordinator/report/throughput.h"

#define NANOSECONDS 9

static void put(struct text *out, uint32_t number)
{
    text_append_bytes(out, &number, sizeof number);
}

// Blocks of pcapng: type, length, body, length.
static void put_block(struct text *out, uint32_t type, const struct text *body)
{
    uint32_t length = (uint32_t)body->length + 12;
    put(out, type);
    put(out, length);
    text_append_bytes(out, body->data, body->length);
    put(out, length);
}

static void section(struct text *out)
{
    struct text body = {0};
    put(&body, 0x1a2b3c4d);
    put(&body, 1);
    put(&body, UINT32_MAX);
    put(&body, UINT32_MAX);
    put_block(out, 0x0a0d0d0a, &body);
    text_free(&body);
}

// A name of four letters; times in nanoseconds.
static void interface(struct text *out, const char *name)
{
    struct text body = {0};
    put(&body, 1);
    put(&body, 65535);
    put(&body, 2 | 4 << 16);
    text_append_bytes(&body, name, 4);
    put(&body, NANOSECONDS | 1 << 16);
    put(&body, NANOSECONDS);
    put(&body, 0);
    put_block(out, 1, &body);
    text_free(&body);
}

// direction: 0 is not said, 1 in, 2 out
static void packet(struct text *out, uint32_t interface, uint64_t time_ns, uint32_t bytes, uint32_t direction)
{
    struct text body = {0};
    put(&body, interface);
    put(&body, (uint32_t)(time_ns >> 32));
    put(&body, (uint32_t)time_ns);
    put(&body, 4);
    put(&body, bytes);
    put(&body, 0xdeadbeef);
    if (direction) {
        put(&body, 2 | 4 << 16);
        put(&body, direction);
        put(&body, 0);
    }
    put_block(out, 6, &body);
    text_free(&body);
}

// Two ends of a link; one more interface that does not say which way.
static struct text example(void)
{
    struct text capture = {0};
    section(&capture);
    interface(&capture, "near");
    interface(&capture, "far_");
    interface(&capture, "eth0");
    packet(&capture, 0, UINT64_C(1700000000000000000), 1000, 2);
    packet(&capture, 1, UINT64_C(1700000000500000000), 1000, 1);
    packet(&capture, 2, UINT64_C(1700000001000000000), 250, 0);
    packet(&capture, 1, UINT64_C(1700000002000000000), 500, 1);
    return capture;
}

static double sum_of(const struct throughput_series *series)
{
    double sum = 0;
    for (size_t i = 0; i < THROUGHPUT_BINS; i++) {
        sum += series->bytes[i];
    }
    return sum;
}

static void what_arrived_counts(void **state)
{
    (void)state;
    struct throughput throughput;
    struct text capture = example();
    assert_true(throughput_read(capture.data, capture.length, &throughput));
    assert_int_equal(throughput.count, 3);
    assert_string_equal(throughput.series[1].name, "far_");
    assert_true(throughput.series[0].is_directed && throughput.series[1].is_directed && !throughput.series[2].is_directed);
    assert_int_equal(throughput.series[0].packets, 0);
    assert_int_equal(sum_of(&throughput.series[1]), 1500);
    assert_int_equal(sum_of(&throughput.series[2]), 250);
    assert_int_equal(throughput.series[1].bytes[THROUGHPUT_BINS - 1], 500);
    assert_true(throughput.duration_s > 1.999 && throughput.duration_s < 2.001);
    text_free(&capture);
}

static void a_line_for_each_end_that_got_something(void **state)
{
    (void)state;
    struct throughput throughput;
    struct text capture = example(), svg = {0};
    assert_true(throughput_read(capture.data, capture.length, &throughput));
    throughput_plot(&throughput, "<cell>", true, &svg);
    assert_non_null(strstr(text_string(&svg), "&lt;cell&gt;: throughput, of the capture&#39;s beginning [Mbit/s over s]"));
    assert_non_null(strstr(text_string(&svg), "<title>far_ received</title>"));
    assert_non_null(strstr(text_string(&svg), "<title>eth0</title>"));
    assert_null(strstr(text_string(&svg), "near"));
    assert_null(strstr(text_string(&svg), "nan"));
    text_free(&capture);
    text_free(&svg);
}

// Cut anywhere it is read up to there, and with any byte changed it is read or refused.
static void what_is_damaged(void **state)
{
    (void)state;
    struct throughput throughput;
    struct text capture = example(), svg = {0};
    assert_false(throughput_read("", 0, &throughput));
    assert_false(throughput_read("no capture, but long enough", 27, &throughput));
    for (size_t length = 0; length < capture.length; length++) {
        char *cut = memory_new(length + 1);
        memcpy(cut, capture.data, length);
        throughput_read(cut, length, &throughput);
        free(cut);
    }
    for (size_t at = 0; at < capture.length; at++) {
        for (int value = 0; value < 256; value += 51) {
            char was = capture.data[at];
            capture.data[at] = (char)value;
            if (throughput_read(capture.data, capture.length, &throughput)) {
                throughput_plot(&throughput, "", false, &svg);
            }
            assert_null(strstr(text_string(&svg), "nan"));
            text_clear(&svg);
            capture.data[at] = was;
        }
    }
    text_free(&capture);
    text_free(&svg);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_arrived_counts), cmocka_unit_test(a_line_for_each_end_that_got_something),
                                       cmocka_unit_test(what_is_damaged)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

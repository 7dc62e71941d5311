// Quantities as people write them: exact, whole, and refused otherwise.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/units.h"

struct wanted {
    const char *text;
    bool is_accepted;
    uint64_t number;
};

static void check(bool (*parse)(const char *, uint64_t *), const struct wanted *wanted, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t number = 77;
        if (parse(wanted[i].text, &number) != wanted[i].is_accepted)
            fail_msg("\"%s\" is %s", wanted[i].text, wanted[i].is_accepted ? "refused" : "accepted");
        assert_int_equal(number, wanted[i].is_accepted ? wanted[i].number : 77);
    }
}
#define CHECK(parse, wanted) check(parse, wanted, sizeof(wanted) / sizeof *(wanted))

static void durations(void **state)
{
    (void)state;
    static const struct wanted ms[] = {
        {"150ms", true, 150},
        {"60s", true, 60000},
        {"30m", true, 1800000},
        {"2h", true, 7200000},
        {"3d", true, 259200000},
        {"1.5s", true, 1500},
        {"0.1s", true, 100},
        {"0", true, 0},
        {"0s", true, 0},
        {"1.001s", true, 1001},
        {"", false, 0},
        {"5", false, 0},
        {"s", false, 0},
        {"1.5ms", false, 0},
        {"1.s", false, 0},
        {".5s", false, 0},
        {"1 s", false, 0},
        {"-1s", false, 0},
        {"1s ", false, 0},
        {"1m30s", false, 0},
        {"1S", false, 0},
        {"99999999999999999999s", false, 0},
        {"300000000000d", false, 0},
        {"1us", false, 0},
        {"0.0000000001s", false, 0},
        {"1e3s", false, 0},
    };
    CHECK(duration_parse_ms, ms);
    static const struct wanted ns[] = {
        {"1ns", true, 1},    {"2.5us", true, 2500}, {"0.000000001s", true, 1}, {"1d", true, UINT64_C(86400000000000)},
        {"1.5ns", false, 0}, {"300000d", false, 0},
    };
    CHECK(duration_parse_ns, ns);
}

static void sizes(void **state)
{
    (void)state;
    static const struct wanted sizes[] = {
        {"64MiB", true, 64 << 20},
        {"1GiB", true, 1 << 30},
        {"10kB", true, 10000},
        {"512B", true, 512},
        {"512", true, 512},
        {"1.5KiB", true, 1536},
        {"0.1KiB", true, 102},
        {"16777215TiB", true, UINT64_C(16777215) << 40},
        {"16777216TiB", false, 0},
        {"1K", false, 0},
        {"1kb", false, 0},
        {"", false, 0},
        {"-1", false, 0},
        {"18446744073709551615", true, UINT64_MAX},
        {"18446744073709551616", false, 0},
    };
    CHECK(size_parse_bytes, sizes);
}

static void ratios_are_the_nearest_double(void **state)
{
    (void)state;
    double ratio = -1;
    assert_true(ratio_parse("99.9%", &ratio) && ratio == 0.999);
    assert_true(ratio_parse("0.999", &ratio) && ratio == 0.999);
    assert_true(ratio_parse("100%", &ratio) && ratio == 1);
    assert_true(ratio_parse("0", &ratio) && ratio == 0);
    for (unsigned tenth = 0; tenth <= 1000; tenth++) {
        char percent[16], plain[16];
        double other;
        snprintf(percent, sizeof percent, "%u.%u%%", tenth / 10, tenth % 10);
        snprintf(plain, sizeof plain, "%u.%03u", tenth / 1000, tenth % 1000);
        assert_true(ratio_parse(percent, &ratio) && ratio_parse(plain, &other) && ratio == other);
    }
    static const char *const wrong[] = {"", "%", "1.1", "101%", "-0.1", "50 %", "nan", "1e-2", "0x1", "..", "5%%"};
    ratio = 7;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(ratio_parse(wrong[i], &ratio));
    assert_true(ratio == 7);
}

static void numbers(void **state)
{
    (void)state;
    int64_t number = 5;
    assert_true(integer_parse("-42", &number) && number == -42);
    assert_true(integer_parse("+7", &number) && number == 7);
    assert_true(integer_parse("010", &number) && number == 10);
    assert_true(integer_parse("0x1F", &number) && number == 31);
    assert_true(integer_parse("-9223372036854775808", &number) && number == INT64_MIN);
    assert_true(integer_parse("9223372036854775807", &number) && number == INT64_MAX);
    static const char *const wrong[] = {"", "-", "+", "0x", "1.0", "1e3", " 1", "1 ", "--1", "9223372036854775808", "-9223372036854775809",
                                        "x"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(integer_parse(wrong[i], &number));
    assert_int_equal(number, INT64_MAX);
    uint64_t size;
    assert_false(unsigned_parse("-1", &size));
    assert_true(unsigned_parse("18446744073709551615", &size) && size == UINT64_MAX);
    double real = 1;
    assert_true(float_parse("-1.5e3", &real) && real == -1500);
    static const char *const not_finite[] = {"", "inf", "nan", "1e999", "0x1p3", " 1", "1 ", "1.2.3"};
    for (size_t i = 0; i < sizeof not_finite / sizeof *not_finite; i++)
        assert_false(float_parse(not_finite[i], &real));
    assert_true(real == -1500);
}

static void truth(void **state)
{
    (void)state;
    bool value;
    assert_true(boolean_parse("true", &value) && value);
    assert_true(boolean_parse("No", &value) && !value);
    assert_true(boolean_parse("on", &value) && value);
    assert_false(boolean_parse("1", &value));
    assert_false(boolean_parse("", &value));
}

static void they_read_well(void **state)
{
    (void)state;
    static const struct {
        uint64_t ms;
        const char *text;
    } durations[] = {{0, "0ms"},        {37, "37ms"},      {999, "999ms"},      {2415, "2.41s"},
                     {59999, "59.99s"}, {62000, "1m 02s"}, {3720000, "1h 02m"}, {93600000, "1d 02h"}};
    char text[32];
    for (size_t i = 0; i < sizeof durations / sizeof *durations; i++) {
        duration_format_ms(durations[i].ms, text, sizeof text);
        assert_string_equal(text, durations[i].text);
    }
    size_format(512, text, sizeof text);
    assert_string_equal(text, "512B");
    size_format(1536, text, sizeof text);
    assert_string_equal(text, "1.5KiB");
    size_format(UINT64_MAX, text, sizeof text);
    assert_string_equal(text, "15.9EiB");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations), cmocka_unit_test(sizes), cmocka_unit_test(ratios_are_the_nearest_double),
        cmocka_unit_test(numbers),   cmocka_unit_test(truth), cmocka_unit_test(they_read_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

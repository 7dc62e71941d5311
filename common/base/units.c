// Durations, sizes, ratios and numbers as people write them. Everything is exact decimal arithmetic where it can be: "0.1s" is
// 100 ms and not 99; what does not fit whole is refused.
#include "common/base/units.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct unit {
    const char *name;
    uint64_t factor;
};

#define DIGITS "0123456789"
#define FRACTION_DIGITS_MAX 9 // a nanosecond of a second

// A decimal number without sign: digits, then optionally a point and digits. value = whole + fraction / scale.
struct decimal {
    uint64_t whole, fraction, scale;
};

static bool decimal_parse(const char **cursor, struct decimal *decimal)
{
    *decimal = (struct decimal){.scale = 1};
    size_t whole_digits = strspn(*cursor, DIGITS);
    for (size_t i = 0; i < whole_digits; i++) {
        uint64_t digit = (uint64_t)((*cursor)[i] - '0');
        if (__builtin_mul_overflow(decimal->whole, 10, &decimal->whole) || __builtin_add_overflow(decimal->whole, digit, &decimal->whole))
            return false;
    }
    *cursor += whole_digits;
    if (whole_digits == 0 || **cursor != '.')
        return whole_digits != 0;
    size_t digits = strspn(++*cursor, DIGITS);
    if (digits == 0 || digits > FRACTION_DIGITS_MAX)
        return false;
    for (size_t i = 0; i < digits; i++) {
        decimal->fraction = decimal->fraction * 10 + (uint64_t)((*cursor)[i] - '0');
        decimal->scale *= 10;
    }
    *cursor += digits;
    return true;
}

// decimal * factor; exact: refused when it is not whole, else rounded down.
static bool decimal_scale(const struct decimal *decimal, uint64_t factor, bool exact, uint64_t *result)
{
    unsigned __int128 part = (unsigned __int128)decimal->fraction * factor;
    if (exact && part % decimal->scale != 0)
        return false;
    unsigned __int128 sum = (unsigned __int128)decimal->whole * factor + part / decimal->scale;
    if (sum > UINT64_MAX)
        return false;
    *result = (uint64_t)sum;
    return true;
}

static bool quantity_parse(const char *text, const struct unit *units, bool exact, uint64_t *result)
{
    struct decimal decimal;
    const char *cursor = text;
    if (!decimal_parse(&cursor, &decimal))
        return false;
    for (; units->name != NULL; units++) {
        if (strcmp(units->name, cursor) == 0)
            return decimal_scale(&decimal, units->factor, exact, result);
    }
    return false;
}

bool duration_parse_ms(const char *text, uint64_t *ms)
{
    static const struct unit units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}, {NULL, 0}};
    if (strcmp(text, "0") == 0) {
        *ms = 0;
        return true;
    }
    return quantity_parse(text, units, true, ms);
}

bool duration_parse_ns(const char *text, uint64_t *ns)
{
    static const struct unit units[] = {
        {"ns", 1},
        {"us", 1000},
        {"ms", 1000000},
        {"s", UINT64_C(1000000000)},
        {"m", UINT64_C(60000000000)},
        {"h", UINT64_C(3600000000000)},
        {"d", UINT64_C(86400000000000)},
        {NULL, 0},
    };
    if (strcmp(text, "0") == 0) {
        *ns = 0;
        return true;
    }
    return quantity_parse(text, units, true, ns);
}

bool size_parse_bytes(const char *text, uint64_t *bytes)
{
    static const struct unit units[] = {
        {"", 1},
        {"B", 1},
        {"kB", 1000},
        {"MB", 1000000},
        {"GB", 1000000000},
        {"TB", UINT64_C(1000000000000)},
        {"KiB", UINT64_C(1) << 10},
        {"MiB", UINT64_C(1) << 20},
        {"GiB", UINT64_C(1) << 30},
        {"TiB", UINT64_C(1) << 40},
        {NULL, 0},
    };
    return quantity_parse(text, units, false, bytes);
}

// The percent sign becomes an exponent, so that 99.9% is the double nearest to 0.999 and not one division away from it.
bool ratio_parse(const char *text, double *ratio)
{
    char number[64];
    size_t length = strlen(text);
    bool is_percent = length > 1 && text[length - 1] == '%';
    if (length == 0 || length > sizeof number - 4 || strspn(text, DIGITS ".") != length - (is_percent ? 1 : 0))
        return false;
    snprintf(number, sizeof number, "%.*s%s", (int)(length - (is_percent ? 1 : 0)), text, is_percent ? "e-2" : "");
    double value;
    if (!float_parse(number, &value) || value < 0 || value > 1)
        return false;
    *ratio = value;
    return true;
}

// Digits in base 10, or 16 behind 0x; "010" is ten.
static bool digits_parse(const char *text, uint64_t *number)
{
    bool is_hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    const char *digits = is_hex ? text + 2 : text;
    size_t length = strlen(digits);
    if (length == 0 || strspn(digits, is_hex ? DIGITS "abcdefABCDEF" : DIGITS) != length)
        return false;
    char *end;
    errno = 0;
    unsigned long long value = strtoull(digits, &end, is_hex ? 16 : 10);
    if (errno != 0 || *end != '\0')
        return false;
    *number = value;
    return true;
}

bool unsigned_parse(const char *text, uint64_t *number)
{
    return digits_parse(text[0] == '+' ? text + 1 : text, number);
}

bool integer_parse(const char *text, int64_t *number)
{
    bool is_negative = text[0] == '-';
    uint64_t size;
    if (!digits_parse(is_negative || text[0] == '+' ? text + 1 : text, &size))
        return false;
    if (size > (uint64_t)INT64_MAX + (is_negative ? 1 : 0))
        return false;
    *number = is_negative ? (int64_t)(0 - size) : (int64_t)size;
    return true;
}

bool float_parse(const char *text, double *number)
{
    // strtod also takes leading spaces, hexadecimal, "inf" and "nan".
    if (text[0] == '\0' || strspn(text, DIGITS "+-.eE") != strlen(text))
        return false;
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(value))
        return false;
    *number = value;
    return true;
}

bool boolean_parse(const char *text, bool *value)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on"};
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcasecmp(words[i], text) == 0) {
            *value = i % 2 == 1;
            return true;
        }
    }
    return false;
}

void duration_format_ms(uint64_t ms, char *text, size_t bytes)
{
    unsigned long long seconds = ms / 1000, minutes = seconds / 60, hours = minutes / 60, days = hours / 24;
    if (ms < 1000)
        snprintf(text, bytes, "%llums", (unsigned long long)ms);
    else if (seconds < 60)
        snprintf(text, bytes, "%llu.%02llus", seconds, (unsigned long long)(ms % 1000 / 10));
    else if (minutes < 60)
        snprintf(text, bytes, "%llum %02llus", minutes, seconds % 60);
    else if (hours < 24)
        snprintf(text, bytes, "%lluh %02llum", hours, minutes % 60);
    else
        snprintf(text, bytes, "%llud %02lluh", days, hours % 24);
}

void size_format(uint64_t bytes_count, char *text, size_t bytes)
{
    static const char *const names[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    unsigned power = 0;
    uint64_t rest = 0, whole = bytes_count;
    while (whole >= 1024) {
        rest = whole % 1024;
        whole /= 1024;
        power++;
    }
    if (power == 0)
        snprintf(text, bytes, "%lluB", (unsigned long long)whole);
    else
        snprintf(text, bytes, "%llu.%llu%s", (unsigned long long)whole, (unsigned long long)(rest * 10 / 1024), names[power]);
}

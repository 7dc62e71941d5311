#include "coordinator/report/json.h"

#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "common/base/units.h"
#include "coordinator/report/readable.h"
#include "coordinator/report/value.h"

// Programs print any bytes: what is not UTF-8 is told with a replacement character, rather than not at all.
static json_t *text_of(const char *value)
{
    json_t *text = json_string(value);
    if (!text) {
        CLEANUP_FREE char *readable = readable_utf8(value, strlen(value));
        text = json_string(readable);
    }
    return text;
}

static json_t *value_of(const char *column, const char *value)
{
    int64_t whole;
    double real;
    if (!report_is_number(column)) {
        return text_of(value);
    }
    if (integer_parse(value, &whole)) {
        return json_integer(whole);
    }
    if (float_parse(value, &real)) {
        return json_real(real);
    }
    return *value ? text_of(value) : json_null(); // a word in the place of a number, such as status has
}

static json_t *object_of(const char *const *columns, const char *const *values, size_t count)
{
    json_t *object = json_object();
    for (size_t i = 0; i < count; i++) {
        json_object_set_new(object, columns[i], value_of(columns[i], values[i]));
    }
    return object;
}

// JSON escapes C0 by itself; C1, which also commands terminals, only in ASCII.
static void print(json_t *json, FILE *out, size_t flags)
{
    size_t terminal = isatty(fileno(out)) ? JSON_ENSURE_ASCII : 0;
    json_dumpf(json, out, flags | terminal | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(15));
    fputc('\n', out);
    json_decref(json);
}

void json_append_object(struct text *out, const char *const *columns, const char *const *values, size_t columns_count)
{
    json_t *object = object_of(columns, values, columns_count);
    CLEANUP_FREE char *line = json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(15));
    text_append(out, line);
    json_decref(object);
}

void json_print_object(FILE *out, const char *const *columns, const char *const *values, size_t columns_count)
{
    print(object_of(columns, values, columns_count), out, JSON_COMPACT);
}

void json_print_array(FILE *out, const char *const *columns, const char *const *values, size_t columns_count, size_t rows)
{
    json_t *array = json_array();
    for (size_t row = 0; row < rows; row++) {
        json_array_append_new(array, object_of(columns, values + row * columns_count, columns_count));
    }
    print(array, out, JSON_INDENT(2));
}

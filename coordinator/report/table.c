#include "coordinator/report/table.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/base/units.h"

#define NS_PER_S INT64_C(1000000000)
#define VALUE_MAX_BYTES 512

struct table {
    char **columns;
    size_t column_count;
    char **values; // row-major
    size_t value_count, value_capacity;
    size_t *shown;
    size_t shown_count;
};

bool report_format_parse(const char *text, enum report_format *format)
{
    static const char *const names[] = {"table", "json", "jsonl"};
    for (int i = 0; i < 3; i++) {
        if (strcmp(text, names[i]) == 0) {
            *format = (enum report_format)i;
            return true;
        }
    }
    return false;
}

bool report_wants_colour(FILE *out)
{
    const char *no = getenv("NO_COLOR"), *terminal = getenv("TERM");
    return isatty(fileno(out)) && (!no || !*no) && (!terminal || strcmp(terminal, "dumb") != 0);
}

const char *report_colour(const char *value)
{
    static const struct {
        const char *value, *colour;
    } colours[] = {{"pass", "\033[32m"},      {"fail", "\033[31m"},    {"error", "\033[35m"},  {"inconc", "\033[33m"},
                   {"connected", "\033[32m"}, {"suspect", "\033[33m"}, {"lost", "\033[31m"},   {"running", "\033[36m"},
                   {"yes", "\033[32m"},       {"no", "\033[31m"},      {"revoked", "\033[33m"}};
    for (size_t i = 0; i < sizeof colours / sizeof *colours; i++) {
        if (strcmp(value, colours[i].value) == 0) {
            return colours[i].colour;
        }
    }
    return "";
}

static bool ends_with(const char *text, const char *suffix)
{
    size_t length = strlen(text), tail = strlen(suffix);
    return length >= tail && strcmp(text + length - tail, suffix) == 0;
}

static bool is_number(const char *column)
{
    static const char *const suffixes[] = {"_ms", "_us", "_ns", "_bytes", "_count", "_number"};
    static const char *const names[] = {"value", "sequence", "number", "slots", "cpus", "repetition", "attempt", "instance", "generation"};
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        if (ends_with(column, suffixes[i])) {
            return true;
        }
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(column, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void format_moment(int64_t wall_ns, char *text, size_t bytes)
{
    time_t seconds = (time_t)(wall_ns / NS_PER_S);
    struct tm local;
    localtime_r(&seconds, &local);
    char stamp[32];
    strftime(stamp, sizeof stamp, "%m-%d %H:%M:%S", &local);
    snprintf(text, bytes, "%s.%03d", stamp, (int)(wall_ns % NS_PER_S / 1000000));
}

void report_value(const char *column, const char *value, char *text, size_t bytes)
{
    int64_t number;
    if (!*value || !integer_parse(value, &number) || number < 0) {
        snprintf(text, bytes, "%s", value);
    } else if (ends_with(column, "wall_ns")) {
        format_moment(number, text, bytes);
    } else if (ends_with(column, "_ns")) {
        duration_format_ms((uint64_t)number / 1000000, text, bytes);
    } else if (ends_with(column, "_ms")) {
        duration_format_ms((uint64_t)number, text, bytes);
    } else if (ends_with(column, "_bytes")) {
        size_format((uint64_t)number, text, bytes);
    } else {
        snprintf(text, bytes, "%s", value);
    }
    // one line, and nothing of what a tested program printed commands the terminal
    for (char *c = text; *c; c++) {
        if ((unsigned char)*c < ' ' || *c == '\177') {
            *c = ' ';
        }
    }
}

struct table *table_new(const char *const *columns, size_t count)
{
    struct table *table = NEW(struct table);
    table->columns = memory_new(sizeof *table->columns * (count + 1));
    for (size_t i = 0; i < count; i++) {
        table->columns[i] = memory_string(columns[i]);
    }
    table->column_count = count;
    table_show(table, NULL);
    return table;
}

void table_free(struct table **pointer)
{
    struct table *table = *pointer;
    if (!table) {
        return;
    }
    for (size_t i = 0; i < table->column_count; i++) {
        free(table->columns[i]);
    }
    for (size_t i = 0; i < table->value_count; i++) {
        free(table->values[i]);
    }
    free(table->columns);
    free(table->values);
    free(table->shown);
    free(table);
    *pointer = NULL;
}

void table_add(struct table *table, const char *const *values)
{
    for (size_t i = 0; i < table->column_count; i++) {
        APPEND(table->values, table->value_count, table->value_capacity) = memory_string(values[i] ? values[i] : "");
    }
}

size_t table_count(const struct table *table)
{
    return table->column_count ? table->value_count / table->column_count : 0;
}

static bool find_column(const struct table *table, const char *name, size_t *index)
{
    for (size_t i = 0; i < table->column_count; i++) {
        if (strcmp(table->columns[i], name) == 0) {
            *index = i;
            return true;
        }
    }
    return false;
}

const char *table_value(const struct table *table, size_t row, const char *column)
{
    size_t index;
    return find_column(table, column, &index) ? table->values[row * table->column_count + index] : NULL;
}

void table_show(struct table *table, const char *const *columns)
{
    free(table->shown);
    table->shown = memory_new(sizeof *table->shown * (table->column_count + 1));
    table->shown_count = 0;
    for (size_t i = 0; columns ? columns[i] != NULL : i < table->column_count; i++) {
        size_t index = i;
        if (!columns || find_column(table, columns[i], &index)) {
            table->shown[table->shown_count++] = index;
        }
    }
}

// Columns of a terminal that a UTF-8 text takes, near enough: continuation bytes take none.
static size_t text_width(const char *text)
{
    size_t width = 0;
    for (; *text; text++) {
        width += ((unsigned char)*text & 0xC0) != 0x80;
    }
    return width;
}

static void header_of(const char *column, char *text, size_t bytes)
{
    static const char *const suffixes[] = {"_wall_ns", "_ns", "_ms", "_bytes", "_count", "_number"};
    size_t length = strlen(column);
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        if (ends_with(column, suffixes[i]) && strlen(suffixes[i]) < length) {
            length -= strlen(suffixes[i]);
            break;
        }
    }
    snprintf(text, bytes, "%.*s", (int)length, strcmp(column, "wall_ns") == 0 ? "time" : column);
    for (char *c = text; *c; c++) {
        *c = *c == '_' ? ' ' : *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
    }
}

static void render_cell(struct text *out, const char *text, size_t width, bool right, const char *colour)
{
    size_t used = text_width(text), pad = used < width ? width - used : 0;
    text_printf(out, "%*s%s%s%s%*s", right ? (int)pad : 0, "", colour, text, *colour ? REPORT_COLOUR_END : "", right ? 0 : (int)pad, "");
}

// Cut at a character, never inside one.
static void cut_text(char *text, size_t width)
{
    size_t seen = 0;
    for (char *c = text; *c; c++) {
        if (((unsigned char)*c & 0xC0) != 0x80 && ++seen > width) {
            *c = 0;
            return;
        }
    }
}

void table_render(const struct table *table, struct text *out, bool colour, size_t width_max)
{
    size_t *widths = memory_new(sizeof *widths * (table->shown_count + 1)), rows = table_count(table);
    char text[VALUE_MAX_BYTES];
    for (size_t i = 0; i < table->shown_count; i++) {
        const char *column = table->columns[table->shown[i]];
        header_of(column, text, sizeof text);
        widths[i] = text_width(text);
        for (size_t row = 0; row < rows; row++) {
            report_value(column, table->values[row * table->column_count + table->shown[i]], text, sizeof text);
            widths[i] = text_width(text) > widths[i] ? text_width(text) : widths[i];
        }
    }
    for (size_t line = 0; line <= rows; line++) {
        size_t used = 0;
        for (size_t i = 0; i < table->shown_count; i++) {
            const char *column = table->columns[table->shown[i]];
            bool last = i + 1 == table->shown_count;
            if (line == 0) {
                header_of(column, text, sizeof text);
            } else {
                report_value(column, table->values[(line - 1) * table->column_count + table->shown[i]], text, sizeof text);
            }
            if (width_max && last && used < width_max) {
                cut_text(text, width_max - used);
            }
            const char *paint = !colour ? "" : line == 0 ? "\033[1m" : report_colour(text);
            render_cell(out, text, last ? 0 : widths[i], is_number(column) && line && !last, paint);
            text_append(out, last ? "\n" : "  ");
            used += widths[i] + 2;
        }
    }
    free(widths);
}

// Programs print any bytes: what is not UTF-8 is told with '?' for each strange byte, rather than not at all.
static json_t *json_text(const char *value)
{
    json_t *text = json_string(value);
    if (text) {
        return text;
    }
    CLEANUP_FREE char *readable = memory_string(value);
    for (char *c = readable; *c; c++) {
        *c = (unsigned char)*c < 0x80 ? *c : '?';
    }
    return json_string(readable);
}

static json_t *json_value(const char *column, const char *value)
{
    int64_t whole;
    double real;
    if (!is_number(column)) {
        return json_text(value);
    }
    if (integer_parse(value, &whole)) {
        return json_integer(whole);
    }
    if (float_parse(value, &real)) {
        return json_real(real);
    }
    return *value ? json_text(value) : json_null(); // a word in the place of a number, such as status has
}

static json_t *json_row(const struct table *table, size_t row)
{
    json_t *object = json_object();
    for (size_t i = 0; i < table->column_count; i++) {
        json_object_set_new(object, table->columns[i], json_value(table->columns[i], table->values[row * table->column_count + i]));
    }
    return object;
}

static void print_json(json_t *json, FILE *out, size_t flags)
{
    json_dumpf(json, out, flags | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(15));
    fputc('\n', out);
    json_decref(json);
}

void table_print_row(const struct table *table, size_t row, FILE *out)
{
    print_json(json_row(table, row), out, JSON_COMPACT);
}

void table_print(const struct table *table, enum report_format format, FILE *out, bool colour)
{
    size_t rows = table_count(table);
    if (format == REPORT_TABLE) {
        struct text text = {0};
        table_render(table, &text, colour, 0);
        fputs(text_string(&text), out);
        text_free(&text);
    } else if (format == REPORT_JSONL) {
        for (size_t row = 0; row < rows; row++) {
            table_print_row(table, row, out);
        }
    } else {
        json_t *array = json_array();
        for (size_t row = 0; row < rows; row++) {
            json_array_append_new(array, json_row(table, row));
        }
        print_json(array, out, JSON_INDENT(2));
    }
}

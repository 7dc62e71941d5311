#include "coordinator/report/table.h"

#include <string.h>

#include "coordinator/report/json.h"
#include "coordinator/report/readable.h"

// Of one value in a table; JSON has all of it.
#define VALUE_MAX_BYTES 512
#define GAP 2 // columns between two columns

struct table {
    char **columns;
    size_t column_count;
    char **values; // row-major
    size_t value_count, value_capacity;
    size_t *shown;
    size_t shown_count;
};

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

// ---- as text

static size_t *column_widths(const struct table *table)
{
    size_t *widths = memory_new(sizeof *widths * (table->shown_count + 1)), rows = table_count(table);
    char text[VALUE_MAX_BYTES];
    for (size_t i = 0; i < table->shown_count; i++) {
        const char *column = table->columns[table->shown[i]];
        report_heading(column, text, sizeof text);
        widths[i] = readable_width(text);
        for (size_t row = 0; row < rows; row++) {
            report_value(column, table->values[row * table->column_count + table->shown[i]], text, sizeof text);
            size_t width = readable_width(text);
            widths[i] = width > widths[i] ? width : widths[i];
        }
    }
    return widths;
}

struct line {
    struct text *out;
    size_t room; // columns of the terminal that are left
    size_t owed; // blanks before the next thing that shows: no line ends with any
};

static void line_add(struct line *line, char *text, size_t width, bool right, const char *colour)
{
    size_t skipped = line->owed < line->room ? line->owed : line->room, room = line->room - skipped;
    readable_cut(text, right && room < width ? 0 : room); // half a number would be another number
    size_t shown = readable_width(text), pad = shown < width ? width - shown : 0, before = right ? pad : 0;
    if (shown) {
        text_printf(line->out, "%*s%s%s%s", (int)(skipped + before), "", colour, text, *colour ? REPORT_COLOUR_END : "");
        line->room -= skipped + before + shown;
        line->owed = pad - before + GAP;
    } else {
        line->owed += width + GAP;
    }
}

// Colour for what is a verdict or a state, not for a test case that somebody called "fail".
static const char *colour_of(const char *column, const char *text)
{
    static const char *const coloured[] = {"verdict", "state", "usable"};
    for (size_t i = 0; i < sizeof coloured / sizeof *coloured; i++) {
        if (strcmp(column, coloured[i]) == 0) {
            return report_colour(text);
        }
    }
    return "";
}

void table_render(const struct table *table, struct text *out, bool colour, size_t width_max)
{
    size_t *widths = column_widths(table), rows = table_count(table);
    char text[VALUE_MAX_BYTES];
    for (size_t row = 0; row <= rows; row++) { // 0: the heading
        struct line line = {out, width_max ? width_max : SIZE_MAX, 0};
        for (size_t i = 0; i < table->shown_count; i++) {
            const char *column = table->columns[table->shown[i]], *paint = "";
            if (row == 0) {
                report_heading(column, text, sizeof text);
                paint = colour ? "\033[1m" : "";
            } else {
                report_value(column, table->values[(row - 1) * table->column_count + table->shown[i]], text, sizeof text);
                paint = colour ? colour_of(column, text) : "";
            }
            line_add(&line, text, widths[i], row && report_is_number(column), paint);
        }
        text_append(out, "\n");
    }
    free(widths);
}

// ---- as JSON

void table_append_row_json(const struct table *table, size_t row, struct text *out)
{
    json_append_object(out, (const char *const *)table->columns, (const char *const *)table->values + row * table->column_count,
                       table->column_count);
}

void table_append_json(const struct table *table, struct text *out)
{
    text_append(out, "[");
    for (size_t row = 0; row < table_count(table); row++) {
        text_append(out, row ? "," : "");
        table_append_row_json(table, row, out);
    }
    text_append(out, "]");
}

size_t table_columns(const struct table *table)
{
    return table->column_count;
}

const char *table_column(const struct table *table, size_t index)
{
    return table->columns[index];
}

// ---- printed

void table_print_row(const struct table *table, size_t row, FILE *out)
{
    json_print_object(out, (const char *const *)table->columns, (const char *const *)table->values + row * table->column_count,
                      table->column_count);
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
        json_print_array(out, (const char *const *)table->columns, (const char *const *)table->values, table->column_count, rows);
    }
}

// Rows for programs: types by the name of the column, and always valid JSON, whatever a tested program printed.
#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "coordinator/report/table.h"

static void expect_print(const struct table *table, enum report_format format, const char *wanted)
{
    char *printed = NULL;
    size_t bytes = 0;
    // a temporary file, as a memory stream has no descriptor and the code asks for a terminal
    FILE *out = tmpfile();
    table_print(table, format, out, false);
    bytes = (size_t)ftell(out);
    rewind(out);
    printed = calloc(1, bytes + 1);
    assert_int_equal(fread(printed, 1, bytes, out), bytes);
    fclose(out);
    assert_string_equal(printed, wanted);
    free(printed);
}

static void types_by_suffix(void **state)
{
    (void)state;
    static const char *const columns[] = {"name",      "duration_ms", "size_bytes", "cells_count", "wall_ns",
                                          "offset_us", "value",       "slots",      "hash"};
    struct table *table = table_new(columns, 9);
    table_add(table, (const char *const[]){"r1", "640", "12", "3", "1700000000123000000", "-3", "99.5", "4", "0123"});
    expect_print(table, REPORT_JSONL,
                 "{\"name\":\"r1\",\"duration_ms\":640,\"size_bytes\":12,\"cells_count\":3,\"wall_ns\":1700000000123000000,"
                 "\"offset_us\":-3,\"value\":99.5,\"slots\":4,\"hash\":\"0123\"}\n");
    table_free(&table);
}

static void empty_and_strange_numbers(void **state)
{
    (void)state;
    struct table *table = table_new((const char *const[]){"duration_ms", "value"}, 2);
    table_add(table, (const char *const[]){"", "open"}); // no duration yet; status says words
    table_add(table, (const char *const[]){"1e400", "nan"});
    expect_print(table, REPORT_JSONL, "{\"duration_ms\":null,\"value\":\"open\"}\n{\"duration_ms\":\"1e400\",\"value\":\"nan\"}\n");
    table_free(&table);
}

static void an_array_of_objects(void **state)
{
    (void)state;
    struct table *table = table_new((const char *const[]){"name", "duration_ms"}, 2);
    expect_print(table, REPORT_JSON, "[]\n");
    table_add(table, (const char *const[]){"r1", "1"});
    table_add(table, (const char *const[]){"r2", "2"});
    table_show(table, (const char *const[]){"name", NULL}); // JSON has all columns
    expect_print(
        table, REPORT_JSON,
        "[\n  {\n    \"name\": \"r1\",\n    \"duration_ms\": 1\n  },\n  {\n    \"name\": \"r2\",\n    \"duration_ms\": 2\n  }\n]\n");
    table_free(&table);
}

static void no_rows_are_no_lines(void **state)
{
    (void)state;
    struct table *table = table_new((const char *const[]){"name"}, 1);
    expect_print(table, REPORT_JSONL, "");
    table_free(&table);
}

static void text_is_escaped(void **state)
{
    (void)state;
    struct table *table = table_new((const char *const[]){"text"}, 1);
    table_add(table, (const char *const[]){"a \"quoted\"\nline \033[2J größe"});
    table_add(table, (const char *const[]){"not UTF-8: \xff\xc0\xaf, größe"});
    expect_print(table, REPORT_JSONL,
                 "{\"text\":\"a \\\"quoted\\\"\\nline \\u001B[2J größe\"}\n"
                 "{\"text\":\"not UTF-8: \ufffd\ufffd\ufffd, größe\"}\n");
    table_free(&table);
}

// U+009B is ESC [ for many terminals, and JSON has no need to escape it.
static void a_terminal_gets_ascii(void **state)
{
    (void)state;
    int ours, theirs;
    assert_int_equal(openpty(&ours, &theirs, NULL, NULL, NULL), 0);
    FILE *terminal = fdopen(theirs, "w");
    struct table *table = table_new((const char *const[]){"text"}, 1);
    table_add(table, (const char *const[]){"\xc2\x9b"
                                           "2J"});
    table_print(table, REPORT_JSONL, terminal, false);
    fflush(terminal);
    char seen[64] = "";
    ssize_t bytes = read(ours, seen, sizeof seen - 1);
    assert_true(bytes > 0);
    assert_string_equal(seen, "{\"text\":\"\\u009B2J\"}\r\n");
    fclose(terminal);
    close(ours);
    table_free(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_by_suffix),      cmocka_unit_test(empty_and_strange_numbers), cmocka_unit_test(an_array_of_objects),
        cmocka_unit_test(no_rows_are_no_lines), cmocka_unit_test(text_is_escaped),           cmocka_unit_test(a_terminal_gets_ascii),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

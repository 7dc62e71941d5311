// A run as TAP, as CSV, and as objects.
#include <stdio.h>
#include <string.h>

#include "coordinator/report/readable.h"
#include "coordinator/report/run_report.h"

// ---- TAP, version 14: a test point a case, and one for a cell that has none

// A line that a reader of TAP takes for text: no newline, no "#" that begins a directive.
static void append_tap_text(struct text *out, const char *value)
{
    char line[512];
    readable_line(value, line, sizeof line);
    for (const char *at = line; *at; at++) {
        text_printf(out, "%s%c", *at == '#' || *at == '\\' ? "\\" : "", *at);
    }
}

// A scalar of YAML in double quotes.
static void append_tap_quoted(struct text *out, const char *key, const char *value)
{
    char line[512];
    readable_line(value, line, sizeof line);
    text_printf(out, "  %s: \"", key);
    for (const char *at = line; *at; at++) {
        text_printf(out, "%s%c", *at == '"' || *at == '\\' ? "\\" : "", *at);
    }
    text_append(out, "\"\n");
}

static void append_point(struct text *out, unsigned number, const char *name, const struct table *table, size_t row, const char *trial)
{
    const char *verdict = run_report_verdict(table, row), *reason = run_report_text(table, row, "reason");
    bool is_none = strcmp(verdict, "none") == 0, is_ok = is_none || strcmp(verdict, "pass") == 0;
    text_printf(out, "%sok %u - ", is_ok ? "" : "not ", number);
    append_tap_text(out, name);
    if (is_none) {
        text_printf(out, " # SKIP %s", reason);
    }
    text_append(out, "\n");
    if (!is_ok) {
        text_append(out, "  ---\n");
        append_tap_quoted(out, "verdict", verdict);
        append_tap_quoted(out, "reason", reason);
        append_tap_quoted(out, "message", run_report_text(table, row, "text"));
        append_tap_quoted(out, "evidence", trial);
        text_append(out, "  ...\n");
    }
}

static unsigned append_cell_points(const struct run_report *report, size_t row, unsigned number, struct text *out)
{
    const char *cell = run_report_text(report->cells, row, "name"), *trial = cell;
    const struct row_group *cases = NULL;
    size_t last;
    if (run_report_last_trial(report, cell, &last)) {
        trial = run_report_text(report->trials, last, "name");
        cases = row_index_find(report->cases_of, trial);
    }
    for (size_t i = 0; cases && i < cases->count; i++) {
        CLEANUP_FREE char *name = memory_printf("%s %s.%s", cell, run_report_text(report->cases, cases->rows[i], "service"),
                                                run_report_text(report->cases, cases->rows[i], "case"));
        append_point(out, ++number, name, report->cases, cases->rows[i], trial);
    }
    append_point(out, ++number, cell, report->cells, row, trial);
    return number;
}

static char *gate_name(const struct run_report *report, size_t row)
{
    return memory_printf("gate %s %s", run_report_text(report->gates, row, "test"), run_report_text(report->gates, row, "gate"));
}

void run_report_tap(const struct run_report *report, struct text *out)
{
    struct text points = {0};
    unsigned count = 0;
    for (size_t row = 0; row < table_count(report->cells); row++) {
        count = append_cell_points(report, row, count, &points);
    }
    for (size_t row = 0; row < table_count(report->gates); row++) {
        if (run_report_is_gate(report, row)) {
            CLEANUP_FREE char *name = gate_name(report, row);
            append_point(&points, ++count, name, report->gates, row, run_report_text(report->gates, row, "run"));
        }
    }
    text_printf(out, "TAP version 14\n1..%u\n%s", count, text_string(&points));
    text_free(&points);
}

// ---- CSV (RFC 4180): tidy, a row for each thing that was judged or measured

static void append_field(struct text *out, const char *value, bool is_last)
{
    // a leading = + - @ would be a formula to a spreadsheet: what a tested program printed must not be one
    bool is_formula = *value && strchr("=+@", *value);
    CLEANUP_FREE char *text = readable_utf8(value, strlen(value));
    bool is_quoted = is_formula || strpbrk(text, ",\"\r\n");
    text_append(out, is_quoted ? "\"" : "");
    text_append(out, is_formula ? "'" : "");
    for (const char *at = text; *at; at++) {
        text_printf(out, "%s%c", *at == '"' ? "\"" : "", *at);
    }
    text_printf(out, "%s%s", is_quoted ? "\"" : "", is_last ? "\r\n" : ",");
}

static const char *const csv_columns[] = {"kind", "run",     "test",   "combination", "repetition", "trial", "service",
                                          "name", "verdict", "reason", "duration_ns", "text",       "value", "unit"};
#define CSV_COLUMNS (sizeof csv_columns / sizeof *csv_columns)

// `cell` is the row that the thing belongs to; columns: which of the table's stand for name, text, value (NULL: none).
struct csv_kind {
    const char *kind, *name, *text, *value;
};

static void append_csv_row(const struct run_report *report, size_t cell, const char *trial, const struct csv_kind *kind,
                           const struct table *table, size_t row, struct text *out)
{
    const char *values[CSV_COLUMNS] = {kind->kind,
                                       run_report_text(report->cells, cell, "run"),
                                       run_report_text(report->cells, cell, "test"),
                                       run_report_text(report->cells, cell, "combination"),
                                       run_report_text(report->cells, cell, "repetition"),
                                       trial,
                                       run_report_text(table, row, "service"),
                                       run_report_text(table, row, kind->name),
                                       kind->value ? "" : run_report_verdict(table, row),
                                       run_report_text(table, row, "reason"),
                                       run_report_text(table, row, "duration_ns"),
                                       kind->text ? run_report_text(table, row, kind->text) : "",
                                       kind->value ? run_report_text(table, row, kind->value) : "",
                                       run_report_text(table, row, "unit")};
    for (size_t i = 0; i < CSV_COLUMNS; i++) {
        append_field(out, values[i], i + 1 == CSV_COLUMNS);
    }
}

static void append_csv_group(const struct run_report *report, size_t cell, const char *trial, const struct csv_kind *kind,
                             const struct table *table, const struct row_index *index, struct text *out)
{
    const struct row_group *group = row_index_find(index, trial);
    for (size_t i = 0; i < group->count; i++) {
        append_csv_row(report, cell, trial, kind, table, group->rows[i], out);
    }
}

static void append_csv_gate(const struct run_report *report, size_t row, struct text *out)
{
    const struct table *gates = report->gates;
    bool is_gate = run_report_is_gate(report, row);
    const char *values[CSV_COLUMNS] = {is_gate ? "gate" : "gate_finding",
                                       run_report_text(gates, row, "run"),
                                       run_report_text(gates, row, "test"),
                                       "",
                                       "",
                                       "",
                                       run_report_text(gates, row, "gate"),
                                       is_gate ? "" : run_report_text(gates, row, "name"),
                                       is_gate ? run_report_text(gates, row, "verdict") : run_report_text(gates, row, "after"),
                                       is_gate ? "" : run_report_text(gates, row, "kind"),
                                       "",
                                       run_report_text(gates, row, "text"),
                                       "",
                                       ""};
    for (size_t i = 0; i < CSV_COLUMNS; i++) {
        append_field(out, values[i], i + 1 == CSV_COLUMNS);
    }
}

void run_report_csv(const struct run_report *report, struct text *out)
{
    static const struct csv_kind a_cell = {"cell", "name", "text", NULL}, a_case = {"case", "case", "text", NULL};
    static const struct csv_kind an_assertion = {"assertion", "assertion", "observed", NULL},
                                 a_metric = {"metric", "metric", "case", "value"};
    for (size_t i = 0; i < CSV_COLUMNS; i++) {
        append_field(out, csv_columns[i], i + 1 == CSV_COLUMNS);
    }
    for (size_t cell = 0; cell < table_count(report->cells); cell++) {
        append_csv_row(report, cell, "", &a_cell, report->cells, cell, out);
        const struct row_group *trials = row_index_find(report->trials_of, run_report_text(report->cells, cell, "name"));
        for (size_t i = 0; i < trials->count; i++) {
            const char *trial = run_report_text(report->trials, trials->rows[i], "name");
            append_csv_group(report, cell, trial, &a_case, report->cases, report->cases_of, out);
            append_csv_group(report, cell, trial, &an_assertion, report->assertions, report->assertions_of, out);
            append_csv_group(report, cell, trial, &a_metric, report->metrics, report->metrics_of, out);
        }
    }
    for (size_t row = 0; row < table_count(report->gates); row++) {
        append_csv_gate(report, row, out);
    }
}

// ---- objects

#define TABLES 11
static size_t tables_of(const struct run_report *report, const char *names[TABLES], const struct table *tables[TABLES])
{
    static const char *const all[TABLES] = {"cells",   "trials",    "cases", "metrics", "assertions", "findings",
                                            "streams", "artifacts", "gates", "notes",   "hosts"};
    const struct table *const them[TABLES] = {report->cells,      report->trials,   report->cases,   report->metrics,
                                              report->assertions, report->findings, report->streams, report->artifacts,
                                              report->gates,      report->notes,    report->hosts};
    memcpy(names, all, sizeof all);
    memcpy(tables, them, sizeof them);
    return TABLES;
}

void run_report_json(const struct run_report *report, struct text *out)
{
    const char *names[TABLES];
    const struct table *tables[TABLES];
    size_t count = tables_of(report, names, tables);
    text_append(out, "{\"run\":");
    table_append_row_json(report->run, 0, out);
    for (size_t i = 0; i < count; i++) {
        text_printf(out, ",\n\"%s\":", names[i]);
        table_append_json(tables[i], out);
    }
    text_append(out, "}\n");
}

void run_report_jsonl(const struct run_report *report, struct text *out)
{
    const char *names[TABLES];
    const struct table *tables[TABLES];
    size_t count = tables_of(report, names, tables);
    text_append(out, "{\"table\":\"runs\",\"row\":");
    table_append_row_json(report->run, 0, out);
    text_append(out, "}\n");
    for (size_t i = 0; i < count; i++) {
        for (size_t row = 0; row < table_count(tables[i]); row++) {
            text_printf(out, "{\"table\":\"%s\",\"row\":", names[i]);
            table_append_row_json(tables[i], row, out);
            text_append(out, "}\n");
        }
    }
}

// A run for a merge request (Markdown) and for a terminal: counts, the matrix of cells, what did not pass and why, metrics.
#include <stdio.h>
#include <string.h>

#include "common/base/units.h"
#include "coordinator/report/readable.h"
#include "coordinator/report/report_hosts.h"
#include "coordinator/report/report_metrics.h"
#include "coordinator/report/run_report.h"

// A merge request's comment holds some 60 kB; the rest is in the HTML.
#define PROBLEMS_MAX 100
#define LINE_BYTES 300

// One line inside a Markdown table.
static void append_cell(struct text *out, const char *value)
{
    char line[LINE_BYTES];
    readable_line(value, line, sizeof line);
    text_append(out, " ");
    for (const char *at = line; *at; at++) {
        text_printf(out, "%s%c", strchr("|\\`*_<>[]", *at) ? "\\" : "", *at);
    }
    text_append(out, " |");
}

static char letter_of(const char *verdict)
{
    return strcmp(verdict, "pass") == 0      ? 'P'
           : strcmp(verdict, "fail") == 0    ? 'F'
           : strcmp(verdict, "error") == 0   ? 'E'
           : strcmp(verdict, "inconc") == 0  ? 'I'
           : strcmp(verdict, "running") == 0 ? '.'
                                             : '-';
}

static void append_matrix(const struct run_report *report, const char *test, const struct row_group *cells, bool markdown, struct text *out)
{
    struct row_index *combinations = row_index_new(report->cells, "combination");
    text_printf(out, markdown ? "\n### %s\n\n| combination | repetitions |\n|---|---|\n" : "\n%s\n", test);
    for (size_t i = 0; i < row_index_count(combinations); i++) {
        const char *combination = row_index_value(combinations, i);
        struct text letters = {0};
        for (size_t cell = 0; cell < cells->count; cell++) {
            if (strcmp(run_report_text(report->cells, cells->rows[cell], "combination"), combination) == 0) {
                char letter = letter_of(run_report_verdict(report->cells, cells->rows[cell]));
                text_append_bytes(&letters, &letter, 1);
            }
        }
        if (letters.length && markdown) {
            text_append(out, "|");
            append_cell(out, *combination ? combination : "-");
            text_printf(out, " `%s` |\n", text_string(&letters));
        } else if (letters.length) {
            text_printf(out, "  %-40s %s\n", *combination ? combination : "-", text_string(&letters));
        }
        text_free(&letters);
    }
    row_index_free(&combinations);
}

static void append_matrices(const struct run_report *report, bool markdown, struct text *out)
{
    struct row_index *tests = row_index_new(report->cells, "test");
    for (size_t i = 0; i < row_index_count(tests); i++) {
        const char *test = row_index_value(tests, i);
        append_matrix(report, test, row_index_find(tests, test), markdown, out);
    }
    row_index_free(&tests);
    text_append(out, markdown ? "\nP pass, F fail, I inconc, E error, - none, . running\n"
                              : "\n  P pass  F fail  I inconc  E error  - none  . running\n");
}

static void append_flaky(const struct run_report *report, bool markdown, struct text *out)
{
    size_t count;
    CLEANUP_FREE struct report_flaky *flaky = run_report_flaky(report, &count);
    if (!count) {
        return;
    }
    text_append(out, markdown ? "\n### Flaky\n\n| test | combination | passed |\n|---|---|---|\n" : "\nflaky\n");
    for (size_t i = 0; i < count; i++) {
        const char *combination = *flaky[i].combination ? flaky[i].combination : "-";
        size_t all = flaky[i].passed + flaky[i].failed;
        if (markdown) {
            text_append(out, "|");
            append_cell(out, flaky[i].test);
            append_cell(out, combination);
            text_printf(out, " %zu of %zu |\n", flaky[i].passed, all);
        } else {
            text_printf(out, "  %s/%s: %zu of %zu passed\n", flaky[i].test, combination, flaky[i].passed, all);
        }
    }
}

static bool is_problem(const char *verdict)
{
    return strcmp(verdict, "pass") != 0 && strcmp(verdict, "none") != 0 && strcmp(verdict, "running") != 0;
}

static void append_problems(const struct run_report *report, bool markdown, struct text *out)
{
    size_t shown = 0, all = 0;
    char text[LINE_BYTES];
    for (size_t row = 0; row < table_count(report->cells); row++) {
        const char *verdict = run_report_verdict(report->cells, row), *name = run_report_text(report->cells, row, "name");
        if (!is_problem(verdict) || ++all > PROBLEMS_MAX) {
            continue;
        }
        if (!shown++) {
            text_append(out, markdown ? "\n### Not passed\n\n| cell | verdict | reason | why |\n|---|---|---|---|\n" : "\nnot passed\n");
        }
        if (markdown) {
            text_append(out, "|");
            append_cell(out, name);
            append_cell(out, verdict);
            append_cell(out, run_report_text(report->cells, row, "reason"));
            append_cell(out, run_report_text(report->cells, row, "text"));
            text_append(out, "\n");
        } else {
            readable_line(run_report_text(report->cells, row, "text"), text, sizeof text);
            text_printf(out, "  %-40s %-6s %s: %s\n", name, verdict, run_report_text(report->cells, row, "reason"), text);
        }
    }
    if (all > PROBLEMS_MAX) {
        text_printf(out, "\n%zu more; `panther-coord results %s` lists all.\n", all - PROBLEMS_MAX,
                    run_report_text(report->run, 0, "name"));
    }
}

static void append_metrics(const struct run_report *report, bool markdown, struct text *out)
{
    struct report_metrics metrics;
    report_metrics_gather(report, &metrics);
    for (size_t i = 0; i < metrics.count; i++) {
        const struct report_metric *metric = &metrics.items[i];
        struct summary summary = sample_summary(&metric->sample);
        if (i == 0) {
            text_append(out, markdown ? "\n### Metrics\n\n| test | combination | metric | n | mean | sd | median | min | max | unit |\n"
                                        "|---|---|---|---:|---:|---:|---:|---:|---:|---|\n"
                                      : "\nmetrics: n, mean, standard deviation, median\n");
        }
        if (markdown) {
            text_append(out, "|");
            append_cell(out, metric->test);
            append_cell(out, *metric->combination ? metric->combination : "-");
            append_cell(out, metric->name);
            text_printf(out, " %zu | %.6g | %.3g | %.6g | %.6g | %.6g |", summary.count, summary.mean, summary.deviation, summary.median,
                        summary.least, summary.most);
            append_cell(out, metric->unit);
            text_append(out, "\n");
        } else {
            text_printf(out, "  %s%s%s %s: %zu, %.6g, %.3g, %.6g %s\n", metric->test, *metric->combination ? "/" : "", metric->combination,
                        metric->name, summary.count, summary.mean, summary.deviation, summary.median, metric->unit);
        }
    }
    report_metrics_free(&metrics);
}

static void append_counts(const struct run_report *report, bool markdown, struct text *out)
{
    static const char *const columns[] = {"cells_count", "pass_count", "fail_count", "inconc_count", "error_count", "none_count"};
    static const char *const names[] = {"cells", "pass", "fail", "inconc", "error", "none"};
    char duration[32];
    report_value("duration_ms", run_report_text(report->run, 0, "duration_ms"), duration, sizeof duration);
    text_printf(out, "%s%s %s: %s\n\n", markdown ? "## " : "", run_report_text(report->run, 0, "name"),
                run_report_text(report->run, 0, "experiment"), run_report_verdict(report->run, 0));
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        text_printf(out, "%s%s %s", i ? ", " : "", run_report_text(report->run, 0, columns[i]), names[i]);
    }
    text_printf(out, "%s%s; by %s\n", *duration ? "; in " : "", duration, run_report_text(report->run, 0, "by"));
}

static void append_gate(const struct run_report *report, size_t row, bool markdown, struct text *out)
{
    static const char *const columns[] = {"test", "gate", "kind", "name", "before", "after", "text"};
    const struct table *gates = report->gates;
    bool is_gate = run_report_is_gate(report, row);
    const char *what = is_gate ? run_report_verdict(gates, row) : run_report_text(gates, row, "kind");
    if (!markdown) {
        char text[LINE_BYTES];
        readable_line(run_report_text(gates, row, "text"), text, sizeof text);
        const char *before = run_report_text(gates, row, "before"), *after = run_report_text(gates, row, "after");
        if (is_gate) {
            text_printf(out, "  %-6s %s %s%s%s\n", what, run_report_text(gates, row, "test"), run_report_text(gates, row, "gate"),
                        *text ? ": " : "", text);
        } else {
            text_printf(out, "         %s %s %s%s%s: %s\n", what, run_report_text(gates, row, "name"), before, *before ? " -> " : "", after,
                        text);
        }
        return;
    }
    text_append(out, "|");
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        append_cell(out, i == 2 ? what : run_report_text(gates, row, columns[i]));
    }
    text_append(out, "\n");
}

// What the run was held against, and what that found.
static void append_gates(const struct run_report *report, bool markdown, struct text *out)
{
    const char *baseline = run_report_text(report->run, 0, "baseline"), *verdict = run_report_text(report->run, 0, "gate");
    if (!*verdict) {
        return;
    }
    text_printf(out, "\n%sgates: %s%s%s\n", markdown ? "### " : "", verdict, *baseline ? ", against " : "", baseline);
    text_append(out, markdown && table_count(report->gates) ? "\n| test | gate | verdict or finding | name | before | after | why |\n"
                                                              "|---|---|---|---|---|---|---|\n"
                                                            : "");
    for (size_t row = 0; row < table_count(report->gates); row++) {
        append_gate(report, row, markdown, out);
    }
    text_append(out, markdown ? "" : "\n");
}

// What people said of it.
static void append_notes(const struct run_report *report, bool markdown, struct text *out)
{
    const char *tags = run_report_text(report->run, 0, "tags");
    bool is_pinned = strcmp(run_report_text(report->run, 0, "pinned"), "1") == 0;
    if (*tags || is_pinned) {
        text_printf(out, "\n%s%s%s%s\n", *tags ? "tags: " : "", tags, *tags && is_pinned ? "; " : "", is_pinned ? "pinned" : "");
    }
    if (!table_count(report->notes)) {
        return;
    }
    text_append(out, markdown ? "\n### Notes\n\n| of | by | note |\n|---|---|---|\n" : "\nNotes\n");
    for (size_t row = 0; row < table_count(report->notes); row++) {
        const char *trial = run_report_text(report->notes, row, "trial"), *by = run_report_text(report->notes, row, "by");
        const char *of = *trial ? trial : run_report_text(report->notes, row, "run");
        char text[LINE_BYTES];
        readable_line(run_report_text(report->notes, row, "text"), text, sizeof text);
        if (markdown) {
            text_append(out, "|");
            append_cell(out, of);
            append_cell(out, by);
            append_cell(out, text);
            text_append(out, "\n");
        } else {
            text_printf(out, "  %s (%s): %s\n", of, by, text);
        }
    }
    text_append(out, markdown ? "" : "\n");
}

static void append_hosts(const struct run_report *report, bool markdown, struct text *out)
{
    if (!table_count(report->hosts)) {
        return;
    }
    text_append(out, markdown ? "\n### Hosts\n\n| host | how it was set |\n|---|---|\n" : "\nHosts\n");
    for (size_t row = 0; row < table_count(report->hosts); row++) {
        struct text line = {0};
        char shown[LINE_BYTES];
        report_host_line(report->hosts, row, &line);
        readable_line(text_string(&line), shown, sizeof shown);
        text_free(&line);
        if (markdown) {
            text_append(out, "|");
            append_cell(out, run_report_text(report->hosts, row, "host"));
            append_cell(out, shown);
            text_append(out, "\n");
        } else {
            text_printf(out, "  %s: %s\n", run_report_text(report->hosts, row, "host"), shown);
        }
    }
}

void run_report_markdown(const struct run_report *report, struct text *out)
{
    append_counts(report, true, out);
    append_notes(report, true, out);
    append_gates(report, true, out);
    append_matrices(report, true, out);
    append_flaky(report, true, out);
    append_problems(report, true, out);
    append_metrics(report, true, out);
    append_hosts(report, true, out);
}

// What tests chose as names was checked when it was submitted; free text was made readable above.
void run_report_table(const struct run_report *report, struct text *out)
{
    append_counts(report, false, out);
    append_notes(report, false, out);
    append_gates(report, false, out);
    append_matrices(report, false, out);
    append_flaky(report, false, out);
    append_problems(report, false, out);
    append_metrics(report, false, out);
    append_hosts(report, false, out);
}

// A run as a page: counts, the matrix of cells, what each came to and why, pictures of the metrics, and the way to the evidence.
#include <stdio.h>
#include <string.h>

#include "coordinator/report/markup.h"
#include "coordinator/report/page.h"
#include "coordinator/report/plot.h"
#include "coordinator/report/report_hosts.h"
#include "coordinator/report/report_metrics.h"
#include "coordinator/report/run_report.h"

// A browser shows some thousand cells at once without trouble; those that did not pass come first, and how many are left out is said.
#define CELLS_MAX 2000
#define CELLS_OPEN 3       // of those that did not pass: what a reader came for
#define DISTRIBUTION_MIN 5 // fewer values have no shape
#define PLOTS_MAX 60
#define GROUPS_MAX 64

static void append_counts(const struct run_report *report, struct text *out)
{
    static const char *const columns[] = {"cells_count",     "pass_count",    "fail_count",  "inconc_count", "error_count", "none_count",
                                          "started_wall_ns", "ended_wall_ns", "duration_ms", "by",           "labels",      "file"};
    text_append(out, "<table><tr>");
    char text[256];
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        report_heading(columns[i], text, sizeof text);
        text_append(out, "<th>");
        markup_append(out, text);
        text_append(out, "</th>");
    }
    text_append(out, "<th>VERDICT</th></tr><tr>");
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        report_value(columns[i], run_report_text(report->run, 0, columns[i]), text, sizeof text);
        page_cell(out, text);
    }
    page_verdict(out, run_report_verdict(report->run, 0));
    text_append(out, "</tr></table>\n");
}

// ---- the matrices

static void append_square(const struct run_report *report, size_t row, struct text *out)
{
    const char *verdict = run_report_verdict(report->cells, row), *name = run_report_text(report->cells, row, "name");
    text_append(out, "<td class=\"");
    markup_append(out, verdict);
    text_append(out, "\" title=\"");
    markup_append(out, name);
    text_append(out, ": ");
    markup_append(out, verdict);
    text_append(out, " ");
    markup_append(out, run_report_text(report->cells, row, "text"));
    text_append(out, "\"><a href=\"#");
    markup_append_link(out, name);
    text_printf(out, "\">%.1s</a></td>", verdict);
}

static size_t most_repetitions(const struct run_report *report, const struct row_group *cells, const struct row_index *combinations)
{
    size_t most = 1;
    for (size_t i = 0; i < row_index_count(combinations); i++) {
        size_t count = 0;
        for (size_t cell = 0; cell < cells->count; cell++) {
            const char *combination = run_report_text(report->cells, cells->rows[cell], "combination");
            count += strcmp(combination, row_index_value(combinations, i)) == 0;
        }
        most = count > most ? count : most;
    }
    return most;
}

// Combinations down, repetitions across.
static void append_matrix(const struct run_report *report, const char *test, const struct row_group *cells, struct text *out)
{
    struct row_index *combinations = row_index_new(report->cells, "combination");
    text_append(out, "<h2>");
    markup_append(out, test);
    text_printf(out, "</h2>\n<table class=\"matrix\"><tr><th>combination</th><th colspan=\"%zu\">repetitions</th></tr>\n",
                most_repetitions(report, cells, combinations));
    for (size_t i = 0; i < row_index_count(combinations); i++) {
        bool any = false;
        for (size_t cell = 0; cell < cells->count; cell++) {
            if (strcmp(run_report_text(report->cells, cells->rows[cell], "combination"), row_index_value(combinations, i)) == 0) {
                if (!any) {
                    text_append(out, "<tr>");
                    page_cell(out, *row_index_value(combinations, i) ? row_index_value(combinations, i) : "-");
                }
                append_square(report, cells->rows[cell], out);
                any = true;
            }
        }
        text_append(out, any ? "</tr>\n" : "");
    }
    text_append(out, "</table>\n");
    row_index_free(&combinations);
}

static void append_flaky(const struct run_report *report, struct text *out)
{
    size_t count;
    CLEANUP_FREE struct report_flaky *flaky = run_report_flaky(report, &count);
    if (!count) {
        return;
    }
    text_append(out, "<h2>Flaky</h2>\n");
    page_headings(out, (const char *const[]){"test", "combination", "passed", NULL});
    for (size_t i = 0; i < count; i++) {
        text_append(out, "<tr>");
        page_cell(out, flaky[i].test);
        page_cell(out, *flaky[i].combination ? flaky[i].combination : "-");
        text_printf(out, "<td>%zu of %zu</td></tr>\n", flaky[i].passed, flaky[i].passed + flaky[i].failed);
    }
    text_append(out, "</table>\n");
}

// ---- a cell

static void append_evidence(const struct run_report *report, const struct table *table, const struct row_group *group, struct text *out)
{
    for (size_t i = 0; i < group->count; i++) {
        const char *name = run_report_text(table, group->rows[i], "name");
        bool is_there = strcmp(run_report_text(table, group->rows[i], "state"), "stored") == 0;
        char size[32];
        report_value("size_bytes", run_report_text(table, group->rows[i], "size_bytes"), size, sizeof size);
        text_append(out, "<li>");
        if (report->evidence && is_there) {
            text_append(out, "<a href=\"");
            markup_append_link(out, report->evidence);
            text_append(out, "/");
            markup_append_link(out, name);
            text_append(out, "\">");
            markup_append(out, name);
            text_append(out, "</a>");
        } else {
            text_append(out, "<code>panther-coord logs ");
            markup_append(out, name);
            text_append(out, "</code>");
        }
        text_printf(out, " <span class=\"dim\">%s ", size);
        markup_append(out, run_report_text(table, group->rows[i], "state"));
        markup_append(out, run_report_text(table, group->rows[i], "gaps"));
        text_append(out, "</span></li>");
    }
}

static void append_judged(const struct table *table, const struct row_group *group, const char *name, const char *text, struct text *out)
{
    char duration[32];
    for (size_t i = 0; i < group->count; i++) {
        size_t row = group->rows[i];
        text_append(out, "<tr>");
        page_cell(out, run_report_text(table, row, "service"));
        page_cell(out, run_report_text(table, row, name));
        page_verdict(out, run_report_verdict(table, row));
        page_cell(out, run_report_text(table, row, "reason"));
        report_value("duration_ns", run_report_text(table, row, "duration_ns"), duration, sizeof duration);
        page_cell(out, duration);
        page_cell(out, run_report_text(table, row, "text"));
        page_cell(out, text ? run_report_text(table, row, text) : "");
        text_append(out, "</tr>\n");
    }
}

static void append_trial(const struct run_report *report, size_t row, struct text *out)
{
    static const char *const headings[] = {"service", "case or assertion",    "verdict", "reason", "duration",
                                           "why",     "measured or observed", NULL};
    const char *trial = run_report_text(report->trials, row, "name");
    text_append(out, "<p><b>");
    markup_append(out, trial);
    text_append(out, "</b> on ");
    markup_append(out, run_report_text(report->trials, row, "hosts"));
    text_append(out, ": ");
    markup_append(out, run_report_verdict(report->trials, row));
    text_append(out, " ");
    markup_append(out, run_report_text(report->trials, row, "reason"));
    text_append(out, "</p>\n");
    page_headings(out, headings);
    append_judged(report->cases, row_index_find(report->cases_of, trial), "case", "metrics", out);
    append_judged(report->assertions, row_index_find(report->assertions_of, trial), "assertion", "observed", out);
    text_append(out, "</table>\n<ul>");
    append_evidence(report, report->streams, row_index_find(report->streams_of, trial), out);
    append_evidence(report, report->artifacts, row_index_find(report->artifacts_of, trial), out);
    text_append(out, "</ul>\n");
}

static void append_cell(const struct run_report *report, size_t row, bool is_open, struct text *out)
{
    const char *name = run_report_text(report->cells, row, "name"), *verdict = run_report_verdict(report->cells, row);
    const struct row_group *trials = row_index_find(report->trials_of, name);
    text_append(out, is_open ? "<details open><summary><span class=\"" : "<details><summary><span class=\"");
    markup_append(out, verdict);
    text_append(out, "\">");
    markup_append(out, verdict);
    text_append(out, "</span> ");
    markup_append(out, name);
    text_append(out, " <span class=\"dim\">");
    markup_append(out, run_report_text(report->cells, row, "reason"));
    text_append(out, " ");
    markup_append(out, run_report_text(report->cells, row, "text"));
    text_append(out, "</span></summary>\n<div class=\"cell\" id=\""); // inside, so that a link to it opens what it is in
    markup_append(out, name);
    text_append(out, "\">\n");
    for (size_t i = trials->count; i > 0; i--) {
        append_trial(report, trials->rows[i - 1], out);
    }
    text_append(out, "</div></details>\n");
}

static void append_cells(const struct run_report *report, struct text *out)
{
    size_t shown = 0, count = table_count(report->cells);
    text_append(out, "<h2>Cells</h2>\n");
    for (int passed = 0; passed < 2; passed++) {
        for (size_t row = 0; row < count && shown < CELLS_MAX; row++) {
            if ((strcmp(run_report_verdict(report->cells, row), "pass") == 0) == passed) {
                append_cell(report, row, !passed && shown < CELLS_OPEN, out);
                shown++;
            }
        }
    }
    if (shown < count) {
        text_printf(out, "<p>%zu cells more are not shown; <code>panther-coord results %s</code> lists all.</p>\n", count - shown,
                    run_report_text(report->run, 0, "name"));
    }
}

// ---- the pictures

static bool is_time(const char *unit)
{
    return strcmp(unit, "ms") == 0 || strcmp(unit, "s") == 0 || strcmp(unit, "us") == 0 || strcmp(unit, "ns") == 0;
}

// The metric at `first` in all combinations of its test, which it is the first of.
static void append_plot(const struct report_metrics *metrics, size_t first, struct text *out)
{
    const struct report_metric *metric = &metrics->items[first];
    struct plot_group groups[GROUPS_MAX];
    struct sample all = {0};
    size_t count = 0;
    for (size_t i = first; i < metrics->count; i++) {
        const struct report_metric *other = &metrics->items[i];
        if (strcmp(other->test, metric->test) != 0 || strcmp(other->name, metric->name) != 0) {
            continue;
        }
        if (count < GROUPS_MAX) {
            groups[count++] = (struct plot_group){other->combination, &other->sample};
        }
        for (size_t value = 0; value < other->sample.count; value++) {
            sample_add(&all, other->sample.values[value]);
        }
    }
    CLEANUP_FREE char *title = memory_printf("%s: %s", metric->test, metric->name);
    plot_groups(out, title, metric->unit, groups, count);
    if (is_time(metric->unit) && all.count >= DISTRIBUTION_MIN) {
        CLEANUP_FREE char *spread = memory_printf("%s, distribution", title);
        plot_distribution(out, spread, metric->unit, &all);
    }
    sample_free(&all);
}

static bool is_first(const struct report_metrics *metrics, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (strcmp(metrics->items[i].test, metrics->items[index].test) == 0 &&
            strcmp(metrics->items[i].name, metrics->items[index].name) == 0) {
            return false;
        }
    }
    return true;
}

static void append_plots(const struct run_report *report, struct text *out)
{
    struct report_metrics metrics;
    report_metrics_gather(report, &metrics);
    size_t shown = 0, more = 0;
    text_append(out, metrics.count ? "<h2>Metrics</h2>\n" : "");
    for (size_t i = 0; i < metrics.count && shown < PLOTS_MAX; i++) {
        if (is_first(&metrics, i)) {
            append_plot(&metrics, i, out);
            shown++;
        }
        more = metrics.count - i - 1;
    }
    if (shown == PLOTS_MAX && more) {
        text_printf(out, "<p>Further metrics are not drawn; <code>panther-coord results %s --metrics</code> lists all.</p>\n",
                    run_report_text(report->run, 0, "name"));
    }
    report_metrics_free(&metrics);
}

// What the run was held against, and what that found.
static void append_gates(const struct run_report *report, struct text *out)
{
    static const char *const columns[] = {"test", "gate", "kind", "name", "before", "after", "text"};
    const char *baseline = run_report_text(report->run, 0, "baseline"), *verdict = run_report_text(report->run, 0, "gate");
    if (!*verdict) {
        return;
    }
    text_append(out, "<h2>Gates</h2>\n<table><tr>");
    page_verdict(out, verdict);
    page_cell(out, run_report_text(report->run, 0, "gate_text"));
    page_cell(out, *baseline ? "against" : "");
    page_cell(out, baseline);
    text_append(out, "</tr></table>\n<table><tr><th>test</th><th>gate</th><th>finding</th><th>name</th><th>before</th><th>after</th>"
                     "<th>why</th><th>verdict</th></tr>\n");
    for (size_t row = 0; row < table_count(report->gates); row++) {
        text_append(out, "<tr>");
        for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
            page_cell(out, run_report_text(report->gates, row, columns[i]));
        }
        if (run_report_is_gate(report, row)) {
            page_verdict(out, run_report_verdict(report->gates, row));
        }
        text_append(out, "</tr>\n");
    }
    text_append(out, "</table>\n");
}

// What people said of it.
static void append_notes(const struct run_report *report, struct text *out)
{
    static const char *const columns[] = {"run", "trial", "by", "text"};
    const char *tags = run_report_text(report->run, 0, "tags");
    bool is_pinned = strcmp(run_report_text(report->run, 0, "pinned"), "1") == 0;
    if (!*tags && !is_pinned && !table_count(report->notes)) {
        return;
    }
    text_append(out, "<h2>Notes</h2>\n<table><tr>");
    page_cell(out, *tags ? "tags" : "");
    page_cell(out, tags);
    page_cell(out, is_pinned ? "pinned" : "");
    text_append(out, "</tr></table>\n<table><tr><th>run</th><th>trial</th><th>by</th><th>note</th></tr>\n");
    for (size_t row = 0; row < table_count(report->notes); row++) {
        text_append(out, "<tr>");
        for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
            page_cell(out, run_report_text(report->notes, row, columns[i]));
        }
        text_append(out, "</tr>\n");
    }
    text_append(out, "</table>\n");
}

static void append_throughput(const struct run_report *report, struct text *out)
{
    if (!report->throughput.length) {
        return;
    }
    text_append(out, "<h2>Throughput</h2>\n");
    text_append_bytes(out, report->throughput.data, report->throughput.length);
    if (report->captures_left_out) {
        text_printf(out, "<p>%zu captures more are not drawn; <code>panther-coord artifacts %s</code> lists all.</p>\n",
                    report->captures_left_out, run_report_text(report->run, 0, "name"));
    }
}

static void append_hosts(const struct run_report *report, struct text *out)
{
    if (!table_count(report->hosts)) {
        return;
    }
    text_append(out, "<h2>Hosts</h2>\n");
    page_headings(out, (const char *const[]){"host", "how it was set", "instances", NULL});
    for (size_t row = 0; row < table_count(report->hosts); row++) {
        struct text line = {0};
        report_host_line(report->hosts, row, &line);
        text_append(out, "<tr>");
        page_cell(out, run_report_text(report->hosts, row, "host"));
        page_cell(out, text_string(&line));
        page_cell(out, run_report_text(report->hosts, row, "instances_count"));
        text_append(out, "</tr>\n");
        text_free(&line);
    }
    text_append(out, "</table>\n");
}

void run_report_html(const struct run_report *report, struct text *out)
{
    CLEANUP_FREE char *title =
        memory_printf("%s %s", run_report_text(report->run, 0, "name"), run_report_text(report->run, 0, "experiment"));
    page_begin(out, title);
    append_counts(report, out);
    append_notes(report, out);
    append_gates(report, out);
    struct row_index *tests = row_index_new(report->cells, "test");
    for (size_t i = 0; i < row_index_count(tests); i++) {
        append_matrix(report, row_index_value(tests, i), row_index_find(tests, row_index_value(tests, i)), out);
    }
    row_index_free(&tests);
    append_flaky(report, out);
    append_cells(report, out);
    append_throughput(report, out);
    append_plots(report, out);
    append_hosts(report, out);
    page_end(out);
}

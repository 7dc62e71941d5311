// See matrix.h: a matrix for a person, a page and quic-interop-runner's readers.
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/units.h"
#include "coordinator/report/matrix_inside.h"
#include "coordinator/report/readable.h"

#define LINE_BYTES 300

// How letters stand in a field: those that passed as they are, the others behind a mark.
static const struct group {
    const char *mark, *verdicts;
} groups[] = {{"", "pass"}, {"!", "fail"}, {"?", "inconc error running"}, {"-", "none"}};

static bool is_among(const char *verdict, const char *verdicts)
{
    const size_t bytes = strlen(verdict);
    for (const char *at = strstr(verdicts, verdict); bytes > 0 && at; at = strstr(at + 1, verdict)) {
        if ((at == verdicts || at[-1] == ' ') && (at[bytes] == ' ' || at[bytes] == '\0')) {
            return true;
        }
    }
    return false;
}

static void field(const struct matrix *matrix, size_t client, size_t server, struct text *out)
{
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        bool is_first = true;
        for (size_t j = 0; j < matrix->case_count; j++) {
            const char *verdict = matrix_result_of(matrix, client, server, j)->verdict;
            if (verdict && is_among(verdict, groups[i].verdicts)) {
                char letters[LINE_BYTES];
                readable_line(matrix->cases[j].letters, letters, sizeof letters);
                text_printf(out, "%s%s%s", is_first ? (out->length ? " " : "") : ",", is_first ? groups[i].mark : "", letters);
                is_first = false;
            }
        }
    }
}

static struct table *as_table(const struct matrix *matrix)
{
    const char **row = memory_new(sizeof *row * (matrix->server_count + 1));
    char **fields = memory_new(sizeof *fields * (matrix->server_count + 1));
    row[0] = "client";
    memcpy(row + 1, matrix->servers, sizeof *row * matrix->server_count);
    struct table *table = table_new(row, matrix->server_count + 1);
    for (size_t client = 0; client < matrix->client_count; client++) {
        row[0] = matrix->clients[client];
        for (size_t server = 0; server < matrix->server_count; server++) {
            struct text text = {0};
            field(matrix, client, server, &text);
            row[server + 1] = fields[server] = memory_string(text.length ? text_string(&text) : "");
            text_free(&text);
        }
        table_add(table, row);
        for (size_t server = 0; server < matrix->server_count; server++) {
            free(fields[server]);
        }
    }
    free(fields);
    free((void *)row);
    return table;
}

static void legend(const struct matrix *matrix, struct text *out)
{
    for (size_t i = 0; i < matrix->case_count; i++) {
        char name[LINE_BYTES];
        readable_line(matrix->cases[i].name, name, sizeof name);
        if (strcmp(matrix->cases[i].letters, matrix->cases[i].name) != 0) {
            text_printf(out, "%s %s, ", matrix->cases[i].letters, name);
        }
    }
    text_append(out, "! failed, ? not decided, - not supported; blank: it did not run\n");
}

static const char *value_at(const struct table *table, size_t row, size_t column)
{
    return row == 0 ? table_column(table, column) : table_value(table, row - 1, table_column(table, column));
}

// Names of columns stand as they are: they are no columns of the store, whose ends have a meaning.
void matrix_table(const struct matrix *matrix, struct text *out)
{
    struct table *table = as_table(matrix);
    for (size_t row = 0; row <= table_count(table); row++) {
        size_t blanks = 0;
        for (size_t column = 0; column < table_columns(table); column++) {
            char line[LINE_BYTES];
            size_t width = 0;
            for (size_t other = 0; other <= table_count(table); other++) {
                readable_line(value_at(table, other, column), line, sizeof line);
                width = strlen(line) > width ? strlen(line) : width;
            }
            readable_line(value_at(table, row, column), line, sizeof line);
            if (*line) {
                text_printf(out, "%*s%s", (int)blanks, "", line);
                blanks = 0;
            }
            blanks += width - strlen(line) + 2;
        }
        text_append(out, "\n");
    }
    table_free(&table);
    text_append(out, "\n");
    legend(matrix, out);
}

static void append_escaped(struct text *out, const char *value)
{
    char line[LINE_BYTES];
    readable_line(value, line, sizeof line);
    text_append(out, " ");
    for (const char *at = line; *at; at++) {
        text_printf(out, "%s%c", strchr("|\\`*_<>[]", *at) ? "\\" : "", *at);
    }
    text_append(out, " |");
}

void matrix_markdown(const struct matrix *matrix, struct text *out)
{
    struct table *table = as_table(matrix);
    text_append(out, "|");
    for (size_t column = 0; column < table_columns(table); column++) {
        append_escaped(out, table_column(table, column));
    }
    text_append(out, "\n|");
    for (size_t column = 0; column < table_columns(table); column++) {
        text_append(out, "---|");
    }
    for (size_t row = 0; row < table_count(table); row++) {
        text_append(out, "\n|");
        for (size_t column = 0; column < table_columns(table); column++) {
            append_escaped(out, table_value(table, row, table_column(table, column)));
        }
    }
    text_append(out, "\n\n");
    table_free(&table);
    legend(matrix, out);
}

// ---- quic-interop-runner's

// "succeeded", "failed" and "unsupported" are its words; what was not decided is null.
static json_t *result_json(const char *verdict)
{
    return !verdict                       ? json_null()
           : strcmp(verdict, "pass") == 0 ? json_string("succeeded")
           : strcmp(verdict, "fail") == 0 ? json_string("failed")
           : strcmp(verdict, "none") == 0 ? json_string("unsupported")
                                          : json_null();
}

static json_t *case_json(const struct matrix_case *test_case, const struct matrix_result *result)
{
    json_t *object =
        json_pack("{s:s, s:s, s:o}", "abbr", test_case->letters, "name", test_case->name, "result", result_json(result->verdict));
    if (test_case->is_measurement) {
        const struct summary summary = sample_summary(&result->goodput);
        char details[64] = "";
        if (summary.count > 0) {
            snprintf(details, sizeof details, "%.0f (± %.0f) kbps", summary.mean, summary.deviation);
        }
        json_object_set_new(object, "details", json_string(details));
    }
    return object;
}

// Its lists: client by client, for each of them its servers, for each of these the cases.
static json_t *lists_json(const struct matrix *matrix, bool measurements)
{
    json_t *pairs = json_array();
    for (size_t pair = 0; pair < matrix->client_count * matrix->server_count; pair++) {
        json_t *list = json_array();
        for (size_t i = 0; i < matrix->case_count; i++) {
            if (matrix->cases[i].is_measurement == measurements) {
                const struct matrix_result *result = matrix_result_of(matrix, pair / matrix->server_count, pair % matrix->server_count, i);
                json_array_append_new(list, case_json(&matrix->cases[i], result));
            }
        }
        json_array_append_new(pairs, list);
    }
    return pairs;
}

static json_t *names_json(const char *const *names, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(list, json_string(names[i]));
    }
    return list;
}

static json_t *seconds_json(const struct run_report *report, const char *column)
{
    double ns = 0;
    return float_parse(run_report_text(report->run, 0, column), &ns) ? json_real(ns / 1e9) : json_null();
}

void matrix_json(const struct matrix *matrix, const struct run_report *report, struct text *out)
{
    json_t *tests = json_object();
    for (size_t i = 0; i < matrix->case_count; i++) {
        json_object_set_new(tests, matrix->cases[i].letters,
                            json_pack("{s:s, s:s}", "name", matrix->cases[i].name, "desc", matrix->cases[i].name));
    }
    json_t *document = json_pack("{s:o, s:o, s:s, s:o, s:o, s:{}, s:o, s:i, s:s, s:o, s:o}", "start_time",
                                 seconds_json(report, "started_wall_ns"), "end_time", seconds_json(report, "ended_wall_ns"), "log_dir",
                                 run_report_text(report->run, 0, "name"), "servers", names_json(matrix->servers, matrix->server_count),
                                 "clients", names_json(matrix->clients, matrix->client_count), "urls", "tests", tests, "quic_draft", 34,
                                 "quic_version", "0x1", "results", lists_json(matrix, false), "measurements", lists_json(matrix, true));
    char *text = document ? json_dumps(document, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
    text_append(out, text ? text : "{}");
    text_append(out, "\n");
    free(text);
    json_decref(document);
}

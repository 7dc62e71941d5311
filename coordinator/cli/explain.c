// panther-coord explain CELL: why this verdict, with pointers into what was recorded.
#include "coordinator/cli/explain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/report/explain.h"

// Of one stream: what went wrong stands in its first megabyte, or in its end, which events carry.
#define STREAM_MAX_BYTES (1024 * 1024)

static struct table *row_alone(const struct table *rows, size_t row)
{
    size_t count = table_columns(rows);
    const char **names = memory_new(sizeof *names * (count + 1)), **values = memory_new(sizeof *values * (count + 1));
    for (size_t i = 0; i < count; i++) {
        names[i] = table_column(rows, i);
        values[i] = table_value(rows, row, names[i]);
    }
    struct table *alone = table_new(names, count);
    table_add(alone, values);
    free(names);
    free(values);
    return alone;
}

int explain_find_trial(struct evidence *evidence, const char *scope, struct table **trial)
{
    struct table *rows = NULL;
    int status = evidence_table(evidence, PB__TABLE__TABLE_TRIALS, scope, &rows);
    size_t count = status ? 0 : table_count(rows);
    if (!status && count == 0) {
        fprintf(stderr, "panther-coord: nothing of %s has begun; `panther-coord results` says why a cell waits\n", scope);
        status = EXIT_FAIL;
    }
    for (size_t row = 1; !status && row < count; row++) {
        if (strcmp(table_value(rows, row, "cell"), table_value(rows, 0, "cell")) != 0) {
            fprintf(stderr, "panther-coord: %s has several cells: name one, such as %s\n", scope, table_value(rows, 0, "cell"));
            status = EXIT_USAGE;
        }
    }
    if (!status) {
        *trial = row_alone(rows, count - 1);
    }
    table_free(&rows);
    return status;
}

static char *read_stream(void *context, const char *stream, size_t *bytes)
{
    char *data = NULL;
    if (evidence_read(context, stream, 0, STREAM_MAX_BYTES, &data, bytes)) {
        free(data);
        return NULL;
    }
    return data;
}

static void print(const struct explanation *explanation, enum report_format format)
{
    if (format == REPORT_TABLE) {
        struct text text = {0};
        explanation_text(explanation, &text);
        fputs(text_string(&text), stdout);
        text_free(&text);
    } else {
        struct table *table = explanation_table(explanation);
        table_print(table, format, stdout, false);
        table_free(&table);
    }
}

int explain_print(struct evidence *evidence, const char *scope, enum report_format format)
{
    struct table *trial = NULL, *tables[5] = {NULL};
    static const Pb__Table wanted[5] = {PB__TABLE__TABLE_INSTANCES, PB__TABLE__TABLE_CASES, PB__TABLE__TABLE_ASSERTIONS,
                                        PB__TABLE__TABLE_STREAMS, PB__TABLE__TABLE_TIMELINE};
    int status = explain_find_trial(evidence, scope, &trial);
    for (size_t i = 0; !status && i < 5; i++) {
        status = evidence_table(evidence, wanted[i], table_value(trial, 0, "name"), &tables[i]);
    }
    if (!status) {
        struct explain_input input = {.trial = trial,
                                      .instances = tables[0],
                                      .cases = tables[1],
                                      .assertions = tables[2],
                                      .streams = tables[3],
                                      .timeline = tables[4],
                                      .read = read_stream,
                                      .context = evidence};
        struct explanation explanation;
        explain(&input, &explanation);
        print(&explanation, format);
        explanation_free(&explanation);
    }
    for (size_t i = 0; i < 5; i++) {
        table_free(&tables[i]);
    }
    table_free(&trial);
    return status;
}

int cli_explain(int argc, char **argv)
{
    struct simple_arguments arguments = {.argument_is_required = true, .argument_name = "CELL"};
    simple_parse(
        argc, argv, "CELL|TRIAL",
        "Why a cell (its last attempt) or a trial came to its verdict: what went wrong in the order of cause and effect, each link "
        "with the event or the stream and offset where it can be read, and what is advised when it is a known failure.\v"
        "`panther-coord logs STREAM` prints a stream, `panther-coord timeline TRIAL` everything that happened.",
        &arguments);
    struct evidence evidence = {.client = &arguments.client};
    int status = explain_print(&evidence, arguments.argument, arguments.client.format);
    client_close(&arguments.client);
    return status;
}

// results --matrix: who gets on with whom.
#include "coordinator/cli/matrix.h"

#include <stdio.h>

#include "coordinator/cli/report.h"
#include "coordinator/report/matrix.h"

static void print(const struct matrix *matrix, const struct run_report *report, enum report_format format)
{
    struct text text = {0};
    if (format == REPORT_MARKDOWN) {
        matrix_markdown(matrix, &text);
    } else if (format == REPORT_TABLE) {
        matrix_table(matrix, &text);
    } else {
        matrix_json(matrix, report, &text); // jsonl: one object is one line
    }
    fwrite(text_string(&text), 1, text.length, stdout);
    text_free(&text);
}

int print_matrix(struct client *client, const char *scope)
{
    struct evidence evidence = {.client = client};
    struct run_report report = {0};
    struct table *instances = NULL;
    int status = report_gather(&evidence, scope, &report);
    status = status ? status : evidence_table(&evidence, PB__TABLE__TABLE_INSTANCES, scope, &instances);
    if (!status) {
        struct matrix *matrix = matrix_new(&report, instances);
        print(matrix, &report, client->format);
        matrix_free(&matrix);
    }
    table_free(&instances);
    run_report_free(&report);
    client_close(client);
    return status;
}

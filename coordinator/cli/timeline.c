// panther-coord timeline TRIAL: what happened on all hosts, on one axis.
#include "coordinator/cli/timeline.h"

#include <stdio.h>

#include "coordinator/report/timeline.h"

int timeline_print(struct evidence *evidence, const char *scope, enum report_format format)
{
    struct table *rows = NULL;
    int status = evidence_table(evidence, PB__TABLE__TABLE_TIMELINE, scope, &rows);
    if (status) {
        table_free(&rows);
        return status;
    }
    struct timeline timeline;
    struct text text = {0};
    timeline_make(rows, &timeline);
    if (format == REPORT_TABLE) {
        timeline_text(&timeline, &text);
    } else if (format == REPORT_HTML) {
        timeline_html(&timeline, scope, &text);
    } else {
        struct table *table = timeline_table(&timeline);
        table_print(table, format, stdout, false);
        table_free(&table);
    }
    fwrite(text_string(&text), 1, text.length, stdout);
    text_free(&text);
    timeline_free(&timeline);
    table_free(&rows);
    return status;
}

int cli_timeline(int argc, char **argv)
{
    struct simple_arguments arguments = {.argument_is_required = true, .argument_name = "TRIAL", .client.documents = TIMELINE_DOCUMENTS};
    simple_parse(
        argc, argv, "TRIAL|CELL|SERVICE",
        "What happened in a trial on all hosts, on one axis: decisions, commands, processes, cases, faults, metrics.\vThe clocks of "
        "the hosts are corrected by what their heartbeats measured, the error that is left is stated, and no effect stands before "
        "its cause: ~ marks what was moved for that, ? what stands where it was received. With -o html it is one page with zoom and "
        "filter.",
        &arguments);
    struct evidence evidence = {.client = &arguments.client};
    int status = timeline_print(&evidence, arguments.argument, arguments.client.format);
    client_close(&arguments.client);
    return status;
}

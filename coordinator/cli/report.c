// panther-coord report RUN: a run as a document, for a terminal, a CI server, a spreadsheet, a merge request or a browser.
#include "coordinator/cli/report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/system/file.h"
#include "coordinator/cli/save.h"
#include "coordinator/report/report_hosts.h"

struct report_arguments {
    struct client client;
    const char *scope, *folder;
};

enum { KEY_SAVE = 1100 };

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct report_arguments *arguments = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &arguments->client;
        return 0;
    case KEY_SAVE:
        arguments->folder = argument;
        return 0;
    case ARGP_KEY_ARG:
        if (arguments->scope) {
            argp_error(state, "one argument too many: %s", argument);
        }
        arguments->scope = argument;
        return 0;
    case ARGP_KEY_END:
        if (arguments->folder && arguments->client.format != REPORT_HTML) {
            argp_error(state, "--save is for -o html: only a page has links to what is saved");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int report_gather(struct evidence *evidence, const char *scope, struct run_report *report)
{
    const struct {
        Pb__Table table;
        struct table **rows;
    } wanted[] = {{PB__TABLE__TABLE_RUNS, &report->run},
                  {PB__TABLE__TABLE_CELLS, &report->cells},
                  {PB__TABLE__TABLE_TRIALS, &report->trials},
                  {PB__TABLE__TABLE_CASES, &report->cases},
                  {PB__TABLE__TABLE_METRICS, &report->metrics},
                  {PB__TABLE__TABLE_ASSERTIONS, &report->assertions},
                  {PB__TABLE__TABLE_FINDINGS, &report->findings},
                  {PB__TABLE__TABLE_STREAMS, &report->streams},
                  {PB__TABLE__TABLE_ARTIFACTS, &report->artifacts},
                  {PB__TABLE__TABLE_GATES, &report->gates},
                  {PB__TABLE__TABLE_NOTES, &report->notes}};
    struct table *instances = NULL;
    int status = evidence_table(evidence, PB__TABLE__TABLE_INSTANCES, scope, &instances);
    for (size_t i = 0; !status && i < sizeof wanted / sizeof *wanted; i++) {
        if (wanted[i].table == PB__TABLE__TABLE_GATES && evidence->folder) {
            report->gates = table_new((const char *const[]){"run"}, 1); // a bundle is of one trial
            continue;
        }
        status = evidence_table(evidence, wanted[i].table, scope, wanted[i].rows);
    }
    if (!status) {
        report->hosts = report_hosts(instances);
        run_report_index(report);
    }
    table_free(&instances);
    return status;
}

void report_print(const struct run_report *report, enum report_format format, FILE *out)
{
    static void (*const documents[])(const struct run_report *report, struct text *out) = {
        [REPORT_TABLE] = run_report_table, [REPORT_JSON] = run_report_json,        [REPORT_JSONL] = run_report_jsonl,
        [REPORT_JUNIT] = run_report_junit, [REPORT_TAP] = run_report_tap,          [REPORT_CSV] = run_report_csv,
        [REPORT_HTML] = run_report_html,   [REPORT_MARKDOWN] = run_report_markdown};
    struct text text = {0};
    documents[format](report, &text);
    fwrite(text_string(&text), 1, text.length, out);
    text_free(&text);
}

// What has arrived goes beside the page, under the names that it links to. What has not is said on the page.
static int save_table(struct client *client, const char *folder, const struct table *rows)
{
    int status = EXIT_PASS;
    for (size_t row = 0; row < table_count(rows); row++) {
        if (strcmp(run_report_text(rows, row, "state"), "stored") == 0 &&
            save_content(client, folder, run_report_text(rows, row, "name"), run_report_text(rows, row, "hash"), NULL)) {
            status = EXIT_FAIL;
        }
    }
    return status;
}

static int save(struct client *client, const char *folder, struct run_report *report)
{
    struct panther_error error = {0};
    CLEANUP_FREE char *evidence = path_join(folder, "evidence");
    CLEANUP_FREE char *page = path_join(folder, "index.html");
    if (folder_make(evidence, 0777, &error)) {
        return client_problem(&error);
    }
    int status = save_table(client, evidence, report->streams);
    status = save_table(client, evidence, report->artifacts) ? EXIT_FAIL : status;
    FILE *out = fopen(page, "w");
    if (!out) {
        error_system(&error, errno, "cannot write %s", page);
        return client_problem(&error);
    }
    report->evidence = "evidence";
    report_print(report, REPORT_HTML, out);
    if (fclose(out)) {
        fprintf(stderr, "panther-coord: %s could not be written: is the disk full?\n", page);
        return EXIT_FAIL;
    }
    printf("%s\n", page);
    return status;
}

int cli_report(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"save", KEY_SAVE, "DIR", 0, "with -o html: writes DIR/index.html, and what it links to beside it", 0},
        {0},
    };
    static const struct argp_child children[] = {{&client_argp, 0, NULL, 0}, {0}};
    static const struct argp argp = {
        options,
        parse,
        "[RUN|TEST|CELL]",
        "A run (default: @last) as a document.\v-o takes table, json (one object), jsonl (an object a row), junit, tap, csv (a row for "
        "each "
        "thing that was judged or measured), markdown and html (one page that fetches nothing: matrix, verdicts and reasons, plots).",
        children,
        NULL,
        NULL};
    struct report_arguments arguments = {.client.documents = REPORT_DOCUMENTS};
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    struct evidence evidence = {.client = &arguments.client};
    struct run_report report = {0};
    int status = report_gather(&evidence, arguments.scope ? arguments.scope : "@last", &report);
    if (!status && arguments.client.format == REPORT_HTML) {
        status = report_gather_captures(&evidence, &report);
    }
    if (!status && arguments.folder) {
        status = save(&arguments.client, arguments.folder, &report);
    } else if (!status) {
        report_print(&report, arguments.client.format, stdout);
    }
    run_report_free(&report);
    client_close(&arguments.client);
    return status;
}

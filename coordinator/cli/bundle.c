// panther-coord bundle TRIAL FILE: the tables, streams and artifacts of a trial as one file that `open` reads without a coordinator.
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/archive/archive.h"
#include "common/system/file.h"
#include "coordinator/cli/bundle.h"
#include "coordinator/cli/explain.h"
#include "coordinator/cli/report.h"
#include "coordinator/cli/save.h"

// A trial's captures and streams; who leaves more is told to look at it where it is.
#define BUNDLE_MAX_BYTES ((size_t)4 * 1024 * 1024 * 1024)

enum { KEY_FORCE = 1500 };

struct bundle_arguments {
    struct client client;
    const char *scope, *path;
    bool force;
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct bundle_arguments *arguments = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &arguments->client;
        return 0;
    case KEY_FORCE:
        arguments->force = true;
        return 0;
    case ARGP_KEY_ARG:
        if (arguments->path) {
            argp_error(state, "one argument too many: %s", argument);
        }
        *(arguments->scope ? &arguments->path : &arguments->scope) = argument;
        return 0;
    case ARGP_KEY_END:
        if (!arguments->path) {
            argp_error(state, "which trial, and into which file? bundle TRIAL FILE.tar.zst");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int write_text(const char *folder, const char *name, const struct text *text)
{
    struct panther_error error = {0};
    CLEANUP_FREE char *path = path_join(folder, name);
    return file_write_atomic(path, text_string(text), text->length, 0644, &error) ? client_problem(&error) : 0;
}

static int save_content_of(struct client *client, const char *folder, const struct table *rows)
{
    CLEANUP_FREE char *content = path_join(folder, EVIDENCE_CONTENT);
    int status = 0;
    for (size_t row = 0; !status && row < table_count(rows); row++) {
        const char *name = table_value(rows, row, "name");
        if (strcmp(table_value(rows, row, "state"), "stored") == 0) {
            status = save_content(client, content, name, table_value(rows, row, "hash"), NULL);
        } else {
            fprintf(stderr, "panther-coord: %s is not in the bundle: %s\n", name, table_value(rows, row, "state"));
        }
    }
    return status;
}

// The experiment's own, so that `rerun` can send them to any coordinator.
static int save_files(struct client *client, const char *folder, const struct table *submission)
{
    CLEANUP_FREE char *place = path_join(folder, BUNDLE_FILES);
    json_t *files = table_count(submission) ? json_loads(table_value(submission, 0, "files"), 0, NULL) : NULL;
    int status = 0;
    for (size_t i = 0; !status && i < json_array_size(files); i++) {
        const char *hash = json_string_value(json_object_get(json_array_get(files, i), "hash"));
        status = hash ? save_content(client, place, hash, hash, NULL) : 0;
    }
    json_decref(files);
    return status;
}

static int save_table(struct evidence *evidence, Pb__Table table, const char *trial, const char *folder)
{
    struct table *rows = NULL;
    struct text text = {0};
    CLEANUP_FREE char *name = memory_printf(EVIDENCE_TABLES "/%s.json", evidence_table_name(table));
    int status = evidence_table(evidence, table, trial, &rows);
    if (!status) {
        table_append_json(rows, &text);
        status = write_text(folder, name, &text);
    }
    if (!status && (table == PB__TABLE__TABLE_STREAMS || table == PB__TABLE__TABLE_ARTIFACTS)) {
        status = save_content_of(evidence->client, folder, rows);
    }
    if (!status && table == PB__TABLE__TABLE_SUBMISSIONS) {
        status = save_files(evidence->client, folder, rows);
    }
    text_free(&text);
    table_free(&rows);
    return status;
}

static bool write_part(void *context, const void *data, size_t bytes)
{
    return fwrite(data, 1, bytes, context) == bytes;
}

// Under its name when it is whole: never half a bundle, and what is to be replaced stays until then.
static int pack(const char *folder, const char *path)
{
    struct panther_error error = {0};
    CLEANUP_FREE char *part = memory_printf("%s.part", path);
    FILE *out = fopen(part, "we");
    if (!out) {
        error_system(&error, errno, "cannot make %s", part);
        client_problem(&error);
        return EXIT_FAIL;
    }
    int result = archive_write_zstd(folder, BUNDLE_MAX_BYTES, write_part, out, &error);
    if (fclose(out) && !result) {
        result = error_set(&error, PANTHER_EIO, "%s could not be written: is the disk full?", path);
    }
    if (!result && rename(part, path) != 0) {
        result = error_system(&error, errno, "cannot make %s", path);
    }
    if (result) {
        remove(part);
        client_problem(&error);
    }
    return result ? EXIT_FAIL : 0;
}

static int gather(struct evidence *evidence, const char *trial, const char *folder)
{
    static const Pb__Table tables[] = {PB__TABLE__TABLE_RUNS,       PB__TABLE__TABLE_CELLS,      PB__TABLE__TABLE_TRIALS,
                                       PB__TABLE__TABLE_CASES,      PB__TABLE__TABLE_METRICS,    PB__TABLE__TABLE_ARTIFACTS,
                                       PB__TABLE__TABLE_STREAMS,    PB__TABLE__TABLE_EVENTS,     PB__TABLE__TABLE_INSTANCES,
                                       PB__TABLE__TABLE_ASSERTIONS, PB__TABLE__TABLE_FINDINGS,   PB__TABLE__TABLE_TIMELINE,
                                       PB__TABLE__TABLE_NOTES,      PB__TABLE__TABLE_SUBMISSIONS};
    struct panther_error error = {0};
    CLEANUP_FREE char *below = path_join(folder, EVIDENCE_TABLES);
    int status = folder_make(below, 0700, &error) ? client_problem(&error) : 0;
    for (size_t i = 0; !status && i < sizeof tables / sizeof *tables; i++) {
        status = save_table(evidence, tables[i], trial, folder);
    }
    return status;
}

// A page for whoever has only a browser.
static int add_page(const char *folder, const char *trial)
{
    struct evidence evidence = {.folder = folder};
    struct run_report report = {.evidence = EVIDENCE_CONTENT};
    struct text page = {0};
    int status = report_gather(&evidence, trial, &report);
    status = status ? status : report_gather_captures(&evidence, &report);
    if (!status) {
        run_report_html(&report, &page);
        status = write_text(folder, "index.html", &page);
    }
    text_free(&page);
    run_report_free(&report);
    return status;
}

static int make(struct bundle_arguments *arguments)
{
    char folder[] = "/tmp/panther-bundle-XXXXXX";
    struct evidence evidence = {.client = &arguments->client};
    struct table *trial = NULL;
    int status = explain_find_trial(&evidence, arguments->scope, &trial);
    if (!status && !mkdtemp(folder)) {
        fprintf(stderr, "panther-coord: %s: %s\n", folder, strerror(errno));
        status = EXIT_FAIL;
    } else if (!status) {
        const char *name = table_value(trial, 0, "name");
        status = gather(&evidence, name, folder);
        status = status ? status : add_page(folder, name);
        status = status ? status : pack(folder, arguments->path);
        folder_remove(folder, NULL);
        if (!status) {
            const char *values[] = {name, arguments->path};
            client_answer(&arguments->client, arguments->path, (const char *const[]){"trial", "path"}, values, 2);
        }
    }
    table_free(&trial);
    return status;
}

int cli_bundle(int argc, char **argv)
{
    static const struct argp_option options[] = {{"force", KEY_FORCE, NULL, 0, "replace FILE when it is there already", 0}, {0}};
    static const struct argp_child children[] = {{&client_argp, 0, NULL, 0}, {0}};
    static const struct argp argp = {
        options,
        parse,
        "TRIAL FILE.tar.zst",
        "Puts everything that is known of a trial (or of a cell's last attempt) into one new file: verdicts, cases, "
        "metrics, the journal with the clocks, placement, versions and hashes, hosts, streams and artifacts.\v`panther-coord "
        "open FILE` reads it without a coordinator; unpacked, index.html in it is for a browser. Keys of the lab are "
        "never in it.",
        children,
        NULL,
        NULL};
    struct bundle_arguments arguments = {0};
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    int status = EXIT_USAGE;
    if (!arguments.force && file_exists(arguments.path)) {
        fprintf(stderr, "panther-coord: %s is there already; --force replaces it\n", arguments.path);
    } else {
        status = make(&arguments);
    }
    client_close(&arguments.client);
    return status;
}

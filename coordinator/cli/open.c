// panther-coord open FILE: report, timeline and explanation of a bundle, without a coordinator.
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/archive/archive.h"
#include "common/system/file.h"
#include "coordinator/cli/bundle.h"
#include "coordinator/cli/explain.h"
#include "coordinator/cli/report.h"
#include "coordinator/cli/timeline.h"

struct open_arguments {
    const char *path, *what;
    enum report_format format;
    struct timeline_wish wish;
};

enum { KEY_WITH = 1000 };

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct open_arguments *arguments = state->input;
    switch (key) {
    case 'o':
        if (!report_document_parse(argument, REPORT_DOCUMENTS, &arguments->format)) {
            argp_error(state, "-o %s: use one of those that --help of report names", argument);
        }
        return 0;
    case KEY_WITH:
        if (!timeline_wish_parse(argument, &arguments->wish)) {
            argp_error(state, "--with %s: use metrics, logs, packets, qlog, with commas between them, or all", argument);
        }
        return 0;
    case ARGP_KEY_ARG:
        if (arguments->what) {
            argp_error(state, "one argument too many: %s", argument);
        }
        *(arguments->path ? &arguments->what : &arguments->path) = argument;
        return 0;
    case ARGP_KEY_END:
        if (!arguments->path) {
            argp_error(state, "which bundle?");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int show_report(struct evidence *evidence, enum report_format format)
{
    struct run_report report = {0};
    int status = report_gather(evidence, "", &report);
    if (!status && format == REPORT_HTML) {
        status = report_gather_captures(evidence, &report);
    }
    if (!status) {
        report_print(&report, format, stdout);
    }
    run_report_free(&report);
    return status;
}

static int wrong_format(const char *what)
{
    fprintf(stderr, "panther-coord: %s has no such form\n", what);
    return EXIT_USAGE;
}

static int show(struct evidence *evidence, const char *what, const struct timeline_wish *wish, enum report_format format)
{
    bool is_plain = format <= REPORT_JSONL;
    if (strcmp(what, "report") == 0) {
        return show_report(evidence, format);
    }
    if (strcmp(what, "timeline") == 0) {
        return is_plain || format == REPORT_HTML ? timeline_print(evidence, "", wish, format) : wrong_format(what);
    }
    if (strcmp(what, "explain") == 0) {
        return is_plain ? explain_print(evidence, "", format) : wrong_format(what);
    }
    fprintf(stderr, "panther-coord: open shows report, timeline or explain, not \"%s\"\n", what);
    return EXIT_USAGE;
}

int cli_open(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"output", 'o', "FORMAT", 0, "as with report, timeline and explain", 0},
        {"with", KEY_WITH, "SOURCES", 0, "as with timeline", 0},
        {0},
    };
    static const struct argp argp = {
        options,
        parse,
        "FILE.tar.zst [report|timeline|explain]",
        "Reads what `panther-coord bundle` made: why it came to its verdict (explain, unless another is asked for), its "
        "report, its timeline. No coordinator and no key are needed.",
        NULL,
        NULL,
        NULL};
    struct open_arguments arguments = {.format = REPORT_TABLE, .wish = TIMELINE_WISH};
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    struct panther_error error = {0};
    char folder[] = "/tmp/panther-open-XXXXXX";
    if (!mkdtemp(folder)) {
        fprintf(stderr, "panther-coord: %s: %s\n", folder, strerror(errno));
        return EXIT_FAIL;
    }
    CLEANUP_FREE char *inside = path_join(folder, "bundle");
    int status;
    if (archive_unpack_zstd(arguments.path, inside, BUNDLE_OPENED_MAX_BYTES, &error)) {
        fprintf(stderr, "panther-coord: %s is no bundle: %s\n", arguments.path, error.message);
        status = EXIT_FAIL;
    } else {
        struct evidence evidence = {.folder = inside};
        status = show(&evidence, arguments.what ? arguments.what : "explain", &arguments.wish, arguments.format);
    }
    folder_remove(folder, NULL);
    return status;
}

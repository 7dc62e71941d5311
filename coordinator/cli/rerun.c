// panther-coord rerun: a run, its cells that did not pass, or one trial again, with the same text, files and seeds. Of a bundle too.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/archive/archive.h"
#include "common/base/limits.h"
#include "common/system/file.h"
#include "common/wire/wire.h"
#include "coordinator/cli/bundle.h"
#include "coordinator/cli/experiment_file.h"
#include "coordinator/cli/follow.h"
#include "coordinator/cli/overrides.h"
#include "coordinator/cli/rerun_count.h"
#include "coordinator/report/readable.h"

struct rerun_arguments {
    struct client client;
    struct repeat repeat;
    struct overrides overrides;
    bool detach, follow;
};

enum { KEY_FAILED = 1400, KEY_TIMES, KEY_ONLY, KEY_DETACH };

static const struct argp_option options[] = {
    {"failed", KEY_FAILED, NULL, 0, "of a run: only the cells that ended fail, inconc or error", 0},
    {"times", KEY_TIMES, "N", 0, "every cell N times, each time with the seed that it had", 0},
    {"only", KEY_ONLY, "NAME=VALUE,...", 0, "this part of it, as with submit", 0},
    {"follow", 'f', NULL, 0, "print a line for each cell that ends", 0},
    {"detach", KEY_DETACH, NULL, 0, "print the name of the new run and do not wait for it", 0},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct rerun_arguments *arguments = state->input;
    char *end;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &arguments->client;
        return 0;
    case KEY_FAILED:
        arguments->repeat.failed = true;
        return 0;
    case KEY_TIMES:
        arguments->repeat.times = (uint32_t)strtoul(argument, &end, 10);
        if (*end || end - argument > 6 || !arguments->repeat.times) {
            argp_error(state, "--times %s: use a whole number from 1", argument);
        }
        return 0;
    case KEY_ONLY:
        overrides_add_only(&arguments->overrides, argument, state);
        return 0;
    case 'f':
        arguments->follow = true;
        return 0;
    case KEY_DETACH:
        arguments->detach = true;
        return 0;
    case ARGP_KEY_ARG:
        if (arguments->repeat.what) {
            argp_error(state, "one argument too many: %s", argument);
        }
        arguments->repeat.what = argument;
        return 0;
    case ARGP_KEY_END:
        if (!arguments->repeat.what) {
            argp_error(state, "which run, trial or bundle?");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

// ---- files: a coordinator has those of its runs; to another one a bundle brings them

static int upload(struct client *client, const struct evidence *evidence, const char *hash)
{
    struct panther_error error = {0};
    char *data = NULL;
    size_t bytes = 0;
    if (!evidence->folder) {
        fprintf(stderr, "panther-coord: a file of that run is not there any more (%s)\n", hash);
        return EXIT_FAIL;
    }
    CLEANUP_FREE char *path = memory_printf("%s/" BUNDLE_FILES "/%s", evidence->folder, hash);
    int result = file_read(path, TRAVELLING_FILE_MAX_BYTES, &data, &bytes, &error);
    if (!result) {
        result = bus_call_put_blob(client->call, hash, data, bytes, &error);
    }
    free(data);
    return result ? client_problem(&error) : 0;
}

static int send_submit(struct client *client, Pb__Submit *submit, Pb__Reply **reply)
{
    Pb__Request request = PB__REQUEST__INIT;
    request.body_case = PB__REQUEST__BODY_SUBMIT;
    request.submit = submit;
    return client_call(client, &request, reply);
}

static int upload_missing(struct client *client, const struct evidence *evidence, const Pb__Submitted *submitted)
{
    size_t count = submitted->n_missing;
    char **hashes = memory_new(sizeof *hashes * (count + 1));
    int status = 0;
    for (size_t i = 0; i < count; i++) {
        hashes[i] = memory_string(submitted->missing[i]);
    }
    for (size_t i = 0; i < count; i++) {
        bool is_hash = strspn(hashes[i], "0123456789abcdef") == strlen(hashes[i]);
        status = status ? status : is_hash ? upload(client, evidence, hashes[i]) : EXIT_FAIL;
        free(hashes[i]);
    }
    free(hashes);
    return status;
}

static void print_diagnostics(const Pb__Submitted *submitted)
{
    for (size_t i = 0; i < submitted->n_diagnostics; i++) {
        const Pb__Diagnostic *item = submitted->diagnostics[i];
        char message[PANTHER_ERROR_MESSAGE_BYTES];
        readable_line(item->message, message, sizeof message);
        fprintf(stderr, "%s:%u:%u: %s%s\n", item->file, item->line, item->column, item->warning ? "warning: " : "", message);
    }
}

// ---- the new run

// A choice made now takes the place of the earlier one of the same name.
static void add_overrides(Pb__Submit *submit, const struct overrides *added, struct arena *arena)
{
    Pb__Override **all = ARENA_ARRAY(arena, Pb__Override *, submit->n_overrides + added->count);
    size_t count = 0;
    for (size_t i = 0; i < submit->n_overrides; i++) {
        bool is_replaced = false;
        for (size_t j = 0; j < added->count; j++) {
            is_replaced = is_replaced || strcmp(added->list[j]->path, submit->overrides[i]->path) == 0;
        }
        if (!is_replaced) {
            all[count++] = submit->overrides[i];
        }
    }
    for (size_t j = 0; j < added->count; j++) {
        all[count++] = added->list[j];
    }
    submit->overrides = all;
    submit->n_overrides = count;
}

static int await(struct rerun_arguments *arguments, const char *run)
{
    struct client *client = &arguments->client;
    bool is_table = client->format == REPORT_TABLE;
    if (is_table || arguments->detach) {
        const char *of = arguments->repeat.rerun.of;
        client_answer(client, arguments->detach ? run : arena_printf(client->arena, "%s repeats %s", run, of),
                      (const char *const[]){"run", "rerun_of"}, (const char *const[]){run, of}, 2);
        fflush(stdout);
    }
    if (arguments->detach) {
        return EXIT_PASS;
    }
    const struct follow_options follow = {.cells = arguments->follow, .progress = true, .quiet = !is_table};
    int ended = follow_run(client, run, &follow);
    if (ended == EXIT_UNREACHABLE) {
        return ended;
    }
    int status = rerun_count_print(client, &arguments->repeat, run);
    return status ? status : ended;
}

static int submit(struct rerun_arguments *arguments, const struct evidence *evidence)
{
    struct client *client = &arguments->client;
    Pb__Submit *submit = &arguments->repeat.submit;
    Pb__Reply *reply;
    int status = send_submit(client, submit, &reply);
    if (!status && reply->submitted->n_missing) {
        status = upload_missing(client, evidence, reply->submitted);
        status = status ? status : send_submit(client, submit, &reply);
    }
    if (status) {
        return status;
    }
    print_diagnostics(reply->submitted);
    if (!reply->submitted->accepted) {
        return EXIT_USAGE;
    }
    CLEANUP_FREE char *run = memory_string(reply->submitted->run_name);
    return await(arguments, run);
}

static int rerun(struct rerun_arguments *arguments, struct evidence *evidence)
{
    struct arena *arena = arena_new(0);
    int status = repeat_read(&arguments->repeat, evidence, arena);
    if (!status) {
        add_overrides(&arguments->repeat.submit, &arguments->overrides, arena);
        status = submit(arguments, evidence);
    }
    repeat_free(&arguments->repeat);
    arena_free(&arena);
    return status;
}

static int rerun_bundle(struct rerun_arguments *arguments)
{
    struct panther_error error = {0};
    char folder[] = "/tmp/panther-rerun-XXXXXX";
    if (!mkdtemp(folder)) {
        fprintf(stderr, "panther-coord: %s: %s\n", folder, strerror(errno));
        return EXIT_FAIL;
    }
    CLEANUP_FREE char *inside = path_join(folder, "bundle");
    int status;
    if (archive_unpack_zstd(arguments->repeat.what, inside, BUNDLE_OPENED_MAX_BYTES, &error)) {
        fprintf(stderr, "panther-coord: %s is no bundle: %s\n", arguments->repeat.what, error.message);
        status = EXIT_FAIL;
    } else {
        struct evidence evidence = {.client = &arguments->client, .folder = inside};
        arguments->repeat.what = "";
        status = rerun(arguments, &evidence);
    }
    folder_remove(folder, NULL);
    return status;
}

static bool is_file(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

int cli_rerun(int argc, char **argv)
{
    static const struct argp_child children[] = {{&client_argp, 0, NULL, 0}, {0}};
    static const struct argp argp = {
        options,
        parse,
        "RUN|TRIAL|BUNDLE",
        "Runs it again as a new run, with the text, files, settings, labels and seeds that it had, waits, and says how often "
        "it ended as before. Of a run all cells, of a cell or trial that cell; a file is what `bundle` made.\vExit status: as that "
        "of `submit --wait`, for the new run.",
        children,
        NULL,
        NULL};
    struct rerun_arguments arguments = {0};
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    struct evidence evidence = {.client = &arguments.client};
    int status = is_file(arguments.repeat.what) ? rerun_bundle(&arguments) : rerun(&arguments, &evidence);
    overrides_free(&arguments.overrides);
    client_close(&arguments.client);
    return status;
}

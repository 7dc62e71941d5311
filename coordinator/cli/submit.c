// panther-coord submit FILE: sends an experiment, its files and overrides; optionally waits for the verdicts.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/limits.h"
#include "common/base/map.h"
#include "common/base/units.h"
#include "common/base/verdict.h"
#include "common/system/file.h"
#include "coordinator/cli/client.h"
#include "coordinator/cli/dry_run.h"
#include "coordinator/cli/experiment_file.h"
#include "coordinator/cli/follow.h"
#include "coordinator/cli/overrides.h"

#define LABELS_MAX 16 // as many as anybody gives a run
#define HOLDS_MAX 3   // verdicts that can be held

struct submit_arguments {
    struct client client;
    const char *path, *key;
    bool wait, follow, dry_run;
    struct overrides overrides;
    Pb__Label labels[LABELS_MAX], *label_list[LABELS_MAX];
    size_t label_count;
    Pb__HoldRule holds[HOLDS_MAX], *hold_list[HOLDS_MAX];
    size_t hold_count;
};

enum { KEY_SET = 800, KEY_ONLY, KEY_REPEAT, KEY_KEY, KEY_WAIT, KEY_DRY, KEY_LABEL, KEY_HOLD };

static const struct argp_option options[] = {
    {"wait", KEY_WAIT, NULL, 0, "wait until the run has ended, or only what is held is left; the exit status tells its verdict", 0},
    {"follow", 'f', NULL, 0, "wait, and print a line for each cell that ends", 0},
    {"dry-run", KEY_DRY, NULL, 0, "check only; show cells, placement, cases and commands", 0},
    {"hold-on", KEY_HOLD, "VERDICT=TIME", 0, "keep the services of trials that come to this verdict, e.g. fail=30m; see `release`", 0},
    {"set", KEY_SET, "PATH=VALUE", 0, "replace a value, e.g. tests.load.repeat.times=5", 0},
    {"only", KEY_ONLY, "NAME=VALUE,...", 0, "run this part: values of axes, plugins of services, case=NAME, test=NAME", 0},
    {"repeat", KEY_REPEAT, "N", 0, "run every combination N times, whatever the file says", 0},
    {"label", KEY_LABEL, "NAME=VALUE", 0, "mark the run, e.g. branch=main; `runs` and `history` select by it", 0},
    {"key", KEY_KEY, "K", 0, "idempotency: the same key and content is the same run, however often it is sent", 0},
    {0},
};

static void add_label(struct submit_arguments *arguments, char *argument, struct argp_state *state)
{
    char *equals = strchr(argument, '=');
    if (!equals || equals == argument || strpbrk(argument, " \t\n")) {
        argp_error(state, "--label %s: write NAME=VALUE, without blanks", argument);
    }
    if (arguments->label_count == LABELS_MAX) {
        argp_error(state, "--label: at most %d", LABELS_MAX);
    }
    *equals = '\0';
    Pb__Label *label = &arguments->labels[arguments->label_count];
    pb__label__init(label);
    label->name = argument;
    label->value = equals + 1;
    arguments->label_list[arguments->label_count++] = label;
}

static void add_hold(struct submit_arguments *arguments, const char *argument, struct argp_state *state)
{
    static const int held[HOLDS_MAX] = {VERDICT_INCONC, VERDICT_FAIL, VERDICT_ERROR};
    const char *equals = strchr(argument, '=');
    size_t length = equals ? (size_t)(equals - argument) : 0;
    int verdict = VERDICT_NONE;
    for (size_t i = 0; i < HOLDS_MAX; i++) {
        const char *name = verdict_name(held[i]);
        verdict = strlen(name) == length && strncmp(name, argument, length) == 0 ? held[i] : verdict;
    }
    uint64_t ms = 0;
    if (verdict == VERDICT_NONE || !duration_parse_ms(equals + 1, &ms) || ms == 0 || ms > HOLD_MAX_MS) {
        argp_error(state, "--hold-on %s: write inconc=TIME, fail=TIME or error=TIME, of at most 12h, e.g. fail=30m", argument);
    }
    for (size_t i = 0; i < arguments->hold_count; i++) {
        if ((int)arguments->holds[i].verdict == verdict) {
            argp_error(state, "--hold-on %s: it has a time already", argument);
        }
    }
    Pb__HoldRule *hold = &arguments->holds[arguments->hold_count];
    pb__hold_rule__init(hold);
    hold->verdict = (Pb__Verdict)verdict;
    hold->hold_ms = (uint32_t)ms;
    arguments->hold_list[arguments->hold_count++] = hold;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct submit_arguments *arguments = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &arguments->client;
        return 0;
    case KEY_WAIT:
        arguments->wait = true;
        return 0;
    case 'f':
        arguments->wait = arguments->follow = true;
        return 0;
    case KEY_DRY:
        arguments->dry_run = true;
        return 0;
    case KEY_SET:
        overrides_add(&arguments->overrides, argument, state);
        return 0;
    case KEY_ONLY:
        overrides_add_only(&arguments->overrides, argument, state);
        return 0;
    case KEY_REPEAT:
        overrides_add_repeat(&arguments->overrides, argument, state);
        return 0;
    case KEY_LABEL:
        add_label(arguments, argument, state);
        return 0;
    case KEY_HOLD:
        add_hold(arguments, argument, state);
        return 0;
    case KEY_KEY:
        if (bus_peer_file_read(argument, &(struct bus_peer_file){0}, NULL) == 0) {
            argp_error(state, "--key %s: that is a key file: give it with -k or --key-file; --key names this submission", argument);
        }
        arguments->key = argument;
        return 0;
    case ARGP_KEY_ARG:
        if (arguments->path) {
            argp_error(state, "one file at a time; %s is too many", argument);
        }
        arguments->path = argument;
        return 0;
    case ARGP_KEY_END:
        if (!arguments->path) {
            argp_error(state, "FILE is missing");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int send_submit(struct submit_arguments *arguments, const struct experiment_file *file, Pb__Reply **reply)
{
    Pb__Submit submit = PB__SUBMIT__INIT;
    submit.file_name = (char *)(uintptr_t)arguments->path;
    submit.text = file->text;
    submit.files = file->files;
    submit.n_files = file->file_count;
    submit.overrides = arguments->overrides.list;
    submit.n_overrides = arguments->overrides.count;
    submit.key = (char *)(uintptr_t)(arguments->key ? arguments->key : "");
    submit.dry_run = arguments->dry_run;
    submit.labels = arguments->label_list;
    submit.n_labels = arguments->label_count;
    submit.holds = arguments->hold_list;
    submit.n_holds = arguments->hold_count;
    Pb__Request request = PB__REQUEST__INIT;
    request.body_case = PB__REQUEST__BODY_SUBMIT;
    request.submit = &submit;
    return client_call(&arguments->client, &request, reply);
}

static int upload(struct submit_arguments *arguments, const struct experiment_file *file, const char *hash)
{
    for (size_t i = 0; i < file->file_count; i++) {
        if (strcmp(file->files[i]->hash, hash) != 0) {
            continue;
        }
        struct panther_error error = {0};
        char *data = NULL;
        size_t bytes = 0;
        int result = experiment_file_content(file, i, &data, &bytes, &error);
        if (!result) {
            result = bus_call_put_blob(arguments->client.call, hash, data, bytes, &error);
        }
        free(data);
        return result ? client_problem(&error) : 0;
    }
    fprintf(stderr, "panther-coord: the coordinator misses a file that this experiment does not name (%s)\n", hash);
    return EXIT_FAIL;
}

static int upload_missing(struct submit_arguments *arguments, const struct experiment_file *file, const Pb__Submitted *submitted)
{
    size_t count = submitted->n_missing;
    char **hashes = memory_new(sizeof *hashes * (count + 1));
    for (size_t i = 0; i < count; i++) {
        hashes[i] = memory_string(submitted->missing[i]);
    }
    int status = 0;
    for (size_t i = 0; i < count; i++) {
        status = status ? status : upload(arguments, file, hashes[i]);
        free(hashes[i]);
    }
    free(hashes);
    return status;
}

static int wait_for_run(struct submit_arguments *arguments, const char *run)
{
    const struct follow_options follow = {.cells = arguments->follow, .progress = true, .holds = arguments->hold_count > 0};
    return follow_run(&arguments->client, run, &follow);
}

static int print_accepted(struct submit_arguments *arguments, const Pb__Submitted *submitted)
{
    char *run = memory_string(submitted->run_name);
    if (arguments->client.format == REPORT_TABLE) {
        printf("%s\n", run);
        if (submitted->repeated_key) {
            fprintf(stderr, "panther-coord: key \"%s\" was used before: this is the run it made\n", arguments->key);
        }
    } else {
        printf("{\"run\":\"%s\",\"cells_count\":%llu,\"repeated_key\":%s}\n", run, (unsigned long long)submitted->cells,
               submitted->repeated_key ? "true" : "false");
    }
    fflush(stdout);
    int status = arguments->wait ? wait_for_run(arguments, run) : EXIT_PASS;
    free(run);
    return status;
}

// An answer that did not come leaves open whether there is a run.
static int explain(const struct submit_arguments *arguments, int status)
{
    if (arguments->client.unanswered && !arguments->dry_run) {
        fprintf(stderr, "panther-coord: it may or may not have been accepted; %s\n",
                arguments->key ? "send it again: with the same --key there is one run" : "with --key K it could be sent again safely");
    }
    return status;
}

static int submit(struct submit_arguments *arguments, const struct experiment_file *file)
{
    Pb__Reply *reply;
    int status = send_submit(arguments, file, &reply);
    if (!status && reply->submitted->n_missing) {
        status = upload_missing(arguments, file, reply->submitted);
        status = status ? status : send_submit(arguments, file, &reply);
    }
    if (status) {
        return explain(arguments, status);
    }
    const Pb__Submitted *submitted = reply->submitted;
    experiment_file_print(file, submitted->diagnostics, submitted->n_diagnostics);
    if (submitted->n_missing) {
        fputs("panther-coord: the coordinator did not keep the files that were sent\n", stderr);
        return EXIT_FAIL;
    }
    if (arguments->dry_run && submitted->n_plan) {
        return dry_run_print(&arguments->client, submitted);
    }
    return submitted->accepted ? print_accepted(arguments, submitted) : EXIT_USAGE;
}

int cli_submit(int argc, char **argv)
{
    static const struct argp_child children[] = {{&client_argp_of_submit, 0, NULL, 0}, {0}};
    static const struct argp argp = {
        options,
        parse,
        "FILE",
        "Submits an experiment and prints the name of the run. FILE may be - for standard input.\vExit status: 0 accepted "
        "(with --wait: all cells pass), 1 refused (--wait: some cell failed), 2 invalid file or flags, 3 --wait: inconc or "
        "error without a fail, 4 cannot reach the coordinator.",
        children,
        NULL,
        NULL};
    struct submit_arguments arguments = {0};
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    struct arena *arena = arena_new(0);
    struct diagnostics diagnostics;
    struct experiment_file file;
    struct panther_error error = {0};
    diagnostics_begin(&diagnostics, arena, arguments.path);
    int status = EXIT_USAGE;
    if (experiment_file_read(&file, arguments.path, arena, &diagnostics, &error)) {
        client_problem(&error);
    } else if (diagnostics.errors) {
        experiment_file_print(&file, diagnostics.items, diagnostics.count);
    } else {
        status = submit(&arguments, &file);
    }
    experiment_file_free(&file);
    overrides_free(&arguments.overrides);
    client_close(&arguments.client);
    arena_free(&arena);
    return status;
}

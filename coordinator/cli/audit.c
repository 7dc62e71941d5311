// panther-coord audit RUN: what the store alone proves, asked of the coordinator, or found in a copy of its data folder.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/system/file.h"
#include "coordinator/cli/client.h"
#include "coordinator/shell/recovery.h"
#include "coordinator/store/audit.h"

// A long journal and its content are read at some 100 MB/s; the coordinator goes on meanwhile.
#define AUDIT_PATIENCE_MS (30 * 60 * 1000)

enum { KEY_ALL = 900 };

struct audit_arguments {
    struct client client;
    const char *run;
    bool all;
    const char *folder; // NULL: the coordinator is asked
};

static const char *const columns[] = {"run",         "state",       "place",          "text",      "cells_count",
                                      "ended_count", "cases_count", "contents_count", "size_bytes"};
#define COLUMNS (sizeof columns / sizeof *columns)

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct audit_arguments *arguments = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &arguments->client;
        return 0;
    case KEY_ALL:
        arguments->all = true;
        return 0;
    case 'd':
        arguments->folder = argument;
        return 0;
    case ARGP_KEY_ARG:
        if (arguments->run) {
            argp_error(state, "one run at a time, or --all; %s is too many", argument);
        }
        arguments->run = argument;
        return 0;
    case ARGP_KEY_END:
        if (!arguments->run == !arguments->all) {
            argp_error(state, "which run? Give RUN (r12 or @last) or --all");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

// ---- rows

static const char *state_name(Pb__AuditState state)
{
    return state == PB__AUDIT_STATE__AUDIT_STATE_PROVEN ? "proven" : state == PB__AUDIT_STATE__AUDIT_STATE_OPEN ? "open" : "violated";
}

static char *number(struct arena *arena, uint64_t value)
{
    return arena_printf(arena, "%llu", (unsigned long long)value);
}

static void add_run(struct table *table, struct arena *arena, const Pb__AuditedRun *run)
{
    const char *text = run->findings ? arena_printf(arena, "%llu violations", (unsigned long long)run->findings) : run->text;
    const char *values[COLUMNS] = {arena_printf(arena, "r%llu", (unsigned long long)run->run),
                                   state_name(run->state),
                                   "",
                                   text,
                                   number(arena, run->cells),
                                   number(arena, run->cells_ended),
                                   number(arena, run->cases),
                                   number(arena, run->contents),
                                   number(arena, run->contents_bytes)};
    table_add(table, values);
}

static void add_finding(struct table *table, struct arena *arena, const Pb__AuditFinding *finding)
{
    const char *run = finding->run ? arena_printf(arena, "r%llu", (unsigned long long)finding->run) : "";
    const char *values[COLUMNS] = {run, "violation", finding->place, finding->text};
    table_add(table, values);
}

static int judge(const Pb__Audited *audited)
{
    bool is_open = false;
    if (audited->n_findings) {
        return EXIT_VIOLATED;
    }
    for (size_t i = 0; i < audited->n_runs; i++) {
        is_open |= audited->runs[i]->state != PB__AUDIT_STATE__AUDIT_STATE_PROVEN;
    }
    return is_open ? EXIT_INCONC : EXIT_PASS;
}

// The journal's hash goes to the person, who can keep it: a journal that is made anew has another one.
static int show(const struct client *client, struct arena *arena, const Pb__Audited *audited)
{
    struct table *table = table_new(columns, COLUMNS);
    for (size_t i = 0; i < audited->n_runs; i++) {
        add_run(table, arena, audited->runs[i]);
    }
    for (size_t i = 0; i < audited->n_findings; i++) {
        add_finding(table, arena, audited->findings[i]);
    }
    table_print(table, client->format, stdout, client->colour);
    table_free(&table);
    if (audited->left_out) {
        fprintf(stderr, "panther-coord: %llu violations more are not listed\n", (unsigned long long)audited->left_out);
    }
    if (client->format == REPORT_TABLE) {
        printf("journal: %llu records, the last one's hash is %s\n", (unsigned long long)audited->journal_records, audited->journal_hash);
    }
    return judge(audited);
}

// ---- a copy

static int lock_copy(const char *folder, int *fd)
{
    struct panther_error error = {0};
    int result = folder_lock_shared(folder, fd, &error);
    if (result == PANTHER_EEXISTS) {
        fprintf(stderr, "panther-coord: a coordinator runs on %s: leave --data out to ask it, or audit a backup\n", folder);
    } else if (result < 0) {
        client_problem(&error);
    }
    return result;
}

// P7, the whole of it: what a start would take for granted is what the journal adds up to. Only of a journal that is proven, because an
// impossible record ends the program that folds it.
static void prove_snapshot(const char *folder, struct arena *arena, Pb__Audited *audited)
{
    static const struct core_options options = {.version = PANTHER_VERSION};
    struct panther_error error = {0};
    if (audited->n_findings || recovery_prove(folder, STORE_COPY, &options, &error) != PANTHER_ESTATE) {
        return;
    }
    Pb__AuditFinding *finding = ARENA_NEW(arena, Pb__AuditFinding);
    pb__audit_finding__init(finding);
    finding->place = arena_string(arena, "snapshot");
    finding->text = arena_string(arena, error.message);
    audited->findings = ARENA_ARRAY(arena, Pb__AuditFinding *, 1);
    audited->findings[audited->n_findings++] = finding;
}

static int audit_copy(const struct audit_arguments *arguments, const char *run)
{
    int fd;
    if (lock_copy(arguments->folder, &fd) < 0) {
        return EXIT_USAGE;
    }
    struct panther_error error = {0};
    struct arena *arena = arena_new(0);
    Pb__Audited *audited = NULL;
    int result = store_audit(arguments->folder, STORE_COPY, run, arena, &audited, &error), status;
    if (result == 0) {
        if (arguments->all) {
            prove_snapshot(arguments->folder, arena, audited);
        }
        status = show(&arguments->client, arena, audited);
    } else {
        client_problem(&error);
        status = result == PANTHER_EINVALID ? EXIT_USAGE : EXIT_FAIL;
    }
    arena_free(&arena);
    if (fd >= 0) {
        close(fd);
    }
    return status;
}

// ---- the coordinator

// Whether it is there is asked with the patience that was given; an audit takes as long as it takes.
static int find_coordinator(struct client *client)
{
    Pb__GetStatus get = PB__GET_STATUS__INIT;
    Pb__Request request = PB__REQUEST__INIT;
    request.body_case = PB__REQUEST__BODY_GET_STATUS;
    request.get_status = &get;
    Pb__Reply *reply;
    int status = client_call(client, &request, &reply);
    client_disconnect(client);
    if (client->timeout_ms < AUDIT_PATIENCE_MS) {
        client->timeout_ms = AUDIT_PATIENCE_MS;
    }
    return status;
}

static int audit_live(struct audit_arguments *arguments, const char *run)
{
    struct client *client = &arguments->client;
    int status = find_coordinator(client);
    if (status) {
        client_close(client);
        return status;
    }
    Pb__Audit audit = PB__AUDIT__INIT;
    audit.run = (char *)(uintptr_t)run;
    Pb__Request request = PB__REQUEST__INIT;
    request.body_case = PB__REQUEST__BODY_AUDIT;
    request.audit = &audit;
    Pb__Reply *reply;
    status = client_call(client, &request, &reply);
    if (!status) {
        status = show(client, client->arena, reply->audited);
    }
    client_close(client);
    return status;
}

int cli_audit(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"all", KEY_ALL, NULL, 0, "every run of the store", 0},
        {"data", 'd', "DIR", 0, "a backup, or a copy of a data folder whose coordinator does not run; nothing in it is changed", 0},
        {0},
    };
    static const struct argp_child children[] = {{&client_argp, 0, NULL, 0}, {0}};
    static const struct argp argp = {
        options,
        parse,
        "RUN",
        "Proves from the store alone that what was accepted has ended, with one verdict for each cell and case, and no "
        "pass without complete evidence; that the journal's chain of hashes is unbroken; that the tables say what the "
        "journal says; that every stream, artifact and file that was stored is there, whole.\vExit status: 0 all "
        "of it is proven, 5 something is violated (each violation is listed with its place), 3 nothing is wrong so far "
        "but a run has not ended or content is on its way, 1 the store cannot be read.",
        children,
        NULL,
        NULL};
    struct audit_arguments arguments = {0};
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    const char *run = arguments.all ? "" : arguments.run;
    return arguments.folder ? audit_copy(&arguments, run) : audit_live(&arguments, run);
}

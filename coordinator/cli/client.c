#include "coordinator/cli/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/units.h"
#include "common/system/file.h"
#include "coordinator/cli/client_settings.h"
#include "coordinator/report/readable.h"

// What one page of a query may allocate here.
#define REPLY_MAX_BYTES (64 * 1024 * 1024)

const char *client_key_from_main, *client_coordinator_from_main;

enum { KEY_COORDINATOR = 500, KEY_TIMEOUT, KEY_ALIAS };

static const struct argp_option options[] = {
    {"key", KEY_ALIAS, "FILE", 0, "the same as --key-file", 10}, // first: client_argp_of_submit begins after it
    {"key-file", 'k', "FILE", 0, "key file (default: $PANTHER_KEY, ~/.config/panther/key, /etc/panther/key)", 10},
    {"coordinator", KEY_COORDINATOR, "ENDPOINT", 0, "instead of the key file's, e.g. tcp://10.0.0.1:7400", 10},
    {"output", 'o', "FORMAT", 0, "table (default), json or jsonl", 10},
    {"timeout", KEY_TIMEOUT, "TIME", 0, "patience with the coordinator (default 10s)", 10},
    {0},
};

static const char *default_key_path(void)
{
    static char path[512];
    const char *home = getenv("HOME");
    snprintf(path, sizeof path, "%s/.config/panther/key", home ? home : "");
    return file_exists(path) ? path : file_exists("/etc/panther/key") ? "/etc/panther/key" : NULL;
}

// Below the flags: what stands before the command, in the environment, in client.yaml.
static void take_settings(struct client *client, struct argp_state *state)
{
    struct client_settings settings;
    struct panther_error error = {0};
    if (client_settings_load(&settings, &error)) {
        fprintf(stderr, "panther-coord: %s\n", error.message);
        exit(EXIT_USAGE);
    }
    client->timeout_ms = settings.timeout_ms;
    client->key_path = client_key_from_main ? client_key_from_main : settings.key;
    client->coordinator = client_coordinator_from_main ? client_coordinator_from_main : settings.coordinator;
    if (!report_format_parse(settings.output, &client->format)) {
        argp_error(state, "output \"%s\" ($PANTHER_OUTPUT or client.yaml): use table, json or jsonl", settings.output);
    }
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct client *client = state->input;
    uint64_t ms;
    switch (key) {
    case ARGP_KEY_INIT:
        take_settings(client, state);
        client->colour = report_wants_colour(stdout);
        return 0;
    case 'k':
    case KEY_ALIAS:
        client->key_path = argument;
        return 0;
    case KEY_COORDINATOR:
        client->coordinator = argument;
        return 0;
    case 'o':
        if (!report_document_parse(argument, client->documents, &client->format)) {
            argp_error(state, "-o %s: use %s", argument, client->documents ? "one of those that --help names" : "table, json or jsonl");
        }
        return 0;
    case KEY_TIMEOUT:
        if (!duration_parse_ms(argument, &ms) || ms == 0 || ms > UINT32_MAX) {
            argp_error(state, "--timeout %s: use a time such as 10s", argument);
        }
        client->timeout_ms = (uint32_t)ms;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp client_argp = {options, parse, NULL, NULL, NULL, NULL, NULL};
const struct argp client_argp_of_submit = {options + 1, parse, NULL, NULL, NULL, NULL, NULL};

int client_problem(const struct panther_error *error)
{
    fprintf(stderr, "panther-coord: %s\n", error->message);
    return error->code == PANTHER_EUNAVAILABLE || error->code == PANTHER_ETIMEOUT ? EXIT_UNREACHABLE : EXIT_USAGE;
}

void client_refused(const Pb__Refused *refused)
{
    char text[PANTHER_ERROR_MESSAGE_BYTES];
    readable_line(refused->text, text, sizeof text);
    fprintf(stderr, "panther-coord: %s\n", text);
}

static int read_key(struct client *client)
{
    struct panther_error error = {0};
    const char *path = client->key_path ? client->key_path : default_key_path();
    if (!path) {
        fputs("panther-coord: who are you? Give your key file with --key-file FILE or $PANTHER_KEY, or put it at ~/.config/panther/key\n"
              "panther-coord: the operator's is DATA/admin.key, made by `panther-coord serve --init --data DATA`\n",
              stderr);
        return EXIT_USAGE;
    }
    if (bus_peer_file_read(path, &client->peer, &error)) {
        client_problem(&error);
        return EXIT_USAGE;
    }
    return 0;
}

static int tell_problem(const struct client *client, const struct panther_error *error)
{
    bool is_away = error->code == PANTHER_EUNAVAILABLE || error->code == PANTHER_ETIMEOUT;
    return client->waits && is_away ? EXIT_UNREACHABLE : client_problem(error);
}

int client_open(struct client *client)
{
    if (client->call) {
        return 0;
    }
    struct panther_error error = {0};
    if (read_key(client)) {
        return EXIT_USAGE;
    }
    if (client->coordinator) {
        snprintf(client->peer.coordinator, sizeof client->peer.coordinator, "%s", client->coordinator);
    }
    if (!client->bus_is_begun) {
        bus_begin();
        client->bus_is_begun = true;
    }
    if (bus_call_open(&client->call, &client->peer, client->timeout_ms, &error)) {
        return tell_problem(client, &error);
    }
    client->arena = arena_new(REPLY_MAX_BYTES);
    return 0;
}

void client_disconnect(struct client *client)
{
    bus_call_close(&client->call);
    arena_free(&client->arena);
}

void client_close(struct client *client)
{
    client_disconnect(client);
    if (client->bus_is_begun) {
        bus_end();
    }
    client->bus_is_begun = false;
}

int client_call(struct client *client, Pb__Request *request, Pb__Reply **reply)
{
    int status = client_open(client);
    if (status) {
        return status;
    }
    struct panther_error error = {0};
    arena_reset(client->arena);
    if (bus_call(client->call, request, client->arena, reply, &error)) {
        client->unanswered = error.code == PANTHER_ETIMEOUT;
        return tell_problem(client, &error);
    }
    if ((*reply)->body_case == PB__REPLY__BODY_REFUSED) {
        client_refused((*reply)->refused);
        return EXIT_FAIL;
    }
    return 0;
}

int client_query(struct client *client, Pb__Table table, const char *scope, struct table **rows, uint64_t *cursor, bool changed)
{
    bool more = true;
    while (more) {
        Pb__Query query = PB__QUERY__INIT;
        query.table = table;
        query.scope = (char *)(uintptr_t)(scope ? scope : "");
        query.after = *cursor;
        query.changed = changed;
        Pb__Request request = PB__REQUEST__INIT;
        request.body_case = PB__REQUEST__BODY_QUERY;
        request.query = &query;
        Pb__Reply *reply;
        int status = client_call(client, &request, &reply);
        if (status) {
            return status;
        }
        const Pb__Rows *page = reply->rows;
        if (!*rows) {
            *rows = table_new((const char *const *)page->columns, page->n_columns);
        }
        for (size_t i = 0; i < page->n_rows; i++) {
            table_add(*rows, (const char *const *)page->rows[i]->values);
        }
        *cursor = page->next ? page->next : *cursor;
        more = page->more;
    }
    return 0;
}

void client_answer(const struct client *client, const char *sentence, const char *const *columns, const char *const *values, size_t count)
{
    if (client->format == REPORT_TABLE) {
        puts(sentence);
    } else {
        struct table *table = table_new(columns, count);
        table_add(table, values);
        table_print(table, client->format, stdout, client->colour);
        table_free(&table);
    }
}

void client_hint(const struct client *client, const char *text)
{
    if (client->format == REPORT_TABLE && isatty(STDOUT_FILENO)) {
        fflush(stdout);
        fprintf(stderr, "panther-coord: %s\n", text);
    }
}

static error_t simple_option(int key, char *argument, struct argp_state *state)
{
    struct simple_arguments *arguments = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &arguments->client;
        return 0;
    case ARGP_KEY_ARG:
        if (arguments->argument || !arguments->argument_name) {
            argp_error(state, "one argument too many: %s", argument);
        }
        arguments->argument = argument;
        return 0;
    case ARGP_KEY_END:
        if (arguments->argument_is_required && !arguments->argument) {
            argp_error(state, "%s is missing", arguments->argument_name);
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int simple_parse(int argc, char **argv, const char *argument_doc, const char *doc, struct simple_arguments *arguments)
{
    const struct argp_child children[] = {{&client_argp, 0, NULL, 0}, {0}};
    const struct argp argp = {NULL, simple_option, argument_doc, doc, children, NULL, NULL};
    return (int)argp_parse(&argp, argc, argv, 0, NULL, arguments);
}

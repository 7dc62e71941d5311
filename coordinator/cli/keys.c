// panther-coord keys init|add|list|revoke|enroll. With --data DIR the data folder of a coordinator that is not running is used; else the
// running one is asked. Secrets are made here and never travel.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/identity.h"
#include "common/bus/token.h"
#include "common/system/file.h"
#include "common/system/loop.h"
#include "coordinator/cli/keys.h"
#include "coordinator/shell/authority.h"

enum { KEY_DATA = 700, KEY_OUT, KEY_PUBLIC, KEY_ENDPOINT, KEY_FROM };

static const struct argp_option options[] = {
    {"data", KEY_DATA, "DIR", 0, "work on this data folder; its coordinator must not be running", 0},
    {"out", KEY_OUT, "PATH", 0, "where the new key file goes (default NAME.key); with several names, the folder of NAME.key files", 0},
    {"from", KEY_FROM, "FILE", 0, "more names, one a line; - is standard input", 0},
    {"public", KEY_PUBLIC, "KEY", 0, "add a public key that was made elsewhere; no file is written", 0},
    {"endpoint", KEY_ENDPOINT, "ENDPOINT", 0, "init: what key files say (default tcp://127.0.0.1:7400)", 0},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct key_arguments *arguments = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &arguments->client;
        return 0;
    case KEY_DATA:
        arguments->data = argument;
        return 0;
    case KEY_OUT:
        arguments->out = argument;
        return 0;
    case KEY_FROM:
        arguments->from = argument;
        return 0;
    case KEY_PUBLIC:
        arguments->public_key = argument;
        return 0;
    case KEY_ENDPOINT:
        arguments->endpoint = argument;
        return 0;
    case ARGP_KEY_ARG:
        APPEND(arguments->words, arguments->word_count, arguments->word_capacity) = argument;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_usage(state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int keys_usage(const char *text)
{
    fprintf(stderr, "panther-coord: keys: %s\n", text);
    return EXIT_USAGE;
}

// Offline or online: the same request, the same records.
int keys_ask(struct key_arguments *arguments, Pb__Request *request, Pb__Reply **reply)
{
    if (!arguments->data) {
        return client_call(&arguments->client, request, reply);
    }
    struct panther_error error = {0};
    bus_begin();
    if (!arguments->client.arena) {
        arguments->client.arena = arena_new(0);
    }
    if (authority_request(arguments->data, request, arguments->client.arena, reply, &error)) {
        return client_problem(&error);
    }
    if ((*reply)->body_case == PB__REPLY__BODY_REFUSED) {
        client_refused((*reply)->refused);
        return EXIT_FAIL;
    }
    return 0;
}

static int keys_init(struct key_arguments *arguments)
{
    struct panther_error error = {0};
    if (!arguments->data) {
        return keys_usage("init needs --data DIR");
    }
    bus_begin();
    if (authority_init(arguments->data, arguments->endpoint ? arguments->endpoint : "tcp://127.0.0.1:7400", &error)) {
        return client_problem(&error);
    }
    printf("%s/server.key and %s/admin.key are made; start with: panther-coord serve --data %s\n", arguments->data, arguments->data,
           arguments->data);
    return 0;
}

static bool role_parse(const char *text, Pb__Role *role)
{
    static const struct {
        const char *name;
        Pb__Role role;
    } roles[] = {{"agent", PB__ROLE__ROLE_AGENT}, {"operator", PB__ROLE__ROLE_OPERATOR}, {"viewer", PB__ROLE__ROLE_VIEWER}};
    for (size_t i = 0; i < 3; i++) {
        if (strcmp(roles[i].name, text) == 0) {
            *role = roles[i].role;
            return true;
        }
    }
    return false;
}

static int request_add(struct key_arguments *arguments, const char *name, Pb__Role role, const char *public_key, const char *enroll_for,
                       Pb__Reply **reply)
{
    Pb__AddKey add = PB__ADD_KEY__INIT;
    add.name = (char *)(uintptr_t)name;
    add.role = role;
    add.public_key = (char *)(uintptr_t)public_key;
    add.enroll_for = (char *)(uintptr_t)enroll_for;
    Pb__Request request = PB__REQUEST__INIT;
    request.body_case = PB__REQUEST__BODY_ADD_KEY;
    request.add_key = &add;
    return keys_ask(arguments, &request, reply);
}

// What the client's own key file says of the coordinator is right for others too, more so than a wildcard it may listen on.
const char *keys_endpoint(const struct key_arguments *arguments, const Pb__Reply *reply)
{
    return *arguments->client.peer.coordinator ? arguments->client.peer.coordinator : reply->key_added->endpoint;
}

static int add_one(struct key_arguments *arguments, Pb__Role role, const char *name)
{
    if (!name_is_valid(name)) {
        return keys_usage("a name is lower-case letters, digits, '-', '_' and '.'");
    }
    char path[512];
    snprintf(path, sizeof path, "%s", arguments->out ? arguments->out : "");
    if (!*path) {
        snprintf(path, sizeof path, "%s.key", name);
    }
    struct bus_peer_file file = {0};
    bus_begin();
    bus_key_new(file.public_key, file.secret_key);
    if (arguments->public_key && !bus_key_is_valid(arguments->public_key)) {
        return keys_usage("--public is not a CURVE key of 40 characters");
    }
    if (!arguments->public_key && file_exists(path)) {
        fprintf(stderr, "panther-coord: %s exists and is not overwritten: give another --out, or remove it\n", path);
        return EXIT_USAGE;
    }
    Pb__Reply *reply;
    int status = request_add(arguments, name, role, arguments->public_key ? arguments->public_key : file.public_key, "", &reply);
    if (status) {
        return status;
    }
    if (arguments->public_key) {
        client_answer(&arguments->client, arena_printf(arguments->client.arena, "%s is added as %s", name, arguments->words[1]),
                      (const char *const[]){"name", "role"}, (const char *const[]){name, arguments->words[1]}, 2);
        return 0;
    }
    snprintf(file.name, sizeof file.name, "%s", name);
    snprintf(file.role, sizeof file.role, "%s", arguments->words[1]);
    snprintf(file.coordinator, sizeof file.coordinator, "%s", keys_endpoint(arguments, reply));
    snprintf(file.server_key, sizeof file.server_key, "%s", reply->key_added->server_key);
    struct panther_error error = {0};
    if (bus_peer_file_write(path, &file, &error)) {
        return client_problem(&error);
    }
    client_answer(&arguments->client, path, (const char *const[]){"name", "role", "file"},
                  (const char *const[]){name, arguments->words[1], path}, 3);
    return 0;
}

static int keys_add(struct key_arguments *arguments)
{
    Pb__Role role;
    bool has_names = arguments->word_count > 2 || (arguments->word_count == 2 && arguments->from);
    if (!has_names || !role_parse(arguments->words[1], &role)) {
        return keys_usage("add takes a role (agent, operator or viewer) and names: keys add agent lab-a");
    }
    return arguments->word_count == 3 && !arguments->from ? add_one(arguments, role, arguments->words[2]) : keys_add_many(arguments, role);
}

static int keys_enroll(struct key_arguments *arguments)
{
    const char *name = arguments->words[1];
    if (arguments->word_count != 2 || !name_is_valid(name)) {
        return keys_usage("enroll takes the name of the new agent: keys enroll lab-d");
    }
    struct bus_token token = {0};
    char public_key[BUS_KEY_TEXT_BYTES], once[NAME_MAX_BYTES];
    bus_begin();
    bus_key_new(public_key, token.secret_key);
    snprintf(once, sizeof once, "enroll-%.24s-%08x", name, (unsigned)random_u64());
    Pb__Reply *reply;
    int status = request_add(arguments, once, PB__ROLE__ROLE_ENROLL, public_key, name, &reply);
    if (status) {
        return status;
    }
    snprintf(token.coordinator, sizeof token.coordinator, "%s", keys_endpoint(arguments, reply));
    snprintf(token.server_key, sizeof token.server_key, "%s", reply->key_added->server_key);
    char text[BUS_TOKEN_BYTES];
    bus_token_format(&token, text);
    client_answer(&arguments->client, arena_printf(arguments->client.arena, "panther-agent enroll %s", text),
                  (const char *const[]){"name", "token"}, (const char *const[]){name, text}, 2);
    return 0;
}

static const char *role_name(Pb__Role role)
{
    static const char *const names[] = {"?", "agent", "operator", "viewer", "enroll"};
    return (unsigned)role < 5 ? names[role] : "?";
}

static void add_row(struct key_arguments *arguments, struct table *table, const Pb__KeyRow *row)
{
    const char *values[] = {row->name,
                            role_name(row->role),
                            row->revoked ? "revoked" : "valid",
                            arena_printf(arguments->client.arena, "%lld", (long long)row->added_wall_ns),
                            row->added_by,
                            row->public_key};
    table_add(table, values);
}

static int keys_list(struct key_arguments *arguments)
{
    static const char *const columns[] = {"name", "role", "state", "added_wall_ns", "by", "public"};
    Pb__ListKeys list = PB__LIST_KEYS__INIT;
    Pb__Request request = PB__REQUEST__INIT;
    request.body_case = PB__REQUEST__BODY_LIST_KEYS;
    request.list_keys = &list;
    struct table *table = table_new(columns, 6);
    int status = 0;
    for (bool more = true; more && !status;) {
        Pb__Reply *reply;
        status = keys_ask(arguments, &request, &reply);
        for (size_t i = 0; !status && i < reply->keys->n_keys; i++) {
            add_row(arguments, table, reply->keys->keys[i]);
        }
        list.after = status ? 0 : reply->keys->next;
        more = !status && reply->keys->more;
    }
    if (!status) {
        table_print(table, arguments->client.format, stdout, arguments->client.colour);
    }
    table_free(&table);
    return status;
}

static int keys_revoke(struct key_arguments *arguments)
{
    if (arguments->word_count != 2) {
        return keys_usage("revoke takes a name: keys revoke lab-a");
    }
    Pb__RevokeKey revoke = PB__REVOKE_KEY__INIT;
    revoke.name = (char *)(uintptr_t)arguments->words[1];
    Pb__Request request = PB__REQUEST__INIT;
    request.body_case = PB__REQUEST__BODY_REVOKE_KEY;
    request.revoke_key = &revoke;
    Pb__Reply *reply;
    int status = keys_ask(arguments, &request, &reply);
    if (!status) {
        const char *name = reply->key_revoked->name;
        client_answer(&arguments->client, arena_printf(arguments->client.arena, "%s is revoked", name), (const char *const[]){"name"},
                      (const char *const[]){name}, 1);
    }
    return status;
}

int cli_keys(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(struct key_arguments *arguments);
    } verbs[] = {{"init", keys_init}, {"add", keys_add}, {"enroll", keys_enroll}, {"list", keys_list}, {"revoke", keys_revoke}};
    const struct argp_child children[] = {{&client_argp, 0, NULL, 0}, {0}};
    const struct argp argp = {
        options,
        parse,
        "init --data DIR\nadd agent|operator|viewer NAME...\nenroll NAME\nlist\nrevoke NAME",
        "Keys and roles. A peer without a known key gets nothing; a revoked one is cut off at its next message.\v`add` writes "
        "NAME.key, everything that peer needs; of several names (a whole lab with --from FILE --out FOLDER) all are added or none. "
        "`enroll` prints the one command that a new host runs to get its own key.",
        children,
        NULL,
        NULL};
    struct key_arguments arguments = {0};
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    int status = EXIT_USAGE;
    size_t i = 0;
    for (; i < sizeof verbs / sizeof *verbs; i++) {
        if (strcmp(verbs[i].name, arguments.words[0]) == 0) {
            status = verbs[i].run(&arguments);
            break;
        }
    }
    if (i == sizeof verbs / sizeof *verbs) {
        fprintf(stderr, "panther-coord: keys %s: use init, add, enroll, list or revoke\n", arguments.words[0]);
    }
    client_close(&arguments.client);
    free(arguments.words);
    return status;
}

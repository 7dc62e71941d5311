// panther-coord plugins push DIR --hosts HOSTS and plugins remove NAME --hosts HOSTS. The folder is packed here and uploaded once; agents
// get it from the coordinator. Asking again is harmless everywhere, so a coordinator that restarts meanwhile is waited for.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/archive/archive.h"
#include "common/base/identity.h"
#include "common/system/file.h"
#include "common/system/loop.h"
#include "common/system/plugin_place.h"
#include "common/system/yaml.h"
#include "coordinator/cli/follow.h"
#include "coordinator/cli/plugins.h"
#include "coordinator/report/readable.h"

// A plugin with the programs that it brings; what an agent takes.
#define PLUGIN_MAX_BYTES ((size_t)256 * 1024 * 1024)
// A service.yaml is read for its name only.
#define DECLARED_MAX_BYTES ((size_t)1024 * 1024)
#define POLL_MS 200
#define NS_PER_MS UINT64_C(1000000)
// A coordinator that is gone in the middle is waited for, and its agents after it.
#define AWAY_MS 60000
#define HOSTS_MAX 10000

struct push {
    struct client *client;
    struct arena *arena; // lives as long as the command
    Pb__PushPlugin ask;
    char token[ID128_TEXT_BYTES];
    char hash[HASH_TEXT_BYTES];
    char *data; // the packed folder; heap
    size_t bytes;
    uint64_t interrupted_ns; // when the coordinator was gone; 0: never
    bool drawn;
};

// ---- which hosts

// "all", or names and NAME=VALUE labels with commas between.
static int parse_hosts(struct push *push, const char *hosts)
{
    Pb__PushPlugin *ask = &push->ask;
    char *text = arena_string(push->arena, hosts), *rest = NULL;
    ask->agents = ARENA_ARRAY(push->arena, char *, strlen(hosts) + 1);
    ask->labels = ARENA_ARRAY(push->arena, Pb__Label *, strlen(hosts) + 1);
    bool all = false;
    for (char *word = strtok_r(text, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
        char *equals = strchr(word, '=');
        if (equals) {
            *equals = '\0';
            Pb__Label *label = ask->labels[ask->n_labels++] = ARENA_NEW(push->arena, Pb__Label);
            pb__label__init(label);
            label->name = word;
            label->value = equals + 1;
        } else if (strcmp(word, "all") == 0) {
            all = true;
        } else {
            ask->agents[ask->n_agents++] = word;
        }
        if (!name_is_valid(word)) {
            fprintf(stderr, "panther-coord: --hosts: \"%s\" is neither the name of an agent, nor name=value, nor all\n", word);
            return EXIT_USAGE;
        }
    }
    if (all ? ask->n_agents || ask->n_labels : !ask->n_agents && !ask->n_labels) {
        fputs("panther-coord: --hosts takes all, or names of agents and labels: host-a,host-b or site=a,rack=2\n", stderr);
        return EXIT_USAGE;
    }
    return 0;
}

// ---- what is pushed

static const char *last_name(struct arena *arena, const char *folder)
{
    CLEANUP_FREE char *real = realpath(folder, NULL);
    const char *slash = strrchr(real ? real : folder, '/');
    return arena_string(arena, slash ? slash + 1 : folder);
}

// Of a service.yaml what it says, of a shared object that of its file.
static const char *declared_name(struct arena *arena, const char *path, struct panther_error *error)
{
    CLEANUP_FREE char *text = NULL;
    size_t bytes = 0;
    struct diagnostics diagnostics = {.arena = arena, .file = path};
    if (file_read(path, DECLARED_MAX_BYTES, &text, &bytes, error)) {
        return NULL;
    }
    const struct value *document = yaml_read(text, bytes, arena, &diagnostics);
    const struct value *name = document ? value_get(document, "name") : NULL;
    if (!name || name->kind != VALUE_SCALAR) {
        error_set(error, PANTHER_EINVALID, "%s: it is no service.yaml with a name; `panther-plugin check` says what is wrong", path);
        return NULL;
    }
    return arena_string(arena, name->text);
}

static const char *name_in(struct arena *arena, const char *folder, struct panther_error *error)
{
    const char *name = last_name(arena, folder);
    CLEANUP_FREE char *path = plugin_place_in(folder, name);
    if (!path) {
        error_set(error, PANTHER_EINVALID, "%s is no folder of a plugin: it holds neither service.yaml nor %s.so", folder, name);
        return NULL;
    }
    const char *dot = strrchr(path, '.');
    name = strcmp(dot, ".yaml") == 0 ? declared_name(arena, path, error) : name;
    if (name && !name_is_valid(name)) {
        error_set(error, PANTHER_EINVALID, "%s: \"%s\" is no name of a plugin", folder, name);
        return NULL;
    }
    return name;
}

static int read_folder(struct push *push, const char *folder)
{
    struct panther_error error = {0};
    const char *name = name_in(push->arena, folder, &error);
    if (!name || archive_pack(folder, PLUGIN_MAX_BYTES, &push->data, &push->bytes, &error)) {
        return client_problem(&error);
    }
    hash_bytes(push->data, push->bytes, push->hash);
    push->ask.name = arena_string(push->arena, name);
    push->ask.hash = push->hash;
    return 0;
}

// ---- asking until all have answered

static void renew_token(struct push *push)
{
    uint8_t bytes[16];
    random_bytes(bytes, sizeof bytes);
    id128_text(bytes, push->token);
    push->ask.token = push->token;
}

static int call(struct push *push, Pb__Reply **reply)
{
    Pb__Request request = PB__REQUEST__INIT;
    request.body_case = PB__REQUEST__BODY_PUSH_PLUGIN;
    request.push_plugin = &push->ask;
    return client_call(push->client, &request, reply);
}

// The same hosts by their names: a coordinator that was restarted does not know labels until its agents are back.
static void keep_hosts(struct push *push, const Pb__PluginPush *answer)
{
    if (push->ask.n_agents && !push->ask.n_labels) {
        return;
    }
    push->ask.n_labels = push->ask.n_agents = 0;
    push->ask.agents = ARENA_ARRAY(push->arena, char *, answer->n_hosts + 1);
    for (size_t i = 0; i < answer->n_hosts && i < HOSTS_MAX; i++) {
        push->ask.agents[push->ask.n_agents++] = arena_string(push->arena, answer->hosts[i]->agent);
    }
}

static bool is_waited_for(const struct push *push)
{
    return push->interrupted_ns && clock_boottime_ns() - push->interrupted_ns < AWAY_MS * NS_PER_MS;
}

static size_t count_open(const struct push *push, const Pb__PluginPush *answer)
{
    size_t open = 0;
    for (size_t i = 0; i < answer->n_hosts; i++) {
        Pb__PushState state = answer->hosts[i]->state;
        open += state == PB__PUSH_STATE__PUSH_STATE_PLACING || (state == PB__PUSH_STATE__PUSH_STATE_AWAY && is_waited_for(push));
    }
    return open;
}

static void draw(struct push *push, const char *text)
{
    if (push->client->format != REPORT_TABLE || !isatty(STDERR_FILENO)) {
        return;
    }
    fprintf(stderr, "\r\033[K%s", text);
    fflush(stderr);
    push->drawn = *text != '\0';
}

static int upload(struct push *push)
{
    struct panther_error error = {0};
    draw(push, "uploading");
    return bus_call_put_blob(push->client->call, push->hash, push->data, push->bytes, &error) ? client_problem(&error) : 0;
}

// 0: a reply; else it was said, and that is the exit status.
static int call_patiently(struct push *push, Pb__Reply **reply, bool began)
{
    for (;;) {
        int status = call(push, reply);
        if (status != EXIT_UNREACHABLE || !began) {
            return status;
        }
        if (!push->interrupted_ns) {
            push->interrupted_ns = clock_boottime_ns();
            fputs("panther-coord: the coordinator is away; waiting for it\n", stderr);
            push->client->waits = true;
        } else if (!is_waited_for(push)) {
            fputs("panther-coord: the coordinator did not come back; push again when it is there\n", stderr);
            return EXIT_UNREACHABLE;
        }
        client_disconnect(push->client);
        wait_ms(POLL_MS);
    }
}

static int follow(struct push *push, Pb__Reply **reply)
{
    for (bool began = false;; began = true) {
        int status = call_patiently(push, reply, began);
        if (status) {
            return status;
        }
        const Pb__PluginPush *answer = (*reply)->plugin_push;
        if (answer->missing) {
            status = upload(push);
            if (status) {
                return status;
            }
            continue;
        }
        size_t open = count_open(push, answer);
        if (!open) {
            return 0;
        }
        char text[64];
        snprintf(text, sizeof text, "%zu of %zu hosts have answered", answer->n_hosts - open, answer->n_hosts);
        draw(push, text);
        keep_hosts(push, answer);
        wait_ms(POLL_MS);
    }
}

// ---- telling

static const char *result_of(const Pb__PushedHost *host)
{
    static const char *const results[] = {
        [PB__PLACED_STATE__PLACED_STATE_PLACED] = "placed",   [PB__PLACED_STATE__PLACED_STATE_UNCHANGED] = "unchanged",
        [PB__PLACED_STATE__PLACED_STATE_REMOVED] = "removed", [PB__PLACED_STATE__PLACED_STATE_NONE] = "nothing pushed",
        [PB__PLACED_STATE__PLACED_STATE_REFUSED] = "refused",
    };
    bool is_known = host->placed > 0 && (size_t)host->placed < sizeof results / sizeof *results;
    return host->state != PB__PUSH_STATE__PUSH_STATE_ANSWERED ? "away" : is_known ? results[host->placed] : "refused";
}

static void add_host(struct table *table, const struct push *push, const Pb__PushedHost *host)
{
    char text[PANTHER_ERROR_MESSAGE_BYTES];
    readable_line(host->text, text, sizeof text);
    bool placed = host->state == PB__PUSH_STATE__PUSH_STATE_ANSWERED && host->placed == PB__PLACED_STATE__PLACED_STATE_PLACED;
    const char *values[] = {host->agent, push->ask.name, result_of(host), placed ? text : "", placed ? "" : text, push->ask.hash};
    table_add(table, values);
}

static int judge(const Pb__PluginPush *answer)
{
    bool refused = false, away = false;
    for (size_t i = 0; i < answer->n_hosts; i++) {
        const char *result = result_of(answer->hosts[i]);
        refused |= strcmp(result, "refused") == 0;
        away |= strcmp(result, "away") == 0;
    }
    return refused ? EXIT_FAIL : away ? EXIT_INCONC : EXIT_PASS;
}

static int show(struct push *push, const Pb__PluginPush *answer)
{
    static const char *const columns[] = {"agent", "plugin", "result", "implementation", "why", "hash"};
    static const char *const shown[] = {"agent", "plugin", "result", "implementation", "why", NULL};
    struct table *table = table_new(columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < answer->n_hosts; i++) {
        add_host(table, push, answer->hosts[i]);
    }
    if (push->drawn) {
        draw(push, "");
    }
    table_show(table, shown);
    if (answer->n_hosts || push->client->format != REPORT_TABLE) {
        table_print(table, push->client->format, stdout, push->client->colour);
    }
    table_free(&table);
    if (answer->unknown_labels) {
        fprintf(stderr, "panther-coord: %u agents are away and their labels are not known: they were left out\n", answer->unknown_labels);
    }
    if (!answer->n_hosts) {
        fputs("panther-coord: no agent is one of these hosts\n", stderr);
        return EXIT_FAIL;
    }
    return judge(answer);
}

static int begin(struct push *push, const struct plugins_arguments *arguments)
{
    bool removes = strcmp(arguments->words[0], "remove") == 0;
    pb__push_plugin__init(&push->ask);
    renew_token(push);
    int status = parse_hosts(push, arguments->hosts);
    if (status || !removes) {
        return status ? status : read_folder(push, arguments->words[1]);
    }
    push->ask.name = arena_string(push->arena, arguments->words[1]);
    if (!name_is_valid(push->ask.name)) {
        fprintf(stderr, "panther-coord: \"%s\" is no name of a plugin\n", push->ask.name);
        return EXIT_USAGE;
    }
    return 0;
}

int plugins_push(struct plugins_arguments *arguments)
{
    struct push push = {.client = &arguments->client, .arena = arena_new(0)};
    Pb__Reply *reply = NULL;
    int status = begin(&push, arguments);
    status = status ? status : follow(&push, &reply);
    status = status ? status : show(&push, reply->plugin_push);
    free(push.data);
    arena_free(&push.arena);
    return status;
}

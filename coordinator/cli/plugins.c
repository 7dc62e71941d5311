// panther-coord plugins [NAME|push DIR|remove NAME]: what agents offer; with a name: its options, cases, capabilities and versions.
#include <stdio.h>
#include <string.h>

#include "common/base/message.h"
#include "common/base/units.h"
#include "common/schema/schema.h"
#include "coordinator/cli/plugin_json.h"
#include "coordinator/cli/plugins.h"

static char *join(struct arena *arena, char *const *items, size_t count)
{
    struct text text = {0};
    for (size_t i = 0; i < count; i++) {
        text_printf(&text, "%s%s", i ? "," : "", items[i]);
    }
    char *joined = arena_string(arena, text_string(&text));
    text_free(&text);
    return joined;
}

static char *join_protocols(struct arena *arena, const Pb__PluginDescription *description)
{
    struct text text = {0};
    for (size_t i = 0; description && i < description->n_protocols; i++) {
        const Pb__ProtocolDescription *protocol = description->protocols[i];
        text_printf(&text, "%s%s/%s", i ? " " : "", protocol->name, join(arena, protocol->versions, protocol->n_versions));
    }
    char *joined = arena_string(arena, text_string(&text));
    text_free(&text);
    return joined;
}

static void print_overview(struct client *client, const Pb__Plugins *plugins)
{
    static const char *const columns[] = {"name",    "kind",    "protocols", "agent",     "usable", "implementation", "capabilities",
                                          "why_not", "version", "hash",      "file_hash", "path",   "probed"};
    static const char *const shown[] = {"name", "kind", "protocols", "agent", "usable", "implementation", "why_not", NULL};
    struct table *table = table_new(columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < plugins->n_plugins; i++) {
        const Pb__PluginRow *row = plugins->plugins[i];
        for (size_t a = 0; a < row->n_agents; a++) {
            const Pb__PluginPresence *presence = row->agents[a]->presence;
            const char *values[] = {presence->name,
                                    plugin_kind_name(row->description),
                                    join_protocols(client->arena, row->description),
                                    row->agents[a]->agent,
                                    presence->usable ? "yes" : "no",
                                    presence->implementation_version,
                                    join(client->arena, presence->capabilities, presence->n_capabilities),
                                    presence->unusable_reason,
                                    row->agents[a]->version,
                                    presence->description_hash,
                                    presence->file_hash,
                                    presence->path,
                                    presence->unprobed ? "no" : "yes"};
            table_add(table, values);
        }
    }
    table_show(table, shown);
    table_print(table, client->format, stdout, client->colour);
    table_free(&table);
}

// In the option's own unit, as one writes it in an experiment.
static char *range_of(struct arena *arena, const Pb__OptionDescription *option)
{
    char least[32], most[32];
    switch (option->type) {
    case PB__OPTION_TYPE__OPTION_TYPE_DURATION:
        duration_format_ms((uint64_t)option->minimum, least, sizeof least);
        duration_format_ms((uint64_t)option->maximum, most, sizeof most);
        return arena_printf(arena, "%s to %s", least, most);
    case PB__OPTION_TYPE__OPTION_TYPE_SIZE:
        size_format((uint64_t)option->minimum, least, sizeof least);
        size_format((uint64_t)option->maximum, most, sizeof most);
        return arena_printf(arena, "%s to %s", least, most);
    default:
        return arena_printf(arena, "%.15g to %.15g", option->minimum, option->maximum);
    }
}

static void print_options(struct client *client, const Pb__PluginDescription *description)
{
    static const char *const columns[] = {"option", "type", "default", "range", "help"};
    struct table *table = table_new(columns, 5);
    for (size_t i = 0; i < description->n_options; i++) {
        const Pb__OptionDescription *option = description->options[i];
        char *range = option->n_choices   ? join(client->arena, option->choices, option->n_choices)
                      : option->has_range ? range_of(client->arena, option)
                                          : arena_string(client->arena, "");
        const char *values[] = {option->name, option_type_name((int)option->type), option->required ? "(required)" : option->default_value,
                                range, *option->unit ? arena_printf(client->arena, "%s (%s)", option->help, option->unit) : option->help};
        table_add(table, values);
    }
    if (description->n_options) {
        puts("\nOptions");
        table_print(table, REPORT_TABLE, stdout, client->colour);
    }
    table_free(&table);
}

static void print_cases(struct client *client, const Pb__PluginDescription *description)
{
    static const char *const columns[] = {"case", "needs", "timeout_ms", "summary"};
    struct table *table = table_new(columns, 4);
    for (size_t i = 0; i < description->n_cases; i++) {
        const Pb__CaseDescription *test_case = description->cases[i];
        const char *values[] = {test_case->name, join(client->arena, test_case->needs, test_case->n_needs),
                                test_case->timeout_ms ? arena_printf(client->arena, "%u", test_case->timeout_ms) : "", test_case->summary};
        table_add(table, values);
    }
    if (description->n_cases) {
        puts("\nCases");
        table_print(table, REPORT_TABLE, stdout, client->colour);
    }
    table_free(&table);
}

static void print_one(struct client *client, const Pb__Plugins *plugins)
{
    const Pb__PluginRow *row = plugins->plugins[0];
    const Pb__PluginDescription *description = row->description;
    if (description) {
        printf("%s %s (%s), ABI %u.%u: %s\n", description->name, description->version, plugin_kind_name(description),
               description->abi_major, description->abi_minor, description->summary);
        for (size_t i = 0; i < description->n_protocols; i++) {
            const Pb__ProtocolDescription *protocol = description->protocols[i];
            printf("protocol %s, versions %s, roles %s\n", protocol->name, join(client->arena, protocol->versions, protocol->n_versions),
                   join(client->arena, protocol->roles, protocol->n_roles));
        }
        for (size_t i = 0; i < description->n_drives; i++) {
            const Pb__DriveDescription *drive = description->drives[i];
            printf("drives %s%s: %s %s\n", drive->name, drive->required ? " (required)" : "",
                   *drive->protocol ? drive->protocol : "any protocol,", *drive->role ? drive->role : "any role");
        }
        print_options(client, description);
        print_cases(client, description);
        puts("\nAgents");
    }
    print_overview(client, plugins);
}

static void *joined(struct arena *arena, void *first, size_t first_count, const void *second, size_t second_count)
{
    void **items = ARENA_ARRAY(arena, void *, first_count + second_count + 1);
    memcpy(items, first ? first : items, first_count * sizeof *items);
    memcpy(items + first_count, second, second_count * sizeof *items);
    return items;
}

static Pb__PluginRow *row_named(const Pb__Plugins *plugins, const char *name)
{
    for (size_t i = 0; i < plugins->n_plugins; i++) {
        if (strcmp(plugins->plugins[i]->agents[0]->presence->name, name) == 0) {
            return plugins->plugins[i];
        }
    }
    return NULL;
}

// A plugin's agents may be spread over pages.
static void add_page(struct arena *arena, Pb__Plugins *plugins, const Pb__Plugins *page)
{
    for (size_t i = 0; i < page->n_plugins; i++) {
        Pb__PluginRow *more = MESSAGE_COPY(page->plugins[i], arena);
        Pb__PluginRow *row = more->n_agents ? row_named(plugins, more->agents[0]->presence->name) : NULL;
        if (!row) {
            plugins->plugins = joined(arena, plugins->plugins, plugins->n_plugins, &more, 1);
            plugins->n_plugins++;
            continue;
        }
        row->agents = joined(arena, row->agents, row->n_agents, more->agents, more->n_agents);
        row->n_agents += more->n_agents;
        if (more->description && !row->description) {
            row->description = more->description;
            row->hash = more->hash;
        }
    }
}

static int list_all(struct client *client, const char *name, struct arena *arena, Pb__Plugins *plugins)
{
    Pb__ListPlugins list = PB__LIST_PLUGINS__INIT;
    list.name = (char *)(uintptr_t)name;
    Pb__Request request = PB__REQUEST__INIT;
    request.body_case = PB__REQUEST__BODY_LIST_PLUGINS;
    request.list_plugins = &list;
    for (bool more = true; more;) {
        Pb__Reply *reply;
        int status = client_call(client, &request, &reply);
        if (status) {
            return status;
        }
        add_page(arena, plugins, reply->plugins);
        list.after = reply->plugins->next;
        more = reply->plugins->more;
    }
    return 0;
}

enum { KEY_HOSTS = 1100, KEY_SKEW };

static const struct argp_option options[] = {
    {"hosts", KEY_HOSTS, "HOSTS", 0, "push, remove: which agents: all, or names and labels (host-a,host-b or site=a,rack=2)", 0},
    {"skew", KEY_SKEW, NULL, 0, "only plugins of which agents have different versions; status 1 if there are any", 0},
    {0},
};

static bool pushes(const struct plugins_arguments *arguments)
{
    const char *word = arguments->word_count ? arguments->words[0] : "";
    return strcmp(word, "push") == 0 || strcmp(word, "remove") == 0;
}

static void check_words(const struct plugins_arguments *arguments, const struct argp_state *state)
{
    if (pushes(arguments)) {
        if (arguments->word_count < 2) {
            argp_error(state, "%s is missing", strcmp(arguments->words[0], "push") == 0 ? "the plugin's folder" : "the plugin's name");
        }
        if (!arguments->hosts) {
            argp_error(state, "--hosts is missing: all, or names of agents and labels");
        }
    } else if (arguments->word_count > 1) {
        argp_error(state, "one argument too many: %s", arguments->words[1]);
    } else if (arguments->hosts) {
        argp_error(state, "--hosts belongs to push and remove");
    }
    if (arguments->skew && pushes(arguments)) {
        argp_error(state, "--skew lists; it does not push");
    }
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct plugins_arguments *arguments = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &arguments->client;
        return 0;
    case KEY_HOSTS:
        arguments->hosts = argument;
        return 0;
    case KEY_SKEW:
        arguments->skew = true;
        return 0;
    case ARGP_KEY_ARG:
        if (arguments->word_count == 2) {
            argp_error(state, "one argument too many: %s", argument);
        }
        arguments->words[arguments->word_count++] = argument;
        return 0;
    case ARGP_KEY_END:
        check_words(arguments, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int show(struct plugins_arguments *arguments)
{
    struct arena *arena = arena_new(0);
    struct client *client = &arguments->client;
    const char *name = arguments->word_count ? arguments->words[0] : NULL;
    Pb__Plugins plugins = PB__PLUGINS__INIT;
    int status = list_all(client, name ? name : "", arena, &plugins);
    if (!status && name && !plugins.n_plugins) {
        fprintf(stderr, "panther-coord: no agent has a plugin named %s\n", name);
        status = EXIT_FAIL;
    } else if (!status && arguments->skew) {
        status = plugins_skew(client, &plugins);
    } else if (!status && name && client->format == REPORT_TABLE) {
        print_one(client, &plugins);
    } else if (!status && name) {
        plugin_json_print(plugins.plugins[0], stdout, client->format == REPORT_JSONL);
    } else if (!status) {
        print_overview(client, &plugins);
    }
    arena_free(&arena);
    return status;
}

int cli_plugins(int argc, char **argv)
{
    static const struct argp_child children[] = {{&client_argp, 0, NULL, 0}, {0}};
    static const struct argp argp = {options,
                                     parse,
                                     "[NAME]\npush DIR --hosts HOSTS\nremove NAME --hosts HOSTS",
                                     "Lists the plugins of all agents; with a name: its options, cases, capabilities and versions.\n"
                                     "push: puts a plugin's folder (with service.yaml or NAME.so in it) on agents, which use it from now "
                                     "on before an installed one of its "
                                     "name; what runs goes on with the version it began with. remove: takes back what was pushed.\v"
                                     "Exit status of push and remove: 0 done (or nothing was to be done) on every host, 1 refused by some "
                                     "host, which keeps what it had, "
                                     "3 not refused, but some host is away.",
                                     children,
                                     NULL,
                                     NULL};
    struct plugins_arguments arguments = {0};
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    int status = pushes(&arguments) ? plugins_push(&arguments) : show(&arguments);
    client_close(&arguments.client);
    return status;
}

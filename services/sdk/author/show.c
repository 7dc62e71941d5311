// panther-plugin show PLUGIN: what it says about itself, and whether it can work on this host.
#include <argp.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "common/schema/schema.h"
#include "services/sdk/author/author.h"

struct arguments {
    const char *plugin;
    bool json;
};

struct shown {
    const Pb__PluginDescription *description;
    const Pb__PluginPresence *presence;
    struct arena *arena;
};

static const char *kind_of(const Pb__PluginDescription *description)
{
    static const char *const names[] = {"?", "iut", "tester", "network"};
    return description->kind < sizeof names / sizeof *names ? names[description->kind] : names[0];
}

// ---- for people

static void print_protocols(const struct shown *shown)
{
    for (size_t i = 0; i < shown->description->n_protocols; i++) {
        const Pb__ProtocolDescription *protocol = shown->description->protocols[i];
        printf("protocol %s, versions %s, roles %s\n", protocol->name,
               author_join(shown->arena, protocol->versions, protocol->n_versions, ","),
               author_join(shown->arena, protocol->roles, protocol->n_roles, ","));
    }
    for (size_t i = 0; i < shown->description->n_drives; i++) {
        const Pb__DriveDescription *drive = shown->description->drives[i];
        printf("drives %s%s: %s %s\n", drive->name, drive->required ? " (required)" : "",
               *drive->protocol ? drive->protocol : "any protocol", drive->role);
    }
}

static void print_presence(const struct shown *shown)
{
    const Pb__PluginPresence *presence = shown->presence;
    if (!presence->usable)
        printf("cannot work on this host: %s\n", presence->unusable_reason);
    else
        printf("works on this host%s%s\n", *presence->implementation_version ? ", with version " : "", presence->implementation_version);
    if (presence->n_capabilities)
        printf("capabilities %s\n", author_join(shown->arena, presence->capabilities, presence->n_capabilities, ", "));
}

static void print_options(const struct shown *shown)
{
    const Pb__PluginDescription *description = shown->description;
    if (description->n_options)
        printf("\n%-20s %-26s %-12s %s\n", "OPTION", "TYPE", "DEFAULT", "MEANING");
    for (size_t i = 0; i < description->n_options; i++) {
        const Pb__OptionDescription *option = description->options[i];
        printf("%-20s %-26s %-12s %s\n", option->name, author_option_type(option, shown->arena),
               option->required ? "(required)" : option->default_value, option->help);
    }
}

// "    server: retry, fresh; client: executed; network: delay 15ms"
static void print_case_needs(const Pb__CaseDescription *item)
{
    const char *between = "    ";
    for (size_t i = 0; i < item->n_drives; i++) {
        const Pb__CaseDrive *drive = item->drives[i];
        printf("%s%s:%s%s%s%s%s", between, drive->drive, *drive->profile ? " profile " : "", drive->profile, drive->fresh ? " fresh" : "",
               drive->execute ? " executed" : "", *drive->profile || drive->fresh || drive->execute ? "" : " as it is");
        between = "; ";
    }
    for (size_t i = 0; i < item->n_conditions; i++) {
        const Pb__Setting *condition = item->conditions[i];
        printf("%s%s %s",
               i == 0 && item->n_drives == 0 ? "    network: "
               : i == 0                      ? "; network: "
                                             : ", ",
               condition->name, condition->n_values ? condition->values[0] : "");
    }
    if (item->n_drives + item->n_conditions > 0)
        putchar('\n');
}

static void print_cases(const struct shown *shown)
{
    const Pb__PluginDescription *description = shown->description;
    if (description->n_cases)
        printf("\n%-20s %-26s %s\n", "CASE", "NEEDS", "WHAT IT TESTS");
    for (size_t i = 0; i < description->n_cases; i++) {
        const Pb__CaseDescription *item = description->cases[i];
        printf("%-20s %-26s %s\n", item->name, author_join(shown->arena, item->needs, item->n_needs, ","), item->summary);
        print_case_needs(item);
    }
}

static void print_text(const struct shown *shown)
{
    const Pb__PluginDescription *description = shown->description;
    printf("%s %s (%s), ABI %u.%u: %s\n", description->name, description->version, kind_of(description), description->abi_major,
           description->abi_minor, description->summary);
    print_protocols(shown);
    print_presence(shown);
    print_options(shown);
    print_cases(shown);
}

// ---- for scripts

static json_t *texts(char *const *items, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(array, json_string(items[i]));
    return array;
}

static json_t *options_json(const Pb__PluginDescription *description)
{
    json_t *array = json_array();
    for (size_t i = 0; i < description->n_options; i++) {
        const Pb__OptionDescription *option = description->options[i];
        json_t *item = json_pack("{s:s, s:s, s:b, s:s, s:o, s:s, s:s}", "name", option->name, "type", option_type_name((int)option->type),
                                 "required", option->required, "default", option->default_value, "choices",
                                 texts(option->choices, option->n_choices), "unit", option->unit, "help", option->help);
        if (option->has_range) {
            json_object_set_new(item, "minimum", json_real(option->minimum));
            json_object_set_new(item, "maximum", json_real(option->maximum));
        }
        json_array_append_new(array, item);
    }
    return array;
}

static json_t *drives_json(const Pb__CaseDescription *item)
{
    json_t *array = json_array();
    for (size_t i = 0; i < item->n_drives; i++) {
        const Pb__CaseDrive *drive = item->drives[i];
        json_array_append_new(array, json_pack("{s:s, s:s, s:b, s:b}", "drive", drive->drive, "profile", drive->profile, "execute",
                                               drive->execute, "fresh", drive->fresh));
    }
    return array;
}

static json_t *conditions_json(const Pb__CaseDescription *item)
{
    json_t *object = json_object();
    for (size_t i = 0; i < item->n_conditions; i++)
        json_object_set_new(object, item->conditions[i]->name, texts(item->conditions[i]->values, item->conditions[i]->n_values));
    return object;
}

static json_t *cases_json(const Pb__PluginDescription *description)
{
    json_t *array = json_array();
    for (size_t i = 0; i < description->n_cases; i++) {
        const Pb__CaseDescription *item = description->cases[i];
        json_array_append_new(array,
                              json_pack("{s:s, s:s, s:i, s:o, s:o, s:o, s:o}", "name", item->name, "summary", item->summary, "timeout_ms",
                                        (int)item->timeout_ms, "needs", texts(item->needs, item->n_needs), "drives", drives_json(item),
                                        "conditions", conditions_json(item), "evidence", texts(item->evidence, item->n_evidence)));
    }
    return array;
}

static void print_json(const struct shown *shown)
{
    const Pb__PluginDescription *description = shown->description;
    const Pb__PluginPresence *presence = shown->presence;
    json_t *root = json_pack("{s:s, s:s, s:s, s:s, s:b, s:s, s:s, s:o, s:o, s:o}", "name", description->name, "version",
                             description->version, "kind", kind_of(description), "summary", description->summary, "usable",
                             presence->usable, "why_not", presence->unusable_reason, "implementation_version",
                             presence->implementation_version, "capabilities", texts(presence->capabilities, presence->n_capabilities),
                             "options", options_json(description), "cases", cases_json(description));
    json_dumpf(root, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(root);
}

// ---- command line

static const struct argp_option options[] = {{"output", 'o', "FORMAT", 0, "table (default) or json", 0}, {0}};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case 'o':
        arguments->json = strcmp(argument, "json") == 0;
        if (!arguments->json && strcmp(argument, "table") != 0)
            argp_error(state, "-o %s: use table or json", argument);
        return 0;
    case ARGP_KEY_ARG:
        if (arguments->plugin)
            argp_error(state, "one plugin at a time; %s is too many", argument);
        arguments->plugin = argument;
        return 0;
    case ARGP_KEY_END:
        if (!arguments->plugin)
            argp_error(state, "PLUGIN is missing");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int author_show(int argc, char **argv)
{
    static const struct argp argp = {options,
                                     parse,
                                     "PLUGIN",
                                     "Shows what a plugin says about itself, and whether it can work on this host. PLUGIN is a path or the "
                                     "name of an installed one.\vExit status: 0 it loads, 1 it does not, 2 wrong usage.",
                                     NULL,
                                     NULL,
                                     NULL};
    struct arguments arguments = {0};
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    struct arena *arena = arena_new(0);
    struct panther_error error = {0};
    struct shown shown = {.arena = arena};
    const char *path = author_find(arguments.plugin, arena, &error);
    if (path && (shown.description = author_describe(path, arena, &error)))
        shown.presence = author_probe(path, arena, &error);
    if (shown.presence)
        (arguments.json ? print_json : print_text)(&shown);
    else
        fprintf(stderr, "panther-plugin: %s\n", error.message);
    arena_free(&arena);
    return shown.presence ? AUTHOR_GOOD : AUTHOR_BAD;
}

#include "services/sdk/description.h"

#include <string.h>

#include "common/base/identity.h"
#include "services/sdk/option_table.h"

// What describes the plugin was there from the first version on; of the functions behind it an older minor may have fewer.
#define DESCRIPTOR_LEAST_BYTES offsetof(struct panther_plugin, initialize)

const char *description_abi_problem(const struct panther_plugin *plugin, struct arena *arena)
{
    if (plugin->abi_major != PANTHER_ABI_MAJOR || plugin->abi_minor > PANTHER_ABI_MINOR) {
        return arena_printf(arena, "it was built for plugin ABI %u.%u, this host has %d.%d: build it again with the SDK installed here",
                            plugin->abi_major, plugin->abi_minor, PANTHER_ABI_MAJOR, PANTHER_ABI_MINOR);
    }
    const bool is_older = plugin->abi_minor < PANTHER_ABI_MINOR;
    const size_t least = is_older ? DESCRIPTOR_LEAST_BYTES : sizeof(struct panther_plugin);
    if (plugin->struct_bytes < least || plugin->struct_bytes > sizeof(struct panther_plugin)) {
        return arena_printf(arena, "its descriptor has %u bytes instead of %zu: it was built with headers of another version",
                            plugin->struct_bytes, sizeof(struct panther_plugin));
    }
    return NULL;
}

static size_t count_texts(const char *const *texts)
{
    size_t count = 0;
    while (texts != NULL && count < TEXTS_MAX && texts[count] != NULL) {
        count++;
    }
    return count;
}

static size_t count_cases(const struct panther_plugin *plugin)
{
    const struct panther_case *cases = plugin->tester != NULL ? plugin->tester->cases : NULL;
    size_t count = 0;
    while (cases != NULL && count < CASES_MAX && cases[count].name != NULL) {
        count++;
    }
    return count;
}

const struct panther_case *description_case(const struct panther_plugin *plugin, const char *name)
{
    const size_t count = count_cases(plugin);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(plugin->tester->cases[i].name, name) == 0) {
            return &plugin->tester->cases[i];
        }
    }
    return NULL;
}

static const char *tester_problem(const struct panther_plugin *plugin, struct arena *arena)
{
    const size_t count = count_cases(plugin);
    if (plugin->tester == NULL) {
        return "a tester has a struct panther_tester in .tester";
    }
    if (plugin->tester->run_test == NULL && plugin->execute == NULL) {
        return "a tester has run_test or execute";
    }
    if (count == 0 && plugin->execute == NULL) {
        return "a tester without execute has a case table";
    }
    if (count == CASES_MAX) {
        return arena_printf(arena, "more than %d cases, or the table does not end with an empty one", CASES_MAX - 1);
    }
    for (size_t i = 0; i < count; i++) {
        if (!name_is_valid(plugin->tester->cases[i].name)) {
            return arena_printf(arena, "case \"%.64s\" has a name that no experiment can use", plugin->tester->cases[i].name);
        }
    }
    return NULL;
}

static const char *protocol_problem(const struct panther_plugin *plugin, struct arena *arena)
{
    for (const struct panther_protocol *protocol = plugin->protocols; protocol != NULL && protocol->name != NULL; protocol++) {
        if (!name_is_valid(protocol->name) || count_texts(protocol->roles) == 0) {
            return arena_printf(arena, "protocol \"%.64s\" needs a plain name and a role at least", protocol->name);
        }
    }
    return NULL;
}

const char *description_problem(const struct panther_plugin *plugin, struct arena *arena)
{
    if (plugin->name == NULL || !name_is_valid(plugin->name)) {
        return "its name is missing, or is not lower case letters, digits, dot, underscore and dash";
    }
    if (plugin->version == NULL || plugin->summary == NULL || plugin->summary[0] == '\0') {
        return "version and summary are missing";
    }
    if (plugin->kind != PANTHER_IUT && plugin->kind != PANTHER_TESTER && plugin->kind != PANTHER_NETWORK) {
        return "kind is none of PANTHER_IUT, PANTHER_TESTER and PANTHER_NETWORK";
    }
    if (plugin->kind == PANTHER_IUT && plugin->iut == NULL) {
        return "an IUT has a struct panther_iut in .iut";
    }
    const char *problem = plugin->kind == PANTHER_TESTER ? tester_problem(plugin, arena) : NULL;
    problem = problem != NULL ? problem : protocol_problem(plugin, arena);
    return problem != NULL ? problem : option_table_problem(plugin, arena);
}

// ---- on the wire

static size_t copy_texts(const char *const *texts, struct arena *arena, char ***copies)
{
    const size_t count = count_texts(texts);
    *copies = ARENA_ARRAY(arena, char *, count + 1);
    for (size_t i = 0; i < count; i++) {
        (*copies)[i] = arena_string(arena, texts[i]);
    }
    return count;
}

static void describe_protocols(const struct panther_plugin *plugin, struct arena *arena, Pb__PluginDescription *description)
{
    size_t count = 0;
    while (plugin->protocols != NULL && plugin->protocols[count].name != NULL) {
        count++;
    }
    description->protocols = ARENA_ARRAY(arena, Pb__ProtocolDescription *, count + 1);
    description->n_protocols = count;
    for (size_t i = 0; i < count; i++) {
        Pb__ProtocolDescription *protocol = ARENA_NEW(arena, Pb__ProtocolDescription);
        pb__protocol_description__init(protocol);
        protocol->name = arena_string(arena, plugin->protocols[i].name);
        protocol->n_versions = copy_texts(plugin->protocols[i].versions, arena, &protocol->versions);
        protocol->n_roles = copy_texts(plugin->protocols[i].roles, arena, &protocol->roles);
        description->protocols[i] = protocol;
    }
}

static void describe_cases(const struct panther_plugin *plugin, struct arena *arena, Pb__PluginDescription *description)
{
    const size_t count = count_cases(plugin);
    description->cases = ARENA_ARRAY(arena, Pb__CaseDescription *, count + 1);
    description->n_cases = count;
    for (size_t i = 0; i < count; i++) {
        const struct panther_case *source = &plugin->tester->cases[i];
        Pb__CaseDescription *described = ARENA_NEW(arena, Pb__CaseDescription);
        pb__case_description__init(described);
        described->name = arena_string(arena, source->name);
        described->summary = arena_string(arena, source->summary != NULL ? source->summary : "");
        described->timeout_ms = source->timeout_ms;
        described->n_needs = copy_texts(source->needs, arena, &described->needs);
        description->cases[i] = described;
    }
}

static void describe_drives(const struct panther_plugin *plugin, struct arena *arena, Pb__PluginDescription *description)
{
    size_t count = 0;
    while (plugin->drives != NULL && plugin->drives[count].name != NULL) {
        count++;
    }
    description->drives = ARENA_ARRAY(arena, Pb__DriveDescription *, count + 1);
    description->n_drives = count;
    for (size_t i = 0; i < count; i++) {
        Pb__DriveDescription *drive = ARENA_NEW(arena, Pb__DriveDescription);
        pb__drive_description__init(drive);
        drive->name = arena_string(arena, plugin->drives[i].name);
        drive->protocol = arena_string(arena, plugin->drives[i].protocol != NULL ? plugin->drives[i].protocol : "");
        drive->role = arena_string(arena, plugin->drives[i].role != NULL ? plugin->drives[i].role : "");
        drive->required = plugin->drives[i].required;
        description->drives[i] = drive;
    }
}

Pb__PluginDescription *description_make(const struct panther_plugin *plugin, struct arena *arena)
{
    Pb__PluginDescription *description = ARENA_NEW(arena, Pb__PluginDescription);
    pb__plugin_description__init(description);
    description->name = arena_string(arena, plugin->name);
    description->kind = (Pb__PluginKind)plugin->kind; // the same numbers
    description->version = arena_string(arena, plugin->version);
    description->summary = arena_string(arena, plugin->summary);
    description->abi_major = plugin->abi_major;
    description->abi_minor = plugin->abi_minor;
    description->executes = plugin->execute != NULL;
    description->builds = plugin->builds;
    description->n_programs = copy_texts(plugin->programs, arena, &description->programs);
    description->n_options = option_table_describe(plugin->options, arena, &description->options);
    describe_protocols(plugin, arena, description);
    describe_cases(plugin, arena, description);
    describe_drives(plugin, arena, description);
    return description;
}

void panther_capability(struct panther_capabilities *capabilities, const char *name)
{
    if (capabilities->count < TEXTS_MAX) {
        capabilities->names[capabilities->count++] = arena_string(capabilities->arena, name);
    }
}

void panther_plan_command(struct panther_plan *plan, const char *const *argv)
{
    for (size_t i = 0; argv[i] != NULL; i++) {
        text_printf(&plan->text, "%s%s", i > 0 ? " " : "", argv[i]);
    }
    text_append(&plan->text, "\n");
}

#include "services/sdk/description.h"

#include <string.h>

#include "common/base/identity.h"
#include "common/schema/conditions.h"
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

static bool has_drive(const struct panther_plugin *plugin, const char *name)
{
    const struct panther_drive *drive = plugin->drives;
    while (drive != NULL && drive->name != NULL && strcmp(drive->name, name) != 0) {
        drive++;
    }
    return drive != NULL && drive->name != NULL;
}

static const char *setup_problem(const struct panther_plugin *plugin, const struct panther_case_setup *setup, struct arena *arena)
{
    if (description_case(plugin, setup->name) == NULL) {
        return arena_printf(arena, "setups names the case \"%.64s\", which is not in the table", setup->name);
    }
    if (setup->drive == NULL || !has_drive(plugin, setup->drive)) {
        return arena_printf(arena, "the setup of case %s names a word that drives does not have", setup->name);
    }
    for (const struct panther_case_setup *other = plugin->tester->setups; other != setup; other++) {
        if (strcmp(other->name, setup->name) == 0 && strcmp(other->drive, setup->drive) == 0) {
            return arena_printf(arena, "case %s has two setups for %s", setup->name, setup->drive);
        }
    }
    return NULL;
}

// A condition is read in the order of the table, as an experiment's are.
static const char *condition_problem(const struct panther_plugin *plugin, const struct panther_case_condition *condition,
                                     struct conditions *conditions, struct arena *arena)
{
    struct panther_error error = {0};
    char *value = condition->value != NULL ? arena_string(arena, condition->value) : NULL;
    if (description_case(plugin, condition->name) == NULL) {
        return arena_printf(arena, "conditions names the case \"%.64s\", which is not in the table", condition->name);
    }
    if (condition->key == NULL || value == NULL) {
        return arena_printf(arena, "a condition of case %s has no key or no value", condition->name);
    }
    return conditions_put(conditions, condition->key, &value, 1, &error) < 0
               ? arena_printf(arena, "case %s: %s", condition->name, error.message)
               : NULL;
}

static const char *needs_problem(const struct panther_plugin *plugin, struct arena *arena)
{
    const struct panther_tester *tester = plugin->tester;
    const char *problem = NULL;
    for (const struct panther_case_setup *setup = tester->setups; setup != NULL && setup->name != NULL && problem == NULL; setup++) {
        problem = setup_problem(plugin, setup, arena);
    }
    struct conditions *conditions = ARENA_NEW(arena, struct conditions);
    const struct panther_case_condition *condition = tester->conditions;
    for (; condition != NULL && condition->name != NULL && problem == NULL; condition++) {
        problem = condition_problem(plugin, condition, conditions, arena);
    }
    return problem;
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
    problem = problem == NULL && plugin->kind == PANTHER_TESTER ? needs_problem(plugin, arena) : problem;
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

static void describe_setups(const struct panther_tester *tester, struct arena *arena, Pb__CaseDescription *described)
{
    described->drives = ARENA_ARRAY(arena, Pb__CaseDrive *, TEXTS_MAX);
    for (const struct panther_case_setup *setup = tester->setups; setup != NULL && setup->name != NULL; setup++) {
        if (strcmp(setup->name, described->name) != 0 || described->n_drives == TEXTS_MAX) {
            continue;
        }
        Pb__CaseDrive *drive = ARENA_NEW(arena, Pb__CaseDrive);
        pb__case_drive__init(drive);
        drive->drive = arena_string(arena, setup->drive);
        drive->profile = arena_string(arena, setup->profile != NULL ? setup->profile : "");
        drive->execute = setup->execute;
        drive->fresh = setup->fresh;
        described->drives[described->n_drives++] = drive;
    }
}

static Pb__Setting *condition_of(Pb__CaseDescription *described, const char *key, struct arena *arena)
{
    for (size_t i = 0; i < described->n_conditions; i++) {
        if (strcmp(described->conditions[i]->name, key) == 0) {
            return described->conditions[i];
        }
    }
    Pb__Setting *setting = ARENA_NEW(arena, Pb__Setting);
    pb__setting__init(setting);
    setting->name = arena_string(arena, key);
    setting->values = ARENA_ARRAY(arena, char *, TEXTS_MAX);
    described->conditions[described->n_conditions++] = setting;
    return setting;
}

// A key that stands several times is a list: drop_nth.
static void describe_conditions(const struct panther_tester *tester, struct arena *arena, Pb__CaseDescription *described)
{
    described->conditions = ARENA_ARRAY(arena, Pb__Setting *, CONDITION_COUNT);
    for (const struct panther_case_condition *condition = tester->conditions; condition != NULL && condition->name != NULL; condition++) {
        if (strcmp(condition->name, described->name) == 0) {
            Pb__Setting *setting = condition_of(described, condition->key, arena);
            if (setting->n_values < TEXTS_MAX) {
                setting->values[setting->n_values++] = arena_string(arena, condition->value);
            }
        }
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
        describe_setups(plugin->tester, arena, described);
        describe_conditions(plugin->tester, arena, described);
        described->n_evidence = copy_texts(plugin->tester->evidence, arena, &described->evidence);
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

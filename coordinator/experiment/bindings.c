// Checks a service as it would run: its plan is made by the code that makes it for a trial.
#include "coordinator/experiment/bindings.h"

#include <string.h>

#include "coordinator/experiment/axes.h"
#include "coordinator/experiment/cells.h"
#include "coordinator/experiment/plugins.h"
#include "coordinator/experiment/settings.h"

// One service in one combination.
struct binding {
    struct scope *scope;
    const struct document *document;
    size_t index; // of the service
    const Pb__ServicePlan *service;
    const char *protocol_name, *protocol_version;
    const Pb__AxisValue *values[AXES_PER_TEST_MAX];
    const Pb__PluginDescription *plugin;
    struct arena *arena;
};

// Where a service says `key`, else where the service stands.
static struct value place_of(const struct binding *binding, const char *key)
{
    const Pb__ServiceTemplate *template = binding->scope->test->services[binding->index];
    const struct value *value = document_get(binding->scope->services->items[binding->index], key);
    return value ? scope_place(value->line, value->column) : scope_place(template->line, template->column);
}

// A plugin that comes from an axis is shown where the axis names it.
static struct value place_of_plugin(const struct binding *binding)
{
    const Pb__ServiceTemplate *template = binding->scope->test->services[binding->index];
    struct reference reference;
    size_t axis = 0;
    bool is_axis = axes_find(binding->scope->test, template->from_axis, &axis) != NULL;
    const char *named = template->tester[0] ? template->tester : template->implementation;
    if (!is_axis && reference_is_whole(named, &reference) && reference_is(&reference, "axes", 2))
        is_axis = axes_find(binding->scope->test, reference.part[1], &axis) != NULL;
    if (is_axis)
        return scope_place(binding->values[axis]->line, binding->values[axis]->column);
    return place_of(binding, template->tester[0] ? "tester" : "implementation");
}

// ---- kind, protocol, version, role

static bool check_kind(const struct binding *binding)
{
    const Pb__PluginDescription *plugin = binding->plugin;
    const Pb__ServicePlan *plan = binding->service;
    const struct value place = place_of_plugin(binding);
    bool is_tester = plugin->kind == PB__PLUGIN_KIND__PLUGIN_KIND_TESTER;
    if (is_tester && !plan->is_tester)
        document_error(binding->document, &place, "%s is a tester; write `tester: %s`", plugin->name, plugin->name);
    if (!is_tester && plan->is_tester)
        document_error(binding->document, &place, "%s is an implementation, not a tester; write `implementation: %s`", plugin->name,
                       plugin->name);
    return is_tester == plan->is_tester;
}

static const char *protocols_of(const Pb__PluginDescription *plugin, struct arena *arena)
{
    char **names = ARENA_ARRAY(arena, char *, plugin->n_protocols);
    for (size_t i = 0; i < plugin->n_protocols; i++)
        names[i] = plugin->protocols[i]->name;
    return plugins_list(names, plugin->n_protocols, arena);
}

static void check_version_and_role(const struct binding *binding, const Pb__ProtocolDescription *protocol)
{
    const struct value place = place_of_plugin(binding), role_place = place_of(binding, "role");
    const char *name = binding->plugin->name, *version = binding->protocol_version, *role = binding->service->role;
    if (version[0] && protocol->n_versions > 0 && !plugins_is_listed(protocol->versions, protocol->n_versions, version))
        document_error(binding->document, &place, "%s does not speak %s version \"%s\"; it speaks %s", name, protocol->name, version,
                       plugins_list(protocol->versions, protocol->n_versions, binding->arena));
    if (role[0] && protocol->n_roles > 0 && !plugins_is_listed(protocol->roles, protocol->n_roles, role))
        document_error(binding->document, &role_place, "%s cannot be \"%s\" in %s; it can be %s", name, role, protocol->name,
                       plugins_list(protocol->roles, protocol->n_roles, binding->arena));
}

// A tester without protocols of its own fits where its drives do.
static void check_protocol(const struct binding *binding)
{
    const Pb__PluginDescription *plugin = binding->plugin;
    const Pb__ProtocolDescription *protocol = plugins_protocol(plugin, binding->protocol_name);
    const struct value place = place_of_plugin(binding);
    if (protocol)
        check_version_and_role(binding, protocol);
    else if (!binding->service->is_tester || plugin->n_protocols > 0)
        document_error(binding->document, &place, "%s does not speak %s; it speaks %s", plugin->name, binding->protocol_name,
                       plugin->n_protocols > 0 ? protocols_of(plugin, binding->arena) : "nothing");
}

// ---- drives

static const Pb__DriveDescription *find_drive(const Pb__PluginDescription *plugin, const char *name)
{
    for (size_t i = 0; i < plugin->n_drives; i++)
        if (strcmp(plugin->drives[i]->name, name) == 0)
            return plugin->drives[i];
    return NULL;
}

static void report_unknown_drive(const struct binding *binding, const struct value *place, const char *name)
{
    const Pb__PluginDescription *plugin = binding->plugin;
    const char **names = ARENA_ARRAY(binding->arena, const char *, plugin->n_drives);
    for (size_t i = 0; i < plugin->n_drives; i++)
        names[i] = plugin->drives[i]->name;
    document_error(binding->document, place, "%s drives no \"%.80s\"%s", plugin->name, name,
                   document_hint(binding->document, name, names, plugin->n_drives));
}

static void check_driven(const struct binding *binding, const struct value *place, const Pb__DriveDescription *drive, const char *name)
{
    const Pb__ServiceTemplate *driven = binding->scope->test->services[scope_service_index(binding->scope, name)];
    if (driven->tester[0] && drive->protocol[0])
        document_error(binding->document, place, "%s drives an implementation as its \"%s\", but \"%s\" is a tester", binding->plugin->name,
                       drive->name, name);
    else if (drive->role[0] && driven->role[0] && strcmp(drive->role, driven->role) != 0)
        document_error(binding->document, place, "%s drives a %s as its \"%s\", but \"%s\" has the role %s", binding->plugin->name,
                       drive->role, drive->name, name, driven->role);
}

// False: the tester knows no such word.
static bool check_drive(const struct binding *binding, const struct value *place, const Pb__Drive *drive)
{
    const Pb__DriveDescription *known = find_drive(binding->plugin, drive->name);
    if (!known) {
        report_unknown_drive(binding, place, drive->name);
        return false;
    }
    if (known->protocol[0] && !binding->scope->protocol_is_unknown && strcmp(known->protocol, binding->protocol_name) != 0)
        document_error(binding->document, place, "%s drives %s, but the protocol of this test is %s", binding->plugin->name,
                       known->protocol, binding->protocol_name);
    for (size_t i = 0; i < drive->n_services; i++)
        check_driven(binding, place, known, drive->services[i]);
    return true;
}

static bool is_driven(const Pb__ServicePlan *service, const char *name)
{
    for (size_t i = 0; i < service->n_drives; i++)
        if (strcmp(service->drives[i]->name, name) == 0)
            return true;
    return false;
}

static void check_drives(const struct binding *binding)
{
    const Pb__ServicePlan *service = binding->service;
    const Pb__PluginDescription *plugin = binding->plugin;
    const struct value place = place_of(binding, "drives");
    if (!service->is_tester) {
        if (service->n_drives > 0)
            document_error(binding->document, &place, "only a tester drives services; write `needs` for what must be ready first");
        return;
    }
    const struct value *given = document_get(binding->scope->services->items[binding->index], "drives");
    bool is_clear = !given || given->kind == VALUE_MAP;
    for (size_t i = 0; i < service->n_drives; i++)
        is_clear = check_drive(binding, &place, service->drives[i]) && is_clear;
    for (size_t i = 0; i < plugin->n_drives; i++)
        if (is_clear && plugin->drives[i]->required && !is_driven(service, plugin->drives[i]->name))
            document_error(binding->document, &place, "%s needs something to work on: write `drives: {%s: SERVICE}`", plugin->name,
                           plugin->drives[i]->name);
}

// ---- a program that travels

static const Pb__FileReference *file_of(const struct binding *binding, const char *text)
{
    const Pb__Experiment *experiment = binding->scope->experiment;
    struct reference reference;
    for (size_t i = 0; reference_is_whole(text, &reference) && i < experiment->n_files; i++)
        if (strcmp(experiment->files[i]->name, reference.part[1]) == 0)
            return experiment->files[i];
    return NULL;
}

// What it stands in for is the first program that the plugin names.
static void check_program(const struct binding *binding)
{
    const char *program = binding->service->program;
    const struct value place = place_of_plugin(binding);
    if (!program[0])
        return;
    const Pb__FileReference *file = file_of(binding, program);
    if (!file)
        scope_check(binding->scope, program, &place, SCOPE_FILES);
    else if (file->folder)
        document_error(binding->document, &place, "\"%.80s\" is a folder, and cannot be a program", program);
    if (binding->plugin->builds)
        document_error(binding->document, &place, "%s builds what it runs: no program can stand in for it", binding->plugin->name);
    else if (binding->plugin->n_programs == 0)
        document_error(binding->document, &place, "%s runs no program that another could stand in for", binding->plugin->name);
}

// ---- all of it

static void check_host(const struct binding *binding)
{
    const Pb__HostRule *rule = binding->service->host;
    const struct value place = place_of(binding, "host");
    if (rule->name[0] && !reference_is_in(rule->name) && !name_is_valid(rule->name))
        document_error(binding->document, &place, "\"%.80s\" is not the name of a host: a-z 0-9 . _ -", rule->name);
}

static void check_plugin(const struct binding *binding)
{
    const struct value place = place_of_plugin(binding);
    if (!check_kind(binding))
        return;
    if (binding->protocol_name[0] && !binding->scope->protocol_is_unknown)
        check_protocol(binding);
    check_drives(binding);
    check_program(binding);
    settings_check(binding->document, binding->plugin, binding->service, &place, binding->arena);
}

void bindings_check(struct scope *scope, size_t service, uint64_t combination, uint32_t repetition, struct arena *arena)
{
    struct binding binding = {.scope = scope, .document = &scope->document, .index = service, .arena = arena};
    axes_values(scope->test, combination, binding.values);
    binding.service = cells_service(scope->test, service, combination, repetition, arena);
    binding.protocol_name = scope->test->protocol_name;
    binding.protocol_version = cells_protocol_version(scope->test, combination, arena);
    check_host(&binding);
    const struct value place = place_of_plugin(&binding);
    const char *name = binding.service->plugin;
    if (name[0] == '\0' || reference_is_in(name))
        return; // reported where it was read
    binding.plugin = plugins_find(scope->plugins, name, &scope->document, &place);
    if (binding.plugin)
        check_plugin(&binding);
}

// Checks each combination as it would run: its plan is made by the code that makes it for a trial.
#include "coordinator/experiment/bindings.h"

#include <string.h>

#include "coordinator/experiment/assertions.h"
#include "coordinator/experiment/axes.h"
#include "coordinator/experiment/cells.h"
#include "coordinator/experiment/plugins.h"
#include "coordinator/experiment/settings.h"

// One combination that is being checked.
struct binding {
    struct scope *scope;
    const struct document *document;
    const Pb__CellPlan *plan;
    const Pb__AxisValue *values[AXES_PER_TEST_MAX];
    struct arena *arena; // emptied after the combination
};

// Where a service says `key`, else where the service stands.
static struct value place_of(const struct binding *binding, size_t service, const char *key)
{
    const Pb__ServiceTemplate *template = binding->scope->test->services[service];
    const struct value *value = document_get(binding->scope->services->items[service], key);
    return value ? scope_place(value->line, value->column) : scope_place(template->line, template->column);
}

// A plugin that comes from an axis is shown where the axis names it.
static struct value place_of_plugin(const struct binding *binding, size_t service)
{
    const Pb__ServiceTemplate *template = binding->scope->test->services[service];
    struct reference reference;
    size_t axis = 0;
    bool is_axis = axes_find(binding->scope->test, template->from_axis, &axis) != NULL;
    if (!is_axis && reference_is_whole(template->implementation, &reference) && reference_is(&reference, "axes", 2))
        is_axis = axes_find(binding->scope->test, reference.part[1], &axis) != NULL;
    if (is_axis)
        return scope_place(binding->values[axis]->line, binding->values[axis]->column);
    return place_of(binding, service, template->tester[0] ? "tester" : "implementation");
}

// ---- kind, protocol, version, role

static bool check_kind(const struct binding *binding, size_t service, const Pb__PluginDescription *plugin)
{
    const Pb__ServicePlan *plan = binding->plan->services[service];
    const struct value place = place_of_plugin(binding, service);
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

// A tester without protocols of its own fits where its drives do.
static void check_protocol(const struct binding *binding, size_t service, const Pb__PluginDescription *plugin)
{
    const Pb__CellPlan *plan = binding->plan;
    const Pb__ProtocolDescription *protocol = plugins_protocol(plugin, plan->protocol_name);
    const struct value place = place_of_plugin(binding, service), role_place = place_of(binding, service, "role");
    const char *role = plan->services[service]->role;
    if (!protocol && plan->services[service]->is_tester && plugin->n_protocols == 0)
        return;
    if (!protocol) {
        document_error(binding->document, &place, "%s does not speak %s; it speaks %s", plugin->name, plan->protocol_name,
                       plugin->n_protocols > 0 ? protocols_of(plugin, binding->arena) : "nothing");
        return;
    }
    if (plan->protocol_version[0] && protocol->n_versions > 0 &&
        !plugins_is_listed(protocol->versions, protocol->n_versions, plan->protocol_version))
        document_error(binding->document, &place, "%s does not speak %s version \"%s\"; it speaks %s", plugin->name, protocol->name,
                       plan->protocol_version, plugins_list(protocol->versions, protocol->n_versions, binding->arena));
    if (role[0] && protocol->n_roles > 0 && !plugins_is_listed(protocol->roles, protocol->n_roles, role))
        document_error(binding->document, &role_place, "%s cannot be \"%s\" in %s; it can be %s", plugin->name, role, protocol->name,
                       plugins_list(protocol->roles, protocol->n_roles, binding->arena));
}

// ---- drives

static const Pb__DriveDescription *find_drive(const Pb__PluginDescription *plugin, const char *name)
{
    for (size_t i = 0; i < plugin->n_drives; i++)
        if (strcmp(plugin->drives[i]->name, name) == 0)
            return plugin->drives[i];
    return NULL;
}

static void report_unknown_drive(const struct binding *binding, const struct value *place, const Pb__PluginDescription *plugin,
                                 const char *name)
{
    const char **names = ARENA_ARRAY(binding->arena, const char *, plugin->n_drives);
    for (size_t i = 0; i < plugin->n_drives; i++)
        names[i] = plugin->drives[i]->name;
    document_error(binding->document, place, "%s drives no \"%.80s\"%s", plugin->name, name,
                   document_hint(binding->document, name, names, plugin->n_drives));
}

static void check_driven(const struct binding *binding, const struct value *place, const Pb__PluginDescription *plugin,
                         const Pb__DriveDescription *drive, const char *name)
{
    const Pb__ServicePlan *driven = binding->plan->services[scope_service_index(binding->scope, name)];
    if (driven->is_tester && drive->protocol[0])
        document_error(binding->document, place, "%s drives an implementation as its \"%s\", but \"%s\" is a tester", plugin->name,
                       drive->name, name);
    else if (drive->role[0] && driven->role[0] && strcmp(drive->role, driven->role) != 0)
        document_error(binding->document, place, "%s drives a %s as its \"%s\", but \"%s\" has the role %s", plugin->name, drive->role,
                       drive->name, name, driven->role);
}

// False: the tester knows no such word.
static bool check_drive(const struct binding *binding, const struct value *place, const Pb__PluginDescription *plugin,
                        const Pb__Drive *drive)
{
    const Pb__DriveDescription *known = find_drive(plugin, drive->name);
    if (!known) {
        report_unknown_drive(binding, place, plugin, drive->name);
        return false;
    }
    if (known->protocol[0] && !binding->scope->protocol_is_unknown && strcmp(known->protocol, binding->plan->protocol_name) != 0)
        document_error(binding->document, place, "%s drives %s, but the protocol of this test is %s", plugin->name, known->protocol,
                       binding->plan->protocol_name);
    for (size_t i = 0; i < drive->n_services; i++)
        check_driven(binding, place, plugin, known, drive->services[i]);
    return true;
}

static bool is_driven(const Pb__ServicePlan *service, const char *name)
{
    for (size_t i = 0; i < service->n_drives; i++)
        if (strcmp(service->drives[i]->name, name) == 0)
            return true;
    return false;
}

static void check_drives(const struct binding *binding, size_t index, const Pb__PluginDescription *plugin)
{
    const Pb__ServicePlan *service = binding->plan->services[index];
    const struct value place = place_of(binding, index, "drives");
    if (!service->is_tester) {
        if (service->n_drives > 0)
            document_error(binding->document, &place, "only a tester drives services; write `needs` for what must be ready first");
        return;
    }
    const struct value *given = document_get(binding->scope->services->items[index], "drives");
    bool is_clear = !given || given->kind == VALUE_MAP;
    for (size_t i = 0; i < service->n_drives; i++)
        is_clear = check_drive(binding, &place, plugin, service->drives[i]) && is_clear;
    for (size_t i = 0; i < plugin->n_drives; i++)
        if (is_clear && plugin->drives[i]->required && !is_driven(service, plugin->drives[i]->name))
            document_error(binding->document, &place, "%s needs something to work on: write `drives: {%s: SERVICE}`", plugin->name,
                           plugin->drives[i]->name);
}

// ---- one combination

static void check_service(struct binding *binding, size_t index)
{
    const Pb__ServicePlan *service = binding->plan->services[index];
    const struct value place = place_of_plugin(binding, index);
    if (service->plugin[0] == '\0' || reference_is_in(service->plugin))
        return;
    const Pb__PluginDescription *plugin = plugins_find(binding->scope->plugins, service->plugin, binding->document, &place);
    if (!plugin)
        return;
    if (!check_kind(binding, index, plugin))
        return;
    if (binding->plan->protocol_name[0] && !binding->scope->protocol_is_unknown)
        check_protocol(binding, index, plugin);
    check_drives(binding, index, plugin);
    settings_check(binding->document, plugin, service, &place, binding->arena);
}

static void check_host(const struct binding *binding, size_t index)
{
    const Pb__HostRule *rule = binding->plan->services[index]->host;
    const struct value place = place_of(binding, index, "host");
    if (rule->name[0] && !reference_is_in(rule->name) && !name_is_valid(rule->name))
        document_error(binding->document, &place, "\"%.80s\" is not the name of a host: a-z 0-9 . _ -", rule->name);
}

static void check_combination(struct scope *scope, uint64_t combination, uint32_t repetition, struct arena *arena)
{
    struct binding binding = {.scope = scope, .document = &scope->document, .arena = arena};
    axes_values(scope->test, combination, binding.values);
    binding.plan = cells_plan(scope->test, combination, repetition, arena);
    for (size_t i = 0; i < binding.plan->n_services; i++) {
        check_service(&binding, i);
        check_host(&binding, i);
    }
    for (size_t i = 0; i < binding.plan->n_assertions; i++)
        if (binding.plan->assertions[i] != scope->test->assertions[i])
            assertions_check(&scope->document, &binding.plan->assertions[i], 1);
    arena_reset(arena);
}

// Combinations of which only one axis differs from the first: what axes do apart from each other is then known.
static void check_axis_by_axis(struct scope *scope, struct arena *arena)
{
    uint64_t step = 1;
    for (size_t i = scope->test->n_axes; i-- > 0;) {
        size_t values = scope->test->axes[i]->n_values;
        for (uint64_t value = 0; value < values; value++)
            check_combination(scope, value * step, 1, arena);
        step *= values;
    }
}

// A test of plugins that speak nothing (null testers, fuzzers of files) may name any protocol.
static bool somebody_speaks(const struct scope *scope, struct arena *arena)
{
    const Pb__CellPlan *plan = cells_plan(scope->test, 0, 1, arena);
    for (size_t i = 0; i < plan->n_services; i++) {
        const Pb__PluginDescription *plugin = plugins_get(scope->plugins, plan->services[i]->plugin);
        if (plugin && plugin->n_protocols > 0)
            return true;
    }
    return false;
}

// Said once for the test, not for each service.
static void check_protocol_is_known(struct scope *scope, const struct value *place, struct arena *arena)
{
    const char *name = scope->test->protocol_name;
    const char **names = NULL;
    size_t count = 0, capacity = 0;
    bool is_known = name[0] == '\0' || !somebody_speaks(scope, arena);
    for (size_t i = 0; i < scope->plugins->count && !is_known; i++) {
        is_known = plugins_protocol(scope->plugins->items[i], name) != NULL;
        for (size_t j = 0; j < scope->plugins->items[i]->n_protocols; j++)
            APPEND(names, count, capacity) = scope->plugins->items[i]->protocols[j]->name;
    }
    scope->protocol_is_unknown = !is_known;
    if (!is_known)
        document_error(&scope->document, place, "no plugin speaks the protocol \"%.80s\"%s", name,
                       document_hint(&scope->document, name, names, count));
    free(names);
}

void bindings_check(struct scope *scope, const struct value *protocol)
{
    const Pb__Test *test = scope->test;
    if (test->combinations == 0)
        return;
    struct arena *arena = arena_new(0);
    check_protocol_is_known(scope, protocol, arena);
    if (test->combinations > EXPERIMENT_CHECKED_COMBINATIONS)
        check_axis_by_axis(scope, arena);
    for (uint64_t i = 0; test->combinations <= EXPERIMENT_CHECKED_COMBINATIONS && i < test->combinations; i++)
        check_combination(scope, i, 1, arena);
    check_combination(scope, 0, test->repeat_times, arena); // the other end of the seeds
    arena_free(&arena);
}

// Looks up in the descriptions of plugins what the file does not say.
#include "coordinator/experiment/defaults.h"

#include <string.h>

#include "common/base/map.h"
#include "coordinator/experiment/axes.h"
#include "coordinator/experiment/cells.h"
#include "coordinator/experiment/plugins.h"

// The first version that the first service with versions names.
static void complete_version(struct scope *scope, const Pb__CellPlan *plan)
{
    for (size_t i = 0; i < plan->n_services && !scope->test->protocol_version[0]; i++) {
        const Pb__PluginDescription *plugin = plugins_get(scope->plugins, plan->services[i]->plugin);
        const Pb__ProtocolDescription *protocol = plugin ? plugins_protocol(plugin, plan->protocol_name) : NULL;
        if (protocol && protocol->n_versions > 0)
            scope->test->protocol_version = arena_string(scope->document.arena, protocol->versions[0]);
    }
}

static void complete_role(struct scope *scope, const Pb__CellPlan *plan, Pb__ServiceTemplate *service, size_t index)
{
    const Pb__PluginDescription *plugin = plugins_get(scope->plugins, plan->services[index]->plugin);
    const Pb__ProtocolDescription *protocol = plugin ? plugins_protocol(plugin, plan->protocol_name) : NULL;
    const struct value place = scope_place(service->line, service->column);
    if (service->role[0] || !protocol)
        return;
    if (protocol->n_roles == 1)
        service->role = arena_string(scope->document.arena, protocol->roles[0]);
    else if (protocol->n_roles > 1 && !service->tester[0])
        document_error(&scope->document, &place, "the service \"%s\" needs a role: %s can be %s", service->name, plugin->name,
                       plugins_list(protocol->roles, protocol->n_roles, scope->document.arena));
}

// ---- cases

static void take_all(struct scope *scope, const Pb__PluginDescription *plugin, Pb__ServiceTemplate *service)
{
    service->n_cases = 0;
    service->cases = ARENA_ARRAY(scope->document.arena, char *, plugin->n_cases);
    for (size_t i = 0; i < plugin->n_cases; i++)
        service->cases[service->n_cases++] = arena_string(scope->document.arena, plugin->cases[i]->name);
}

static const struct value *place_of_case(const struct value *cases, const char *name)
{
    for (size_t i = 0; i < cases->count; i++)
        if (cases->items[i]->kind == VALUE_SCALAR && strcmp(cases->items[i]->text, name) == 0)
            return cases->items[i];
    return cases;
}

static void unknown_case(struct scope *scope, const Pb__PluginDescription *plugin, const char *const *names, const char *name,
                         const struct value *place)
{
    if (strcmp(name, "all") == 0)
        document_error(&scope->document, place, "`all` stands alone: write `cases: all`");
    else
        document_error(&scope->document, place, "%s has no case \"%.80s\"%s", plugin->name, name,
                       document_hint(&scope->document, name, names, plugin->n_cases));
}

// By a map: a plugin may have 20,000 cases, and an experiment may name all of them.
static void check_cases(struct scope *scope, const Pb__PluginDescription *plugin, const struct value *cases,
                        const Pb__ServiceTemplate *service)
{
    struct map *known = map_new();
    const char **names = ARENA_ARRAY(scope->document.arena, const char *, plugin->n_cases);
    for (size_t i = 0; i < plugin->n_cases; i++) {
        names[i] = plugin->cases[i]->name;
        map_put_text(known, names[i], plugin->cases[i]);
    }
    for (size_t i = 0; i < service->n_cases; i++)
        if (!map_get_text(known, service->cases[i]))
            unknown_case(scope, plugin, names, service->cases[i], place_of_case(cases, service->cases[i]));
    map_free(&known);
}

// NULL: there is none such, which is told with the service's other mistakes.
static const Pb__PluginDescription *find_tester(const struct scope *scope, const char *name)
{
    const Pb__PluginDescription *plugin = plugins_get(scope->plugins, name);
    return plugin && plugin->kind == PB__PLUGIN_KIND__PLUGIN_KIND_TESTER ? plugin : NULL;
}

// All cases are known for all cells at once, so testers of an axis must have the same ones, or those in question are named.
static bool has_these_cases(const Pb__PluginDescription *plugin, const Pb__ServiceTemplate *service)
{
    bool has = plugin->n_cases == service->n_cases;
    for (size_t i = 0; has && i < plugin->n_cases; i++)
        has = strcmp(plugin->cases[i]->name, service->cases[i]) == 0;
    return has;
}

static void complete_all(struct scope *scope, Pb__ServiceTemplate *service)
{
    const Pb__PluginDescription *first = NULL;
    const struct value place = scope_place(service->line, service->column);
    for (size_t i = 0; i < axes_texts(scope->test, service->tester); i++) {
        const Pb__PluginDescription *plugin = find_tester(scope, axes_text(scope->test, service->tester, i));
        if (plugin && !first)
            take_all(scope, first = plugin, service);
        else if (plugin && !has_these_cases(plugin, service))
            document_error(&scope->document, &place, "%s and %s, testers of one axis, have different cases; name those that both have",
                           first->name, plugin->name);
    }
}

static void check_named(struct scope *scope, const struct value *cases, const char *tester, const Pb__ServiceTemplate *service)
{
    const Pb__PluginDescription *plugin = find_tester(scope, tester);
    if (!plugin)
        return;
    check_cases(scope, plugin, cases, service);
    if (cases->kind == VALUE_LIST && cases->count == 0 && !plugin->executes)
        document_error(&scope->document, cases, "%s has nothing to do: name its cases, or `all`", plugin->name);
}

static void complete_cases(struct scope *scope, const struct value *cases, Pb__ServiceTemplate *service)
{
    if (!service->tester[0] && cases)
        document_error(&scope->document, cases, "only a tester has cases");
    if (!service->tester[0])
        return;
    if (!cases || (service->n_cases == 1 && strcmp(service->cases[0], "all") == 0)) {
        complete_all(scope, service);
        return;
    }
    for (size_t i = 0; i < axes_texts(scope->test, service->tester); i++)
        check_named(scope, cases, axes_text(scope->test, service->tester, i), service);
}

void defaults_fill(struct scope *scope)
{
    Pb__Test *test = scope->test;
    if (test->combinations == 0)
        return;
    struct arena *arena = arena_new(0);
    complete_version(scope, cells_plan(test, axes_combination(test, 0), 1, arena));
    const Pb__CellPlan *plan = cells_plan(test, axes_combination(test, 0), 1, arena);
    for (size_t i = 0; i < test->n_services; i++) {
        complete_role(scope, plan, test->services[i], i);
        complete_cases(scope, document_get(scope->services->items[i], "cases"), test->services[i]);
    }
    arena_free(&arena);
}

// Reads execution environments: `[{type: strace, services: [server], trace: network}]`.
#include "coordinator/experiment/execution.h"

#include <string.h>

#include "common/schema/environments.h"

const struct document_key execution_keys[] = {DOCUMENT_KEY("type", TEXT, .required = true, .help = "strace, perf, memcheck, limits ..."),
                                              DOCUMENT_KEY("services", TEXTS, .help = "default: every implementation under test"),
                                              DOCUMENT_END};

static bool is_own_key(const char *name)
{
    return strcmp(name, "type") == 0 || strcmp(name, "services") == 0;
}

void execution_check(const struct document *document, const Pb__ExecutionEnvironment *environment, struct arena *arena)
{
    const struct environment_type *type = environment_named(environment->type);
    size_t count;
    Pb__Setting **checked;
    if (!type)
        return; // reported where it was read
    const Pb__OptionDescription *const *options = environment_options(type, arena, &count);
    schema_check(options, count, (const Pb__PlacedSetting *const *)environment->options, environment->n_options, type->name, arena,
                 &checked, document->diagnostics);
}

static const Pb__OptionDescription *find_option(const Pb__OptionDescription *const *options, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(options[i]->name, name) == 0)
            return options[i];
    return NULL;
}

// A value that is still a reference stays as it is.
static Pb__PlacedSetting *normal_setting(const Pb__OptionDescription *option, const Pb__PlacedSetting *setting, struct arena *arena)
{
    Pb__PlacedSetting *normal = ARENA_NEW(arena, Pb__PlacedSetting);
    *normal = *setting;
    normal->values = ARENA_ARRAY(arena, char *, setting->n_values);
    for (size_t i = 0; i < setting->n_values; i++) {
        const char *reason, *text = option ? schema_normalise(option, setting->values[i], arena, &reason) : NULL;
        normal->values[i] = text ? arena_string(arena, text) : setting->values[i];
    }
    return normal;
}

Pb__ExecutionEnvironment *execution_normalised(const Pb__ExecutionEnvironment *environment, struct arena *arena)
{
    const struct environment_type *type = environment_named(environment->type);
    size_t count = 0;
    const Pb__OptionDescription *const *options = type ? environment_options(type, arena, &count) : NULL;
    Pb__ExecutionEnvironment *normal = ARENA_NEW(arena, Pb__ExecutionEnvironment);
    *normal = *environment;
    normal->options = ARENA_ARRAY(arena, Pb__PlacedSetting *, environment->n_options);
    for (size_t i = 0; i < environment->n_options; i++)
        normal->options[i] = normal_setting(find_option(options, count, environment->options[i]->name), environment->options[i], arena);
    return normal;
}

// ---- one entry

static void read_services(struct scope *scope, const struct value *services, Pb__ExecutionEnvironment *environment)
{
    const struct value **texts;
    size_t count = document_texts(&scope->document, services, "services", &texts);
    environment->services = ARENA_ARRAY(scope->document.arena, char *, count);
    if (services && services->kind == VALUE_LIST && count == 0)
        document_error(&scope->document, services, "services: names nobody; leave it out for every implementation under test");
    for (size_t i = 0; i < count; i++)
        if (scope_check_service(scope, texts[i], texts[i]->text, "services"))
            environment->services[environment->n_services++] = arena_string(scope->document.arena, texts[i]->text);
}

static void read_options(struct scope *scope, const struct value *map, Pb__ExecutionEnvironment *environment)
{
    struct document *document = &scope->document;
    struct value *own = value_map(document->arena, map->line, map->column);
    for (size_t i = 0; i < map->count; i++) {
        if (is_own_key(map->keys[i]) || value_is_null(map->items[i]))
            continue;
        value_map_put(document->arena, own, map->keys[i], map->items[i]);
        own->key_places[own->count - 1] = map->key_places[i];
    }
    environment->n_options = schema_settings(own, document->arena, &environment->options, document->diagnostics);
    for (size_t i = 0; i < environment->n_options; i++) {
        const struct value place = scope_place(environment->options[i]->line, environment->options[i]->column);
        for (size_t j = 0; j < environment->options[i]->n_values; j++)
            scope_check_value(scope, environment->options[i]->values[j], &place, SCOPE_AXES | SCOPE_CELL);
    }
    execution_check(document, environment, document->arena);
}

static void read_entry(struct scope *scope, const struct value *map)
{
    const struct document *document = &scope->document;
    const struct value *type = document_get(map, "type");
    const char *text = document_constant(document, type, "the type of execution_environment");
    if (!type)
        document_error(document, map, "an execution_environment needs a type, such as {type: strace}");
    if (!text)
        return;
    if (!environment_named(text)) {
        const char *near = environment_nearest(text);
        document_error(document, type, "there is no execution_environment \"%.80s\"%s", text,
                       near ? arena_printf(document->arena, "; did you mean \"%s\"?", near) : "");
        return;
    }
    Pb__ExecutionEnvironment *environment = ARENA_NEW(document->arena, Pb__ExecutionEnvironment);
    pb__execution_environment__init(environment);
    environment->type = arena_string(document->arena, text);
    environment->line = map->line;
    environment->column = map->column;
    read_services(scope, document_get(map, "services"), environment);
    read_options(scope, map, environment);
    scope->test->environments[scope->test->n_environments++] = environment;
}

// ---- together

static bool is_for(const Pb__ExecutionEnvironment *environment, const Pb__ServiceTemplate *service)
{
    for (size_t i = 0; i < environment->n_services; i++)
        if (strcmp(environment->services[i], service->name) == 0)
            return true;
    return environment->n_services == 0 && !service->tester[0];
}

static const Pb__ServiceTemplate *shared(const Pb__Test *test, const Pb__ExecutionEnvironment *left, const Pb__ExecutionEnvironment *right)
{
    for (size_t i = 0; i < test->n_services; i++)
        if (is_for(left, test->services[i]) && is_for(right, test->services[i]))
            return test->services[i];
    return NULL;
}

static void check_pair(const struct scope *scope, const Pb__ExecutionEnvironment *left, const Pb__ExecutionEnvironment *right)
{
    const Pb__ServiceTemplate *service = shared(scope->test, left, right);
    struct arena *arena = scope->document.arena;
    const char *why = service ? environments_conflict(execution_normalised(left, arena), execution_normalised(right, arena)) : NULL;
    const struct value place = scope_place(right->line, right->column);
    if (why)
        document_error(&scope->document, &place, "%s and %s cannot be together for \"%s\": %s", left->type, right->type, service->name,
                       why);
}

static void check_size(const struct document *document, const struct value *list, const Pb__Test *test)
{
    size_t bytes = 0;
    for (size_t i = 0; i < test->n_environments; i++)
        for (size_t j = 0; j < test->environments[i]->n_options; j++)
            for (size_t k = 0; k < test->environments[i]->options[j]->n_values; k++)
                bytes += strlen(test->environments[i]->options[j]->values[k]);
    if (bytes > ENVIRONMENTS_MAX_BYTES)
        document_error(document, list, "the options of the execution environments are longer than %d bytes together",
                       ENVIRONMENTS_MAX_BYTES);
}

void execution_read(struct scope *scope, const struct value *list)
{
    const struct document *document = &scope->document;
    Pb__Test *test = scope->test;
    if (!document_is_list(document, list, "execution_environment"))
        return;
    if (list->count > ENVIRONMENTS_MAX) {
        document_error(document, list, "more than %d execution environments", ENVIRONMENTS_MAX);
        return;
    }
    test->environments = ARENA_ARRAY(document->arena, Pb__ExecutionEnvironment *, list->count);
    for (size_t i = 0; i < list->count; i++)
        if (document_is_map(document, list->items[i], "an execution_environment"))
            read_entry(scope, list->items[i]);
    for (size_t i = 0; i < test->n_environments; i++)
        for (size_t j = i + 1; j < test->n_environments; j++)
            check_pair(scope, test->environments[i], test->environments[j]);
    check_size(document, list, test);
}

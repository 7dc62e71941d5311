// Reads services: what each is (from, implementation, tester), what it works on, and its options.
#include "coordinator/experiment/services.h"

#include <string.h>

#include "coordinator/experiment/axes.h"
#include "coordinator/experiment/hosts.h"
#include "coordinator/experiment/needs.h"
#include "coordinator/experiment/plugins.h"
#include "coordinator/experiment/replicas.h"

static const char *const freshness[] = {"trial", "case", NULL};
const struct document_key services_keys[] = {
    DOCUMENT_KEY("from", TEXT, .help = "$(axes.NAME), an axis of maps"),
    DOCUMENT_KEY("implementation", MAP, .keys = plugins_implementation_keys, .or_text = true, .help = "the plugin of an implementation"),
    DOCUMENT_KEY("tester", TEXT, .help = "the plugin of a tester, or $(axes.NAME)"),
    DOCUMENT_KEY("role", TEXT, .help = "in the protocol"),
    DOCUMENT_KEY("drives", SETTINGS, .help = "the tester's words and the services that it works on"),
    DOCUMENT_KEY("needs", TEXTS, .help = "services that must be ready first"),
    DOCUMENT_KEY("host", MAP, .keys = hosts_keys, .or_text = true, .help = "where it may run"),
    DOCUMENT_KEY("options", SETTINGS, .help = "of the plugin"),
    DOCUMENT_KEY("cases", TEXTS, .help = "of a tester; default: all"),
    DOCUMENT_KEY("replicas", NUMBER, .help = "so many of it, NAME-1 and so on; 1"),
    DOCUMENT_KEY("fresh", CHOICE, .choices = freshness, .help = "what is restarted between the cases of a tester"),
    DOCUMENT_LATER("vary"),
    DOCUMENT_LATER("builds"),
    DOCUMENT_LATER("build"),
    DOCUMENT_LATER("version"),
    DOCUMENT_LATER("target"),
    DOCUMENT_LATER("protocol"),
    DOCUMENT_LATER("timeouts"),
    DOCUMENT_LATER("ports"),
    DOCUMENT_LATER("execution_environment"),
    DOCUMENT_LATER("network_environment"),
    DOCUMENT_END};

// Words that stand before the dot of other references, now or later.
static const char *const reserved[] = {"axes", "file", "seed",    "repetition", "test", "experiment",
                                       "run",  "cell", "service", "env",        "host", "network"};

static bool is_reserved(const char *name)
{
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
        if (strcmp(reserved[i], name) == 0)
            return true;
    return false;
}

// `from: $(axes.NAME)`, an axis whose values are maps.
static void read_from(struct scope *scope, const struct value *from, Pb__ServiceTemplate *service)
{
    const struct document *document = &scope->document;
    const char *text = document_text(document, from, "from");
    struct reference reference;
    size_t index;
    if (!text)
        return;
    if (!reference_is_whole(text, &reference) || !reference_is(&reference, "axes", 2)) {
        document_error(document, from, "`from` takes an axis, such as $(axes.server), not \"%.80s\"", text);
        return;
    }
    const Pb__Axis *axis = axes_find(scope->test, reference.part[1], &index);
    if (!axis) {
        scope_check(scope, text, from, SCOPE_AXES);
        return;
    }
    scope->axis_is_used[index] = true;
    service->from_axis = axis->name;
    if (axis->n_values > 0 && axis->values[0]->is_tester)
        service->tester = arena_string(document->arena, text);
    for (size_t i = 0; i < axis->n_values; i++) {
        const struct value place = scope_place(axis->values[i]->line, axis->values[i]->column);
        if (axis->values[i]->is_map && axis->values[i]->is_tester == axis->values[0]->is_tester)
            continue;
        if (axis->values[i]->is_map)
            document_error(document, &place, "the service \"%s\" comes from this axis: its values are all implementations, or all testers",
                           service->name);
        else
            document_error(document, &place,
                           "the service \"%s\" comes from this axis, so its values must be maps with an implementation; "
                           "for plain values write `implementation: $(axes.%s)`",
                           service->name, axis->name);
        break;
    }
}

static void read_implementation(struct scope *scope, const struct value *value, Pb__ServiceTemplate *service)
{
    const char *name = plugins_read_name(&scope->document, value, "implementation");
    if (!name)
        return;
    scope_check(scope, name, value, SCOPE_AXES);
    service->implementation = arena_string(scope->document.arena, name);
    service->version = plugins_read_version(&scope->document, value);
    service->program = plugins_read_program(&scope->document, value);
}

static void read_tester(struct scope *scope, const struct value *value, Pb__ServiceTemplate *service)
{
    const char *name = plugins_read_name(&scope->document, value, "tester");
    if (!name)
        return;
    struct reference reference;
    if (reference_is_in(name) && !reference_is_whole(name, &reference))
        document_error(&scope->document, value, "a tester is a name or a whole axis, such as $(axes.load), not \"%.80s\"", name);
    else
        service->tester = arena_string(scope->document.arena, name);
    service->version = plugins_read_version(&scope->document, value);
    service->program = plugins_read_program(&scope->document, value);
    scope_check(scope, name, value, SCOPE_AXES);
}

static void read_what(struct scope *scope, const struct value *value, const struct value *place, Pb__ServiceTemplate *service)
{
    static const char *const keys[] = {"from", "implementation", "tester"};
    const struct value *given[3];
    size_t count = 0;
    for (size_t i = 0; i < 3; i++) {
        given[i] = document_get(value, keys[i]);
        count += given[i] != NULL;
    }
    if (count == 0)
        document_error(&scope->document, place, "the service \"%s\" needs an implementation, a tester or from", service->name);
    if (count > 1)
        document_error(&scope->document, place, "the service \"%s\" has more than one of implementation, tester and from", service->name);
    if (count > 1)
        return;
    if (given[0])
        read_from(scope, given[0], service);
    if (given[1])
        read_implementation(scope, given[1], service);
    if (given[2])
        read_tester(scope, given[2], service);
}

static void read_needs(struct scope *scope, const struct value *needs, Pb__ServiceTemplate *service)
{
    const struct value **texts;
    size_t count = document_texts(&scope->document, needs, "needs", &texts);
    service->needs = ARENA_ARRAY(scope->document.arena, char *, scope->services->count);
    for (size_t i = 0; i < count; i++)
        if (scope_check_service(scope, texts[i], texts[i]->text, "needs"))
            needs_add(scope, service, texts[i]->text);
}

static void read_drive(struct scope *scope, const char *name, const struct value *place, const struct value *value,
                       Pb__ServiceTemplate *service)
{
    const struct value **texts;
    size_t count = document_texts(&scope->document, value, "drives", &texts);
    Pb__Drive *drive = ARENA_NEW(scope->document.arena, Pb__Drive);
    pb__drive__init(drive);
    drive->name = arena_string(scope->document.arena, name);
    drive->services = ARENA_ARRAY(scope->document.arena, char *, count);
    service->drives[service->n_drives++] = drive;
    if (!value || (value->kind == VALUE_LIST && value->count == 0))
        document_error(&scope->document, place, "drives: \"%.80s\" names no service", name);
    for (size_t i = 0; i < count; i++) {
        const char *driven = texts[i]->text;
        if (strcmp(driven, service->name) == 0)
            document_error(&scope->document, texts[i], "drives: a service cannot drive itself");
        else if (scope_check_service(scope, texts[i], driven, "drives"))
            drive->services[drive->n_services++] = arena_string(scope->document.arena, driven);
    }
}

static void read_drives(struct scope *scope, const struct value *drives, Pb__ServiceTemplate *service)
{
    if (!drives)
        return;
    if (drives->kind != VALUE_MAP) {
        document_error(&scope->document, drives,
                       "drives must be a map of the tester's words and services, such as {server: web}, this is %s",
                       value_kind_name(drives));
        return;
    }
    service->drives = ARENA_ARRAY(scope->document.arena, Pb__Drive *, drives->count);
    for (size_t i = 0; i < drives->count; i++)
        read_drive(scope, drives->keys[i], drives->key_places[i], document_get(drives, drives->keys[i]), service);
}

static void read_cases(struct scope *scope, const struct value *cases, Pb__ServiceTemplate *service)
{
    const struct value **texts;
    size_t count = document_texts(&scope->document, cases, "cases", &texts);
    if (count > CASES_PER_SERVICE_MAX) {
        document_error(&scope->document, cases, "more than %d cases", CASES_PER_SERVICE_MAX);
        return;
    }
    service->cases = ARENA_ARRAY(scope->document.arena, char *, count);
    for (size_t i = 0; i < count; i++)
        service->cases[service->n_cases++] = arena_string(scope->document.arena, texts[i]->text);
}

static void read_options(struct scope *scope, const struct value *options, Pb__ServiceTemplate *service)
{
    service->n_options = schema_settings(options, scope->document.arena, &service->options, scope->document.diagnostics);
    for (size_t i = 0; i < service->n_options; i++) {
        const Pb__PlacedSetting *setting = service->options[i];
        const struct value place = scope_place(setting->line, setting->column);
        for (size_t j = 0; j < setting->n_values; j++)
            scope_check(scope, setting->values[j], &place, SCOPE_ALL);
    }
}

// What a case needs by its own table is done in any case; this is for testers whose table says nothing.
static void read_fresh(struct scope *scope, const struct value *value, Pb__ServiceTemplate *service)
{
    const struct document *document = &scope->document;
    const char *text = document_constant(document, value, "fresh");
    if (!text)
        return;
    if (strcmp(text, "trial") != 0 && strcmp(text, "case") != 0)
        document_error(document, value, "fresh is trial or case, not \"%.80s\"%s", text, document_hint(document, text, freshness, 2));
    if (!service->tester[0])
        document_error(document, value, "fresh belongs to a tester: it says what of its driven services is restarted between its cases");
    service->fresh = strcmp(text, "case") == 0 ? PB__FRESH__FRESH_CASE : PB__FRESH__FRESH_TRIAL;
}

static void read_body(struct scope *scope, const struct value *value, const struct value *place, Pb__ServiceTemplate *service)
{
    document_check_keys(&scope->document, value, services_keys, arena_printf(scope->document.arena, "the service \"%s\"", service->name));
    read_what(scope, value, place, service);
    const struct value *role = document_get(value, "role");
    const char *role_text = document_text(&scope->document, role, "role");
    if (role_text) {
        scope_check(scope, role_text, role, 0);
        service->role = arena_string(scope->document.arena, role_text);
    }
    read_drives(scope, document_get(value, "drives"), service);
    read_needs(scope, document_get(value, "needs"), service);
    service->host = hosts_read(scope, document_get(value, "host"), service->name);
    read_options(scope, document_get(value, "options"), service);
    read_cases(scope, document_get(value, "cases"), service);
    read_fresh(scope, document_get(value, "fresh"), service);
    replicas_read(scope, service->name, place, document_get(value, "replicas"));
}

static void read_service(struct scope *scope, const char *name, const struct value *place, const struct value *value)
{
    Pb__ServiceTemplate *service = ARENA_NEW(scope->document.arena, Pb__ServiceTemplate);
    pb__service_template__init(service);
    service->name = arena_string(scope->document.arena, name);
    service->line = place->line;
    service->column = place->column;
    scope->test->services[scope->test->n_services++] = service;
    if (document_word(&scope->document, place, name, "the service") && is_reserved(name))
        document_error(&scope->document, place, "a service cannot be called \"%s\": the word has a meaning in references", name);
    const struct value *empty = value_map(scope->document.arena, place->line, place->column);
    bool is_readable = value_is_null(value) || document_is_map(&scope->document, value, "a service");
    if (is_readable)
        read_body(scope, value_is_null(value) ? empty : value, place, service);
    else
        service->host = hosts_read(scope, NULL, service->name);
}

void services_read(struct scope *scope)
{
    const struct value *services = scope->services;
    scope->test->services = ARENA_ARRAY(scope->document.arena, Pb__ServiceTemplate *, services->count);
    for (size_t i = 0; i < services->count; i++)
        read_service(scope, services->keys[i], services->key_places[i], services->items[i]);
}

// Checks references against the names that a test knows.
#include "coordinator/experiment/scope.h"

#include <string.h>

#include "common/base/error.h"
#include "common/base/units.h"
#include "coordinator/experiment/axes.h"

static const char *const service_parts[] = {"address", "port", "endpoint", "host"};
#define SERVICE_PARTS (sizeof service_parts / sizeof service_parts[0])

static bool is_service_part(const char *part)
{
    for (size_t i = 0; i < SERVICE_PARTS; i++)
        if (strcmp(service_parts[i], part) == 0)
            return true;
    return false;
}

struct value scope_place(unsigned line, unsigned column)
{
    return (struct value){.kind = VALUE_SCALAR, .line = line, .column = column, .text = ""};
}

uint32_t scope_replicas(const struct scope *scope, const char *name)
{
    const struct value *service = value_get(scope->services, name);
    const struct value *replicas = service && service->kind == VALUE_MAP ? document_get(service, "replicas") : NULL;
    uint64_t count;
    bool is_number = replicas && replicas->kind == VALUE_SCALAR && unsigned_parse(replicas->text, &count);
    return is_number && count > 0 && count <= SERVICES_PER_TEST_MAX ? (uint32_t)count : 1;
}

// "server" of "server-2", when it has as many. NULL: the name is no replica's.
static const char *replicated(const struct scope *scope, const char *name)
{
    const char *dash = strrchr(name, '-');
    uint64_t number;
    if (!dash || dash[1] == '0' || !unsigned_parse(dash + 1, &number))
        return NULL;
    const char *service = arena_string_bytes(scope->document.arena, name, (size_t)(dash - name));
    uint32_t replicas = scope_replicas(scope, service);
    return replicas > 1 && number <= replicas ? service : NULL;
}

bool scope_has_service(const struct scope *scope, const char *name)
{
    return value_get(scope->services, name) != NULL || replicated(scope, name) != NULL;
}

bool scope_check_service(const struct scope *scope, const struct value *place, const char *name, const char *what)
{
    if (scope_has_service(scope, name))
        return true;
    size_t count = scope->services ? scope->services->count : 0;
    document_error(&scope->document, place, "%.80s: there is no service \"%.80s\" in this test%s", what, name,
                   count ? document_hint(&scope->document, name, scope->services->keys, count) : "");
    return false;
}

size_t scope_service_index(const struct scope *scope, const char *name)
{
    for (size_t i = 0; i < scope->test->n_services; i++)
        if (strcmp(scope->test->services[i]->name, name) == 0)
            return i;
    const char *service = replicated(scope, name);
    if (service)
        return scope_service_index(scope, service);
    PANIC("no service %s", name);
}

// ---- mistakes in one reference; the whole of it is quoted as it stands in the file

struct finding {
    struct scope *scope;
    const struct value *place;
    const struct reference *reference;
    unsigned allowed;
};

#define QUOTED(finding) (int)((finding)->reference->length < 120 ? (finding)->reference->length : 120), (finding)->reference->start

static void not_allowed(const struct finding *finding)
{
    document_error(&finding->scope->document, finding->place, "\"%.*s\" cannot stand here", QUOTED(finding));
}

static void unknown(const struct finding *finding, const char *noun, const char *prefix, const char *name, const char *suffix,
                    const char *const *candidates, size_t count)
{
    const char *nearest = suggest(name, candidates, count);
    const struct document *document = &finding->scope->document;
    document_error(document, finding->place, "\"%.*s\": there is no %s \"%.63s\"%s", QUOTED(finding), noun, name,
                   nearest ? arena_printf(document->arena, "; did you mean \"$(%s%s%s)\"?", prefix, nearest, suffix) : "");
}

static void check_axis(const struct finding *finding)
{
    const Pb__Test *test = finding->scope->test;
    size_t index;
    const Pb__Axis *axis = axes_find(test, finding->reference->part[1], &index);
    if (!axis) {
        const char *names[AXES_PER_TEST_MAX];
        for (size_t i = 0; i < test->n_axes; i++)
            names[i] = test->axes[i]->name;
        unknown(finding, "axis", "axes.", finding->reference->part[1], "", names, test->n_axes);
        return;
    }
    finding->scope->axis_is_used[index] = true;
    if (axes_has_maps(axis))
        document_error(&finding->scope->document, finding->place,
                       "\"%.*s\": the values of this axis are maps, which only `from: $(axes.%s)` of a service can take", QUOTED(finding),
                       axis->name);
}

static void check_file(const struct finding *finding)
{
    const Pb__Experiment *experiment = finding->scope->experiment;
    const char *names[FILES_MAX];
    for (size_t i = 0; i < experiment->n_files; i++) {
        if (strcmp(experiment->files[i]->name, finding->reference->part[1]) == 0)
            return;
        names[i] = experiment->files[i]->name;
    }
    unknown(finding, "file", "file.", finding->reference->part[1], "", names, experiment->n_files);
}

static void check_service(const struct finding *finding)
{
    const struct reference *reference = finding->reference;
    const struct value *services = finding->scope->services;
    const char *last = reference->part[reference->parts - 1];
    if (!scope_has_service(finding->scope, reference->part[0])) {
        static const char *const groups[] = {"axes", "file"};
        size_t count = services ? services->count : 0;
        const char **names = ARENA_ARRAY(finding->scope->document.arena, const char *, count + 2);
        for (size_t i = 0; i < count; i++)
            names[i] = services->keys[i];
        names[count] = groups[0];
        names[count + 1] = groups[1];
        const char *suffix = arena_printf(finding->scope->document.arena, ".%s", last);
        unknown(finding, "service", "", reference->part[0], suffix, names, count + 2);
        return;
    }
    if (scope_replicas(finding->scope, reference->part[0]) > 1) {
        document_error(&finding->scope->document, finding->place, "\"%.*s\": \"%s\" has replicas; name one of them, such as $(%s-1.%s)",
                       QUOTED(finding), reference->part[0], reference->part[0], last);
        return;
    }
    bool has_name = reference->parts == 3;
    const char *prefix = arena_printf(finding->scope->document.arena, "%s.%s%s", reference->part[0], has_name ? reference->part[1] : "",
                                      has_name ? "." : "");
    if (!is_service_part(last))
        unknown(finding, "such value of a service,", prefix, last, "", service_parts, SERVICE_PARTS);
    else if (has_name && strcmp(last, "host") == 0)
        document_error(&finding->scope->document, finding->place, "\"%.*s\": a host has no ports of its own; write $(%s.host)",
                       QUOTED(finding), reference->part[0]);
}

static void check_one(const struct finding *finding)
{
    const struct reference *reference = finding->reference;
    const struct document *document = &finding->scope->document;
    unsigned kind = reference->parts == 1                     ? SCOPE_CELL
                    : strcmp(reference->part[0], "axes") == 0 ? SCOPE_AXES
                    : strcmp(reference->part[0], "file") == 0 ? SCOPE_FILES
                                                              : SCOPE_SERVICES;
    if (reference->parts > REFERENCE_PARTS_MAX || ((kind == SCOPE_AXES || kind == SCOPE_FILES) && reference->parts != 2))
        document_error(document, finding->place, "\"%.*s\" is no reference: it has too many parts; write $$( for a literal $(",
                       QUOTED(finding));
    else if (!(finding->allowed & kind))
        not_allowed(finding);
    else if (kind == SCOPE_AXES)
        check_axis(finding);
    else if (kind == SCOPE_FILES)
        check_file(finding);
    else if (kind == SCOPE_SERVICES)
        check_service(finding);
}

void scope_check(struct scope *scope, const char *text, const struct value *place, unsigned allowed)
{
    struct reference reference;
    for (const char *cursor = text; reference_next(cursor, &reference); cursor = reference.start + reference.length)
        check_one(&(struct finding){scope, place, &reference, allowed});
}

void scope_check_value(struct scope *scope, const char *text, const struct value *place, unsigned allowed)
{
    if (strstr(text, "$(") && !reference_is_in(text))
        document_error(&scope->document, place, "\"%.120s\" is no value: only $(axes.NAME), $(seed) and $(repetition) are put in", text);
    else
        scope_check(scope, text, place, allowed);
}

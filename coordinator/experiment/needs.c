// Adds the needs that follow from the rest of the file, and walks them for circles.
#include "coordinator/experiment/needs.h"

#include <string.h>

#include "coordinator/experiment/axes.h"
#include "coordinator/experiment/plugins.h"

void needs_add(struct scope *scope, Pb__ServiceTemplate *service, const char *name)
{
    if (plugins_is_listed(service->needs, service->n_needs, name))
        return;
    service->needs[service->n_needs++] = arena_string(scope->document.arena, name);
}

static void need_what_settings_name(struct scope *scope, Pb__PlacedSetting *const *settings, size_t count, Pb__ServiceTemplate *service)
{
    struct reference reference;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < settings[i]->n_values; j++)
            for (const char *cursor = settings[i]->values[j]; reference_next(cursor, &reference);
                 cursor = reference.start + reference.length) {
                if (reference.parts < 2 || !scope_has_service(scope, reference.part[0]))
                    continue;
                const struct value place = scope_place(settings[i]->line, settings[i]->column);
                if (strcmp(reference.part[0], service->name) == 0)
                    document_error(&scope->document, &place,
                                   "\"%.*s\": a service cannot refer to itself: it has no address before it is initialized",
                                   (int)reference.length, reference.start);
                else
                    needs_add(scope, service, reference.part[0]);
            }
}

static void complete(struct scope *scope, Pb__ServiceTemplate *service)
{
    for (size_t i = 0; i < service->n_drives; i++)
        for (size_t j = 0; j < service->drives[i]->n_services; j++)
            needs_add(scope, service, service->drives[i]->services[j]);
    need_what_settings_name(scope, service->options, service->n_options, service);
    const Pb__Axis *axis = axes_find(scope->test, service->from_axis, NULL);
    for (size_t i = 0; axis && i < axis->n_values; i++)
        need_what_settings_name(scope, axis->values[i]->options, axis->values[i]->n_options, service);
}

enum { UNSEEN, ON_PATH, DONE };

struct walk {
    struct scope *scope;
    unsigned char state[SERVICES_PER_TEST_MAX];
    size_t path[SERVICES_PER_TEST_MAX];
    size_t length;
};

static void report_circle(const struct walk *walk, size_t again)
{
    struct text circle = {0};
    Pb__ServiceTemplate *const *services = walk->scope->test->services;
    size_t from = walk->length;
    while (walk->path[from - 1] != again)
        from--;
    for (size_t i = from - 1; i < walk->length; i++)
        text_printf(&circle, "%s -> ", services[walk->path[i]]->name);
    const struct value place = scope_place(services[again]->line, services[again]->column);
    document_error(&walk->scope->document, &place, "needs go in a circle: %s%s", text_string(&circle), services[again]->name);
    text_free(&circle);
}

static void visit(struct walk *walk, size_t index)
{
    const Pb__ServiceTemplate *service = walk->scope->test->services[index];
    walk->state[index] = ON_PATH;
    walk->path[walk->length++] = index;
    for (size_t i = 0; i < service->n_needs; i++) {
        size_t needed = scope_service_index(walk->scope, service->needs[i]);
        if (walk->state[needed] == ON_PATH)
            report_circle(walk, needed);
        else if (walk->state[needed] == UNSEEN)
            visit(walk, needed);
    }
    walk->length--;
    walk->state[index] = DONE;
}

void needs_complete(struct scope *scope)
{
    struct walk walk = {.scope = scope};
    for (size_t i = 0; i < scope->test->n_services; i++)
        complete(scope, scope->test->services[i]);
    for (size_t i = 0; i < scope->test->n_services; i++)
        if (walk.state[i] == UNSEEN)
            visit(&walk, i);
}

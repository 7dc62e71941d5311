#include "tests/unit/experiment/fixture.h"

#include <string.h>

#include "common/system/yaml.h"

static void give_hashes(struct resolution *resolution, Pb__FileReference **files, size_t count)
{
    for (size_t i = 0; i < count; i++)
        files[i]->hash = arena_printf(resolution->arena, "h-%s", files[i]->name);
}

static void override_all(struct resolution *resolution, const char *const *texts)
{
    for (; texts && *texts; texts++) {
        const char *equals = strchr(*texts, '=');
        Pb__Override override;
        pb__override__init(&override);
        override.path = arena_string_bytes(resolution->arena, *texts, (size_t)(equals - *texts));
        override.value = arena_string(resolution->arena, equals + 1);
        const Pb__Override *items[] = {&override};
        experiment_override(resolution->document, items, 1, resolution->arena, &resolution->diagnostics);
    }
}

struct resolution *resolution_new(const char *file, const char *text, const char *const *overrides)
{
    struct resolution *resolution = NEW(struct resolution);
    resolution->arena = arena_new(0);
    diagnostics_begin(&resolution->diagnostics, resolution->arena, file);
    resolution->document = yaml_read(text, strlen(text), resolution->arena, &resolution->diagnostics);
    if (!resolution->document)
        return resolution;
    override_all(resolution, overrides);
    struct experiment_plugins plugins = fixture_plugins(resolution->arena);
    struct diagnostics apart;
    Pb__FileReference **files;
    diagnostics_begin(&apart, resolution->arena, file);
    size_t count = experiment_files(resolution->document, resolution->arena, &files, &apart);
    give_hashes(resolution, files, count);
    resolution->experiment = experiment_resolve(resolution->document, &plugins, (const Pb__FileReference *const *)files, count,
                                                resolution->arena, &resolution->diagnostics);
    diagnostics_sort(&resolution->diagnostics);
    return resolution;
}

void resolution_free(struct resolution **resolution)
{
    if (!*resolution)
        return;
    arena_free(&(*resolution)->arena);
    free(*resolution);
    *resolution = NULL;
}

void resolution_report(const struct resolution *resolution, struct text *out)
{
    for (size_t i = 0; i < resolution->diagnostics.count; i++) {
        const Pb__Diagnostic *item = resolution->diagnostics.items[i];
        text_append(out, item->file);
        if (item->line > 0)
            text_printf(out, ":%u:%u", item->line, item->column);
        text_printf(out, ": %s%s\n", item->warning ? "warning: " : "", item->message);
    }
}

// Beyond schema_check: what may stand in for a value until run time (files, endpoints), and how much one packet carries.
#include "coordinator/experiment/settings.h"

#include <string.h>

#include "coordinator/experiment/limits.h"
#include "coordinator/experiment/plugins.h"
#include "coordinator/experiment/reference.h"
#include "coordinator/experiment/scope.h"

struct setting_value {
    const struct document *document;
    const Pb__PluginDescription *plugin;
    const Pb__OptionDescription *option;
    const char *text;
    struct value place;
    struct arena *arena;
};

#define IS_TYPE(value, TYPE) ((value)->option->type == PB__OPTION_TYPE__OPTION_TYPE_##TYPE)

static bool has_file(const char *text)
{
    struct reference reference;
    for (; reference_next(text, &reference); text = reference.start + reference.length)
        if (reference_is(&reference, "file", 2))
            return true;
    return false;
}

static void check_file(const struct setting_value *value)
{
    struct reference reference;
    bool is_file = reference_is_whole(value->text, &reference) && reference_is(&reference, "file", 2);
    if (IS_TYPE(value, FILE) && !is_file)
        document_error(
            value->document, &value->place,
            "option \"%s\" of %s takes a file of the experiment: name it under `files` and write $(file.NAME) instead of \"%.80s\"",
            value->option->name, value->plugin->name, value->text);
    if (!IS_TYPE(value, FILE) && has_file(value->text))
        document_error(value->document, &value->place,
                       "option \"%s\" of %s takes no file: \"%.80s\" can only be the whole value of an option of type file",
                       value->option->name, value->plugin->name, value->text);
}

static const char *nothing(const struct reference *reference, void *context)
{
    (void)reference;
    (void)context;
    return NULL;
}

// schema_check leaves every "$(" alone, but $(date) and $$( are no references and stay as they are.
static void check_literal(const struct setting_value *value)
{
    const char *reason, *text = reference_put_in(value->text, nothing, NULL, true, value->arena);
    if (!schema_normalise(value->option, text, value->arena, &reason))
        document_error(value->document, &value->place, "option \"%s\" of %s: \"%.120s\" %s", value->option->name, value->plugin->name, text,
                       reason);
}

// An address is never a number, and nothing that a service answers is a duration, a size, a ratio or a truth.
static void check_runtime(const struct setting_value *value)
{
    struct reference reference;
    bool takes_text = IS_TYPE(value, STRING) || IS_TYPE(value, LIST) || IS_TYPE(value, CHOICE) || IS_TYPE(value, FILE);
    bool takes_port = IS_TYPE(value, INTEGER) || IS_TYPE(value, FLOAT);
    if (takes_text)
        return;
    bool is_whole = reference_is_whole(value->text, &reference);
    bool is_port = is_whole && strcmp(reference.part[reference.parts - 1], "port") == 0;
    if (!(takes_port && is_port))
        document_error(value->document, &value->place, "option \"%s\" of %s: \"%.80s\" cannot be a value of type %s", value->option->name,
                       value->plugin->name, value->text, option_type_name((int)value->option->type));
}

static void check_value(const struct setting_value *value)
{
    check_file(value);
    if (!strstr(value->text, "$(") || IS_TYPE(value, FILE) || has_file(value->text))
        return;
    if (reference_is_in(value->text))
        check_runtime(value);
    else
        check_literal(value);
}

static void check_values(const struct document *document, const Pb__PluginDescription *plugin, const Pb__PlacedSetting *setting,
                         struct arena *arena)
{
    const Pb__OptionDescription *option = plugins_option(plugin, setting->name);
    for (size_t i = 0; option && i < setting->n_values; i++)
        check_value(&(struct setting_value){.document = document,
                                            .plugin = plugin,
                                            .option = option,
                                            .text = setting->values[i],
                                            .place = scope_place(setting->line, setting->column),
                                            .arena = arena});
}

static size_t bytes_of(const Pb__PlacedSetting *setting)
{
    size_t bytes = strlen(setting->name);
    for (size_t i = 0; i < setting->n_values; i++)
        bytes += strlen(setting->values[i]);
    return bytes;
}

// What has no place of its own (a required option that is missing) is shown where the plugin is named.
static void check_schema(const struct document *document, const Pb__PluginDescription *plugin, const Pb__ServicePlan *service,
                         const struct value *place, struct arena *arena)
{
    struct diagnostics found;
    Pb__Setting **checked;
    diagnostics_begin(&found, arena, "");
    schema_check((const Pb__OptionDescription *const *)plugin->options, plugin->n_options,
                 (const Pb__PlacedSetting *const *)service->options, service->n_options, plugin->name, arena, &checked, &found);
    for (size_t i = 0; i < found.count; i++) {
        const struct value at = scope_place(found.items[i]->line, found.items[i]->column);
        document_error(document, at.line ? &at : place, "%s", found.items[i]->message);
    }
}

void settings_check(const struct document *document, const Pb__PluginDescription *plugin, const Pb__ServicePlan *service,
                    const struct value *place, struct arena *arena)
{
    size_t bytes = 0;
    check_schema(document, plugin, service, place, arena);
    for (size_t i = 0; i < service->n_options; i++) {
        check_values(document, plugin, service->options[i], arena);
        bytes += bytes_of(service->options[i]);
    }
    if (bytes > SETTINGS_PER_SERVICE_MAX_BYTES)
        document_error(document, place, "the options of \"%s\" are longer than %d bytes together; put what is long in a file",
                       service->name, SETTINGS_PER_SERVICE_MAX_BYTES);
}

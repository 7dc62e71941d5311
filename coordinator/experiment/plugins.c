// Looking up plugins by name and reading their descriptions.
#include "coordinator/experiment/plugins.h"

#include <string.h>

#include "common/schema/version.h"
#include "coordinator/experiment/reference.h"

const struct document_key plugins_implementation_keys[] = {
    DOCUMENT_KEY("name", TEXT, .required = true),
    DOCUMENT_KEY("version", TEXT, .help = "conditions on the version of its program, such as \">=1.22, <2\""),
    DOCUMENT_KEY("program", TEXT, .help = "a $(file.NAME) that runs instead of the host's own program"), DOCUMENT_LATER("build"),
    DOCUMENT_END};

const char *plugins_read_name(const struct document *document, const struct value *value, const char *what)
{
    if (value && value->kind == VALUE_MAP) {
        document_check_keys(document, value, plugins_implementation_keys, what);
        const struct value *name = document_get(value, "name");
        if (!name)
            document_error(document, value, "%.120s needs a name", what);
        value = name;
    }
    return document_text(document, value, what);
}

char *plugins_read_version(const struct document *document, const struct value *value)
{
    struct panther_error error;
    const struct value *version = value && value->kind == VALUE_MAP ? document_get(value, "version") : NULL;
    const char *text = version ? document_text(document, version, "version") : NULL;
    if (text && version_check(text, &error) < 0) {
        document_error(document, version, "\"%.80s\" asks for no version: %s", text, error.message);
        text = NULL;
    }
    return arena_string(document->arena, text ? text : "");
}

char *plugins_read_program(const struct document *document, const struct value *value)
{
    const struct value *program = value && value->kind == VALUE_MAP ? document_get(value, "program") : NULL;
    const char *text = program ? document_text(document, program, "program") : NULL;
    struct reference reference;
    if (text && (!reference_is_whole(text, &reference) || !reference_is(&reference, "file", 2))) {
        document_error(document, program, "a program is a file that travels, such as $(file.nginx), not \"%.80s\"", text);
        text = NULL;
    }
    if (text && document_get(value, "version"))
        document_error(document, program, "a program that travels has the version that it has: leave `version` out");
    return arena_string(document->arena, text ? text : "");
}

const Pb__PluginDescription *plugins_get(const struct experiment_plugins *plugins, const char *name)
{
    for (size_t i = 0; i < plugins->count; i++)
        if (strcmp(plugins->items[i]->name, name) == 0)
            return plugins->items[i];
    return NULL;
}

static void report_unknown(const struct experiment_plugins *plugins, const char *name, const struct document *document,
                           const struct value *place)
{
    if (plugins->count == 0) {
        document_error(document, place, "there is no plugin \"%.80s\": no plugin is known; is an agent connected?", name);
        return;
    }
    const char **names = ARENA_ARRAY(document->arena, const char *, plugins->count);
    for (size_t i = 0; i < plugins->count; i++)
        names[i] = plugins->items[i]->name;
    const char *hint = document_hint(document, name, names, plugins->count);
    document_error(document, place, "there is no plugin \"%.80s\"%s", name,
                   hint[0] ? hint : "; `panther-coord plugins` lists those that agents have");
}

const Pb__PluginDescription *plugins_find(const struct experiment_plugins *plugins, const char *name, const struct document *document,
                                          const struct value *place)
{
    const Pb__PluginDescription *plugin = plugins_get(plugins, name);
    if (!plugin)
        report_unknown(plugins, name, document, place);
    return plugin;
}

const Pb__ProtocolDescription *plugins_protocol(const Pb__PluginDescription *plugin, const char *protocol)
{
    for (size_t i = 0; i < plugin->n_protocols; i++)
        if (strcmp(plugin->protocols[i]->name, protocol) == 0)
            return plugin->protocols[i];
    return NULL;
}

const Pb__OptionDescription *plugins_option(const Pb__PluginDescription *plugin, const char *name)
{
    for (size_t i = 0; i < plugin->n_options; i++)
        if (strcmp(plugin->options[i]->name, name) == 0)
            return plugin->options[i];
    return NULL;
}

bool plugins_is_listed(char *const *texts, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(texts[i], text) == 0)
            return true;
    return false;
}

const char *plugins_list(char *const *texts, size_t count, struct arena *arena)
{
    struct text list = {0};
    for (size_t i = 0; i < count; i++)
        text_printf(&list, "%s%s", i > 0 ? ", " : "", texts[i]);
    const char *copy = arena_string(arena, text_string(&list));
    text_free(&list);
    return copy;
}

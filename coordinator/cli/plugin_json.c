#include "coordinator/cli/plugin_json.h"

#include <jansson.h>

#include "common/schema/schema.h"

static json_t *texts(char *const *items, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(array, json_string(items[i]));
    }
    return array;
}

static json_t *protocols(const Pb__PluginDescription *description)
{
    json_t *array = json_array();
    for (size_t i = 0; i < description->n_protocols; i++) {
        const Pb__ProtocolDescription *protocol = description->protocols[i];
        json_array_append_new(array, json_pack("{s:s, s:o, s:o}", "name", protocol->name, "versions",
                                               texts(protocol->versions, protocol->n_versions), "roles",
                                               texts(protocol->roles, protocol->n_roles)));
    }
    return array;
}

static json_t *options(const Pb__PluginDescription *description)
{
    json_t *array = json_array();
    for (size_t i = 0; i < description->n_options; i++) {
        const Pb__OptionDescription *option = description->options[i];
        json_t *object =
            json_pack("{s:s, s:s, s:b, s:s, s:s, s:s}", "name", option->name, "type", option_type_name((int)option->type), "required",
                      (int)option->required, "default", option->default_value, "unit", option->unit, "help", option->help);
        if (option->has_range) {
            json_object_set_new(object, "minimum", json_real(option->minimum));
            json_object_set_new(object, "maximum", json_real(option->maximum));
        }
        if (option->n_choices) {
            json_object_set_new(object, "choices", texts(option->choices, option->n_choices));
        }
        json_array_append_new(array, object);
    }
    return array;
}

static json_t *cases(const Pb__PluginDescription *description)
{
    json_t *array = json_array();
    for (size_t i = 0; i < description->n_cases; i++) {
        const Pb__CaseDescription *test_case = description->cases[i];
        json_array_append_new(array, json_pack("{s:s, s:s, s:i, s:o}", "name", test_case->name, "summary", test_case->summary, "timeout_ms",
                                               (int)test_case->timeout_ms, "needs", texts(test_case->needs, test_case->n_needs)));
    }
    return array;
}

static json_t *drives(const Pb__PluginDescription *description)
{
    json_t *array = json_array();
    for (size_t i = 0; i < description->n_drives; i++) {
        const Pb__DriveDescription *drive = description->drives[i];
        json_array_append_new(array, json_pack("{s:s, s:s, s:s, s:b}", "name", drive->name, "protocol", drive->protocol, "role",
                                               drive->role, "required", (int)drive->required));
    }
    return array;
}

static json_t *presences(const Pb__PluginRow *row)
{
    json_t *array = json_array();
    for (size_t i = 0; i < row->n_agents; i++) {
        const Pb__PluginPresence *presence = row->agents[i]->presence;
        json_array_append_new(array,
                              json_pack("{s:s, s:b, s:b, s:s, s:s, s:s, s:s, s:s, s:s, s:o}", "agent", row->agents[i]->agent, "usable",
                                        (int)presence->usable, "probed", (int)!presence->unprobed, "why_not", presence->unusable_reason,
                                        "implementation", presence->implementation_version, "version", row->agents[i]->version, "hash",
                                        presence->description_hash, "file_hash", presence->file_hash, "path", presence->path,
                                        "capabilities", texts(presence->capabilities, presence->n_capabilities)));
    }
    return array;
}

const char *plugin_kind_name(const Pb__PluginDescription *description)
{
    static const char *const names[] = {
        [PB__PLUGIN_KIND__PLUGIN_KIND_UNSPECIFIED] = "?",
        [PB__PLUGIN_KIND__PLUGIN_KIND_IUT] = "iut",
        [PB__PLUGIN_KIND__PLUGIN_KIND_TESTER] = "tester",
        [PB__PLUGIN_KIND__PLUGIN_KIND_NETWORK] = "network",
    };
    size_t kind = description ? (size_t)description->kind : 0;
    return kind < sizeof names / sizeof *names ? names[kind] : "?";
}

void plugin_json_print(const Pb__PluginRow *row, FILE *out, bool one_line)
{
    json_t *object = json_object();
    const Pb__PluginDescription *description = row->description;
    if (description) {
        json_object_set_new(object, "name", json_string(description->name));
        json_object_set_new(object, "kind", json_string(plugin_kind_name(description)));
        json_object_set_new(object, "version", json_string(description->version));
        json_object_set_new(object, "summary", json_string(description->summary));
        json_object_set_new(object, "hash", json_string(row->hash));
        json_object_set_new(object, "protocols", protocols(description));
        json_object_set_new(object, "drives", drives(description));
        json_object_set_new(object, "options", options(description));
        json_object_set_new(object, "cases", cases(description));
    }
    json_object_set_new(object, "agents", presences(row));
    json_dumpf(object, out, JSON_PRESERVE_ORDER | (one_line ? (size_t)JSON_COMPACT : (size_t)JSON_INDENT(2)));
    fputc('\n', out);
    json_decref(object);
}

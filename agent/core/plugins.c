// The catalogue as the shell found it: presences for Hello, descriptions for a coordinator that does not know them yet.
#include <string.h>

#include "agent/core/state.h"

void agent_plugins_free(struct agent_core *core)
{
    for (size_t i = 0; i < core->plugin_count; i++) {
        message_free(core->plugins[i].presence);
        message_free(core->plugins[i].description);
    }
    free(core->plugins);
    core->plugins = NULL;
    core->plugin_count = 0;
}

void agent_plugins_set(struct agent_core *core, const struct agent_plugin *plugins, size_t count)
{
    agent_plugins_free(core);
    if (count > AGENT_PLUGINS_MAX) {
        agent_log(core, AGENT_LOG_WARNING, "%zu plugins are more than the %d that one agent offers; the rest is left out", count,
                  AGENT_PLUGINS_MAX);
        count = AGENT_PLUGINS_MAX;
    }
    core->plugins = memory_new((count + 1) * sizeof *core->plugins);
    core->plugin_count = count;
    for (size_t i = 0; i < count; i++) {
        core->plugins[i].presence = message_copy(plugins[i].presence, NULL);
        core->plugins[i].description = plugins[i].description ? message_copy(plugins[i].description, NULL) : NULL;
    }
}

// An empty hash takes the plugin as it is.
static bool is_described_so(const Pb__PluginPresence *presence, const char *description_hash)
{
    return description_hash[0] == '\0' || strcmp(presence->description_hash, description_hash) == 0;
}

const struct plugin *agent_plugin_find(const struct agent_core *core, const char *name, const char *description_hash)
{
    for (size_t i = 0; i < core->plugin_count; i++) {
        const Pb__PluginPresence *presence = core->plugins[i].presence;
        if (presence->usable && strcmp(presence->name, name) == 0 && is_described_so(presence, description_hash))
            return &core->plugins[i];
    }
    return NULL;
}

const char *agent_plugin_problem(const struct agent_core *core, const char *name, const char *description_hash, struct arena *arena)
{
    if (agent_plugin_find(core, name, description_hash))
        return NULL;
    for (size_t i = 0; i < core->plugin_count; i++) {
        const Pb__PluginPresence *presence = core->plugins[i].presence;
        if (strcmp(presence->name, name) != 0)
            continue;
        if (!is_described_so(presence, description_hash))
            return arena_printf(arena, "plugin %s has changed on this host since the experiment was checked", name);
        return arena_printf(arena, "plugin %s cannot be used on this host: %s", name, presence->unusable_reason);
    }
    return arena_printf(arena, "plugin %s is not installed on this host", name);
}

static void describe(struct agent_core *core, Pb__DescribedPlugin **list, size_t count)
{
    Pb__Descriptions *descriptions = ARENA_NEW(core->out->arena, Pb__Descriptions);
    pb__descriptions__init(descriptions);
    descriptions->descriptions = list;
    descriptions->n_descriptions = count;
    agent_envelope(core, PB__ENVELOPE__BODY_DESCRIPTIONS)->descriptions = descriptions;
}

static Pb__DescribedPlugin *described_plugin(struct agent_core *core, const struct plugin *plugin)
{
    Pb__DescribedPlugin *described = ARENA_NEW(core->out->arena, Pb__DescribedPlugin);
    pb__described_plugin__init(described);
    described->hash = plugin->presence->description_hash;
    described->description = plugin->description;
    return described;
}

void agent_plugins_describe(struct agent_core *core, char *const *hashes, size_t count)
{
    Pb__DescribedPlugin **list = NULL;
    size_t filled = 0;
    for (size_t i = 0; i < core->plugin_count; i++) {
        const struct plugin *plugin = &core->plugins[i];
        bool wanted = false;
        for (size_t h = 0; h < count && !wanted; h++)
            wanted = strcmp(plugin->presence->description_hash, hashes[h]) == 0;
        if (!wanted || !plugin->description)
            continue;
        if (!list)
            list = ARENA_ARRAY(core->out->arena, Pb__DescribedPlugin *, AGENT_DESCRIPTIONS_PER_FRAME_MAX);
        list[filled++] = described_plugin(core, plugin);
        if (filled == AGENT_DESCRIPTIONS_PER_FRAME_MAX) {
            describe(core, list, filled);
            list = NULL;
            filled = 0;
        }
    }
    if (filled > 0)
        describe(core, list, filled);
}

static bool is_among(const struct agent_plugin *plugins, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(plugins[i].presence->name, name) == 0)
            return true;
    return false;
}

size_t agent_plugins_gone(struct agent_core *core, const struct agent_plugin *plugins, size_t count, char ***gone)
{
    size_t found = 0;
    *gone = ARENA_ARRAY(core->out->arena, char *, core->plugin_count + 1);
    for (size_t i = 0; i < core->plugin_count; i++) {
        const char *name = core->plugins[i].presence->name;
        if (!is_among(plugins, count, name))
            (*gone)[found++] = arena_string(core->out->arena, name);
    }
    return found;
}

void agent_plugins_tell(struct agent_core *core, char **gone, size_t gone_count)
{
    if (core->session.state != SESSION_LIVE)
        return;
    Pb__PluginsChanged *changed = ARENA_NEW(core->out->arena, Pb__PluginsChanged);
    pb__plugins_changed__init(changed);
    changed->plugins = ARENA_ARRAY(core->out->arena, Pb__PluginPresence *, core->plugin_count + 1);
    changed->n_plugins = core->plugin_count;
    changed->gone = gone;
    changed->n_gone = gone_count;
    for (size_t i = 0; i < core->plugin_count; i++)
        changed->plugins[i] = core->plugins[i].presence;
    agent_envelope(core, PB__ENVELOPE__BODY_PLUGINS_CHANGED)->plugins_changed = changed;
}

// ---- pushed ones: the shell places them, the next catalogue has them

void agent_place_plugin(struct agent_core *core, const Pb__PlacePlugin *plugin)
{
    struct agent_effect *effect = agent_effect_add(core, AGENT_EFFECT_PLACE_PLUGIN);
    effect->place.session = core->session.id;
    effect->place.plugin = MESSAGE_COPY(plugin, core->out->arena);
}

void agent_plugin_placed(struct agent_core *core, const struct agent_input *input)
{
    if (core->session.state != SESSION_LIVE || core->session.id != input->placed.session)
        return; // who asked is gone, and asks again
    Pb__PluginPlaced *placed = ARENA_NEW(core->out->arena, Pb__PluginPlaced);
    pb__plugin_placed__init(placed);
    placed->push = input->placed.push;
    placed->state = input->placed.state;
    placed->text = arena_string(core->out->arena, input->placed.text);
    agent_envelope(core, PB__ENVELOPE__BODY_PLUGIN_PLACED)->plugin_placed = placed;
}

bool agent_core_uses_plugin(const struct agent_core *core, const char *folder)
{
    size_t length = strlen(folder);
    for (struct map_entry *e = map_first(core->instances); e; e = map_next(core->instances, e)) {
        const struct instance *instance = e->value;
        const char *path = instance->spec ? instance->spec->plugin_path : "";
        if (instance->state != INSTANCE_ENDED && strncmp(path, folder, length) == 0 && path[length] == '/')
            return true;
    }
    return false;
}

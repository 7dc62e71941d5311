// Which plugins a host has. Hosts of a lab are alike, so each presence is kept once, however many agents report it: with 5,000 hosts of ten
// plugins this is most of what an agent would cost.
#include <string.h>

#include "common/base/message.h"
#include "coordinator/core/state.h"

// ---- the pool: a presence is known by all that it says

static void add_text(struct text *key, const char *text)
{
    text_append_bytes(key, text, strlen(text) + 1); // with its NUL, so that no two different ones look the same
}

static void presence_key(struct text *key, const Pb__PluginPresence *presence)
{
    add_text(key, presence->name);
    add_text(key, presence->description_hash);
    add_text(key, presence->file_hash);
    add_text(key, presence->path);
    add_text(key, presence->implementation_version);
    add_text(key, presence->unusable_reason);
    add_text(key, presence->usable ? "usable" : "");
    add_text(key, presence->unprobed ? "unprobed" : "");
    for (size_t i = 0; i < presence->n_capabilities; i++) {
        add_text(key, presence->capabilities[i]);
    }
}

static struct presence *acquire(struct core *core, const Pb__PluginPresence *is)
{
    struct text key = {0};
    presence_key(&key, is);
    struct presence *presence = map_get(core->presences, key.data, key.length);
    if (!presence) {
        presence = NEW(struct presence);
        presence->is = MESSAGE_COPY(is, NULL);
        map_put(core->presences, key.data, key.length, presence);
    }
    presence->users++;
    text_free(&key);
    return presence;
}

static void release(struct core *core, struct presence *presence)
{
    if (--presence->users > 0) {
        return;
    }
    struct text key = {0};
    presence_key(&key, presence->is);
    map_remove(core->presences, key.data, key.length);
    text_free(&key);
    message_free(presence->is);
    free(presence);
}

// ---- of one agent, by name

static size_t place_of(const struct agent_live *agent, const char *plugin)
{
    size_t low = 0, high = agent->presence_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(agent->presences[middle]->is->name, plugin) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct presence *presences_find(const struct agent_live *agent, const char *plugin)
{
    size_t at = place_of(agent, plugin);
    bool is_there = at < agent->presence_count && strcmp(agent->presences[at]->is->name, plugin) == 0;
    return is_there ? agent->presences[at] : NULL;
}

bool presences_are_shadowed(Pb__PluginPresence *const *plugins, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        bool comes_first = plugins[i]->usable || !plugins[index]->usable; // of two that cannot be used the first says why
        if (comes_first && strcmp(plugins[i]->name, plugins[index]->name) == 0) {
            return true;
        }
    }
    return false;
}

static void take_one(struct core *core, struct agent_live *agent, const Pb__PluginPresence *is)
{
    size_t at = place_of(agent, is->name);
    struct presence *before = presences_find(agent, is->name);
    if (before) {
        agent->presences[at] = acquire(core, is);
        release(core, before);
    } else if (agent->presence_count < PRESENCES_MAX) {
        agent->presences = memory_grow(agent->presences, agent->presence_count + 1, sizeof(struct presence *));
        memmove(agent->presences + at + 1, agent->presences + at, (agent->presence_count - at) * sizeof(struct presence *));
        agent->presences[at] = acquire(core, is);
        agent->presence_count++;
    }
}

void presences_take(struct core *core, struct agent_live *agent, Pb__PluginPresence *const *plugins, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!presences_are_shadowed(plugins, i)) {
            take_one(core, agent, plugins[i]);
        }
    }
}

void presences_drop(struct core *core, struct agent_live *agent, char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct presence *gone = presences_find(agent, names[i]);
        if (gone) {
            size_t at = place_of(agent, names[i]);
            agent->presence_count--;
            memmove(agent->presences + at, agent->presences + at + 1, (agent->presence_count - at) * sizeof(struct presence *));
            release(core, gone);
        }
    }
}

void presences_clear(struct core *core, struct agent_live *agent)
{
    for (size_t i = 0; i < agent->presence_count; i++) {
        release(core, agent->presences[i]);
    }
    free(agent->presences);
    agent->presences = NULL;
    agent->presence_count = 0;
}

const Pb__PluginDescription *presence_description(const struct core *core, struct presence *presence)
{
    if (!presence->description) {
        presence->description = map_get_text(core->durable->descriptions, presence->is->description_hash);
    }
    return presence->description;
}

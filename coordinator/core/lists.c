// Lists of what is live: agents, their plugins, keys. In pages, because a lab of a thousand hosts does not fit into a frame. A cursor
// counts entries in the order in which they became known; none of them is ever taken away, so it stays right between two pages.
// Urgent, because it must be seen while the disk is full.
#include <string.h>

#include "common/base/message.h"
#include "coordinator/core/state.h"

#define NS_PER_MS UINT64_C(1000000)
// Of a page, unless its first row alone is larger.
#define PAGE_MAX_BYTES (CONTROL_FRAME_MAX_BYTES / 8)

struct page {
    uint64_t after, at; // entries that came before; the entry at hand, counted from 1
    size_t bytes, rows;
    bool is_full;
};

// Is the next entry on this page?
static bool page_reaches(struct page *page)
{
    return ++page->at > page->after;
}

// Has this row room? If not, the page ends before it.
static bool page_takes(struct page *page, const void *row)
{
    size_t bytes = message_bytes_at_most(row);
    page->is_full = page->rows > 0 && page->bytes + bytes > PAGE_MAX_BYTES;
    page->bytes += bytes;
    page->rows += !page->is_full;
    return !page->is_full;
}

// What the next page is to come after.
static uint64_t page_next(const struct page *page)
{
    return page->is_full ? page->at - 1 : page->at;
}

// ---- agents

static Pb__AgentRow *agent_row(struct core *core, const char *name, const struct agent_live *live)
{
    struct arena *arena = core->effects->arena;
    const struct agent_identity *known = map_get_text(core->durable->agents, name);
    Pb__AgentRow *row = NEW_MESSAGE(core, Pb__AgentRow, pb__agent_row);
    row->name = arena_string(arena, name);
    row->state = arena_string(arena, agent_live_state(live));
    if (known) {
        row->host_id = arena_string(arena, known->host_id);
        row->boot_id = arena_string(arena, known->boot_id);
        row->slots_used = (uint32_t)map_count(known->placed);
        row->is_drained = known->is_drained;
    }
    if (!live) {
        return row;
    }
    const Pb__Hello *hello = MESSAGE_COPY(live->hello, arena);
    row->version = hello->agent_version;
    row->slots = hello->slots;
    row->labels = hello->labels;
    row->n_labels = hello->n_labels;
    row->addresses = hello->addresses;
    row->n_addresses = hello->n_addresses;
    row->facts = hello->facts;
    row->last_heard_ms = (core->event->now_ns - live->heard_ns) / NS_PER_MS;
    row->clock_offset_ns = live->clock_offset_ns;
    row->clock_error_ns = live->clock_error_ns;
    row->disk_free_bytes = live->disk_free_bytes;
    row->disk_is_short = live->disk_is_short;
    row->plugins = ARENA_ARRAY(arena, Pb__PluginPresence *, live->presence_count + 1);
    for (size_t i = 0; i < live->presence_count; i++) {
        row->plugins[row->n_plugins++] = MESSAGE_COPY(live->presences[i]->is, arena);
    }
    return row;
}

// Every agent that has a key, whether it was heard in this life or not.
void lists_agents(struct core *core, uint64_t request, uint64_t after)
{
    struct page page = {.after = after};
    Pb__Reply *reply = core_reply_urgent(core, core->event->route, request);
    reply->body_case = PB__REPLY__BODY_AGENTS;
    Pb__Agents *agents = reply->agents = NEW_MESSAGE(core, Pb__Agents, pb__agents);
    agents->agents = ARENA_ARRAY(core->effects->arena, Pb__AgentRow *, map_count(core->durable->keys) + 1);
    for (struct map_entry *entry = map_first(core->durable->keys); entry && !page.is_full; entry = map_next(core->durable->keys, entry)) {
        const struct key_entry *key = entry->value;
        if (!page_reaches(&page) || key->role != PB__ROLE__ROLE_AGENT || key->revoked) {
            continue;
        }
        Pb__AgentRow *row = agent_row(core, key->name, sessions_agent(core, key->name));
        if (page_takes(&page, row)) {
            agents->agents[agents->n_agents++] = row;
        }
    }
    agents->next = page_next(&page);
    agents->more = page.is_full;
}

// ---- plugins

static Pb__PluginRow *plugin_row(struct core *core, struct map *rows, const char *name)
{
    Pb__PluginRow *row = map_get_text(rows, name);
    if (!row) {
        row = NEW_MESSAGE(core, Pb__PluginRow, pb__plugin_row);
        row->agents = ARENA_ARRAY(core->effects->arena, Pb__PluginOnAgent *, map_count(core->agents));
        map_put_text(rows, name, row);
    }
    return row;
}

static Pb__PluginOnAgent *plugin_on(struct core *core, const struct agent_live *agent, struct presence *presence)
{
    const Pb__PluginDescription *description = presence_description(core, presence);
    Pb__PluginOnAgent *on = NEW_MESSAGE(core, Pb__PluginOnAgent, pb__plugin_on_agent);
    on->agent = arena_string(core->effects->arena, agent->name);
    on->presence = MESSAGE_COPY(presence->is, core->effects->arena);
    on->version = arena_string(core->effects->arena, description ? description->version : "");
    return on;
}

struct plugin_listing {
    struct page page;
    struct map *rows;      // of this page, by name
    struct map *described; // names whose description stands on this page, or on one before
};

// Its description comes with the first agent whose copy loads.
static void list_presence(struct core *core, struct plugin_listing *listing, const struct agent_live *agent, struct presence *presence)
{
    const char *name = presence->is->name;
    const Pb__PluginDescription *description = presence_description(core, presence);
    bool is_first = description && !map_get_text(listing->described, name);
    if (!page_reaches(&listing->page)) {
        if (is_first) {
            map_put_text(listing->described, name, presence);
        }
        return;
    }
    Pb__PluginRow whole = PB__PLUGIN_ROW__INIT;
    Pb__PluginOnAgent *on = plugin_on(core, agent, presence);
    whole.agents = &on;
    whole.n_agents = 1;
    whole.description = is_first ? MESSAGE_COPY(description, core->effects->arena) : NULL;
    if (!page_takes(&listing->page, &whole)) {
        return;
    }
    Pb__PluginRow *row = plugin_row(core, listing->rows, name);
    row->agents[row->n_agents++] = on;
    if (is_first) {
        map_put_text(listing->described, name, presence);
        row->description = whole.description;
        row->hash = arena_string(core->effects->arena, presence->is->description_hash);
    }
}

// One row per plugin name.
void lists_plugins(struct core *core, uint64_t request, const Pb__ListPlugins *list)
{
    struct plugin_listing listing = {.page = {.after = list->after}, .rows = map_new(), .described = map_new()};
    Pb__Reply *reply = core_reply_urgent(core, core->event->route, request);
    reply->body_case = PB__REPLY__BODY_PLUGINS;
    Pb__Plugins *plugins = reply->plugins = NEW_MESSAGE(core, Pb__Plugins, pb__plugins);
    for (struct map_entry *entry = map_first(core->agents); entry && !listing.page.is_full; entry = map_next(core->agents, entry)) {
        const struct agent_live *agent = entry->value;
        for (size_t i = 0; i < agent->presence_count && !listing.page.is_full; i++) {
            if (!*list->name || strcmp(list->name, agent->presences[i]->is->name) == 0) {
                list_presence(core, &listing, agent, agent->presences[i]);
            }
        }
    }
    plugins->plugins = ARENA_ARRAY(core->effects->arena, Pb__PluginRow *, map_count(listing.rows) + 1);
    for (struct map_entry *entry = map_first(listing.rows); entry; entry = map_next(listing.rows, entry)) {
        plugins->plugins[plugins->n_plugins++] = entry->value;
    }
    plugins->next = page_next(&listing.page);
    plugins->more = listing.page.is_full;
    map_free(&listing.rows);
    map_free(&listing.described);
}

// ---- keys

void lists_keys(struct core *core, uint64_t request, uint64_t after)
{
    struct arena *arena = core->effects->arena;
    struct page page = {.after = after};
    Pb__Reply *reply = core_reply(core, core->event->route, request);
    reply->body_case = PB__REPLY__BODY_KEYS;
    Pb__Keys *keys = reply->keys = NEW_MESSAGE(core, Pb__Keys, pb__keys);
    keys->keys = ARENA_ARRAY(arena, Pb__KeyRow *, map_count(core->durable->keys) + 1);
    for (struct map_entry *entry = map_first(core->durable->keys); entry && !page.is_full; entry = map_next(core->durable->keys, entry)) {
        const struct key_entry *key = entry->value;
        if (!page_reaches(&page)) {
            continue;
        }
        Pb__KeyRow *row = NEW_MESSAGE(core, Pb__KeyRow, pb__key_row);
        row->name = arena_string(arena, key->name);
        row->role = (Pb__Role)key->role;
        row->public_key = arena_string(arena, key->public_key);
        row->revoked = key->revoked;
        row->added_wall_ns = key->added_wall_ns;
        row->added_by = arena_string(arena, key->added_by);
        if (page_takes(&page, row)) {
            keys->keys[keys->n_keys++] = row;
        }
    }
    keys->next = page_next(&page);
    keys->more = page.is_full;
}

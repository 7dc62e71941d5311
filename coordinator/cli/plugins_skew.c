// panther-coord plugins --skew: plugins of which not all agents that have them have the same, by content, plugin version and the version of
// the implementation. Verdicts of different ones are not comparable.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/limits.h"
#include "coordinator/cli/plugins.h"

// A host that has not looked yet which version of the implementation it has differs from none.
static bool implementations_differ(const Pb__PluginPresence *left, const Pb__PluginPresence *right)
{
    return !left->unprobed && !right->unprobed && strcmp(left->implementation_version, right->implementation_version) != 0;
}

static bool is_same(const Pb__PluginOnAgent *left, const Pb__PluginOnAgent *right)
{
    return strcmp(left->presence->file_hash, right->presence->file_hash) == 0 && !implementations_differ(left->presence, right->presence) &&
           strcmp(left->version, right->version) == 0 && left->presence->usable == right->presence->usable;
}

static bool differs(const Pb__PluginRow *row)
{
    for (size_t i = 0; i < row->n_agents; i++) {
        for (size_t j = i + 1; j < row->n_agents; j++) {
            if (!is_same(row->agents[i], row->agents[j])) {
                return true;
            }
        }
    }
    return false;
}

static bool is_first(const Pb__PluginRow *row, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (is_same(row->agents[i], row->agents[index])) {
            return false;
        }
    }
    return true;
}

// One row for each version: who has it.
static void add_version(struct table *table, const struct client *client, const Pb__PluginRow *row, size_t index)
{
    const Pb__PluginOnAgent *on = row->agents[index];
    struct text agents = {0};
    size_t count = 0;
    for (size_t i = index; i < row->n_agents; i++) {
        if (is_same(on, row->agents[i])) {
            text_printf(&agents, "%s%s", count++ ? "," : "", row->agents[i]->agent);
        }
    }
    const char *hash = on->presence->file_hash;
    const char *values[] = {on->presence->name,
                            on->version,
                            client->format == REPORT_TABLE ? arena_printf(client->arena, "%.*s", HASH_SHOWN_BYTES, hash) : hash,
                            on->presence->implementation_version,
                            on->presence->usable ? "yes" : "no",
                            arena_printf(client->arena, "%zu", count),
                            text_string(&agents)};
    table_add(table, values);
    text_free(&agents);
}

static int by_agent(const void *left, const void *right)
{
    const Pb__PluginOnAgent *const *a = left, *const *b = right;
    return strcmp((*a)->agent, (*b)->agent);
}

int plugins_skew(const struct client *client, const Pb__Plugins *plugins)
{
    static const char *const columns[] = {"name", "version", "file_hash", "implementation", "usable", "agents_count", "on"};
    struct table *table = table_new(columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < plugins->n_plugins; i++) {
        const Pb__PluginRow *row = plugins->plugins[i];
        qsort(row->agents, row->n_agents, sizeof *row->agents, by_agent);
        for (size_t a = 0; differs(row) && a < row->n_agents; a++) {
            if (is_first(row, a)) {
                add_version(table, client, row, a);
            }
        }
    }
    bool any = table_count(table) > 0;
    if (any || client->format != REPORT_TABLE) {
        table_print(table, client->format, stdout, client->colour);
    } else {
        puts("no skew: whoever has a plugin has the same of it");
    }
    table_free(&table);
    return any ? EXIT_FAIL : EXIT_PASS;
}

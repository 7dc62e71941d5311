// What is installed on a simulated host, and who it is: a server to be tested, a tester with cases, one that executes, and a client.
#include <stdio.h>
#include <string.h>

#include "common/wire/wire.h"
#include "tests/simulation/agent_inside.h"
#include "tests/simulation/plugins.h"

static Pb__PluginPresence *presence(struct arena *arena, const Pb__PluginDescription *description, bool probed)
{
    char hash[HASH_TEXT_BYTES];
    Pb__PluginPresence *presence = ARENA_NEW(arena, Pb__PluginPresence);
    pb__plugin_presence__init(presence);
    hash_message(description, hash);
    presence->name = description->name;
    presence->description_hash = arena_string(arena, hash);
    presence->path = arena_printf(arena, "/usr/lib/panther/plugins/%s.so", description->name);
    presence->implementation_version = arena_string(arena, probed ? "1.0" : "");
    presence->usable = true;
    if (description->kind == PB__PLUGIN_KIND__PLUGIN_KIND_IUT) {
        presence->capabilities = ARENA_NEW(arena, char *);
        presence->capabilities[presence->n_capabilities++] = arena_string(arena, "push");
    }
    return presence;
}

void catalogue_found(struct agent_host *host, bool probed)
{
    struct arena *arena = host->world->scratch;
    struct agent_plugin plugins[SIMULATED_PLUGINS];
    for (size_t i = 0; i < SIMULATED_PLUGINS; i++) {
        plugins[i].description = plugin_description(i, arena);
        plugins[i].presence = presence(arena, plugins[i].description, probed);
    }
    struct agent_input input = {.kind = AGENT_INPUT_CATALOGUE};
    input.catalogue.plugins = plugins;
    input.catalogue.count = SIMULATED_PLUGINS;
    input.catalogue.probed = probed;
    agent_feed(host, &input);
}

Pb__Hello *catalogue_self(struct agent_host *host, struct arena *arena)
{
    Pb__TestAddress *address = ARENA_NEW(arena, Pb__TestAddress);
    pb__test_address__init(address);
    address->network = arena_string(arena, "default");
    address->address = arena_printf(arena, "10.0.1.%zu", host->index + 1);
    Pb__Hello *hello = ARENA_NEW(arena, Pb__Hello);
    pb__hello__init(hello);
    hello->name = arena_string(arena, host->name);
    hello->host_id = arena_string(arena, host->host_id);
    hello->boot_id = arena_string(arena, host->boot_id);
    hello->agent_version = arena_string(arena, "simulated");
    hello->slots = host->slots;
    hello->addresses = ARENA_NEW(arena, Pb__TestAddress *);
    hello->addresses[hello->n_addresses++] = address;
    return hello;
}

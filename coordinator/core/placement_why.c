// Why a service finds no host, in words: what each connected agent lacks. Used by placement.c and requests.c.
#include <string.h>

#include "common/base/map.h"
#include "common/base/memory.h"
#include "common/base/units.h"
#include "common/schema/version.h"
#include "coordinator/core/state.h"

#define VERSIONS_NAMED_MAX 3

// ---- a service that no agent could take

// What an agent that has the plugin lacks, in the order in which it is told.
enum lack { LACKS_NOTHING, LACKS_PLUGIN, LACKS_NAME, LACKS_LABEL, LACKS_RESOURCES, LACKS_VERSION, LACKS_FRESHNESS, LACKS };

static bool has_label(const struct agent_live *agent, const Pb__Label *label)
{
    for (size_t i = 0; i < agent->hello->n_labels; i++) {
        if (strcmp(agent->hello->labels[i]->name, label->name) == 0 && strcmp(agent->hello->labels[i]->value, label->value) == 0) {
            return true;
        }
    }
    return false;
}

static const Pb__Label *missing_label(const struct agent_live *agent, const Pb__HostRule *rule)
{
    for (size_t i = 0; rule && i < rule->n_labels; i++) {
        if (!has_label(agent, rule->labels[i])) {
            return rule->labels[i];
        }
    }
    return NULL;
}

static enum lack lack_of(const struct core *core, const struct agent_live *agent, const Pb__ServicePlan *service)
{
    struct presence *presence = presences_find(agent, service->plugin);
    const Pb__HostRule *rule = service->host;
    if (!presence || !presence->is->usable || !presence_description(core, presence)) {
        return LACKS_PLUGIN;
    }
    if (rule && *rule->name && strcmp(rule->name, agent->name) != 0) {
        return LACKS_NAME;
    }
    if (missing_label(agent, rule)) {
        return LACKS_LABEL;
    }
    if (rule && !placement_has(agent, rule->cpus, rule->memory_bytes)) {
        return LACKS_RESOURCES;
    }
    if (!version_fits(presence->is->implementation_version, service->version)) {
        return LACKS_VERSION;
    }
    return agent_live_is_fresh(core, agent) ? LACKS_NOTHING : LACKS_FRESHNESS;
}

// "1.22.1 on lab-a, unknown on lab-b", of the first few.
static const char *versions_there(const struct core *core, const Pb__ServicePlan *service, struct arena *arena)
{
    struct text list = {0};
    size_t count = 0;
    for (size_t i = 0; i < roster_count(core->roster) && count <= VERSIONS_NAMED_MAX; i++) {
        const struct agent_live *agent = roster_at(core->roster, i);
        if (lack_of(core, agent, service) != LACKS_VERSION) {
            continue;
        }
        const char *version = presences_find(agent, service->plugin)->is->implementation_version;
        if (count++ < VERSIONS_NAMED_MAX) {
            text_printf(&list, "%s%s on %s", count > 1 ? ", " : "", *version ? version : "one that is not known", agent->name);
        } else {
            text_append(&list, ", ...");
        }
    }
    const char *text = arena_string(arena, text_string(&list));
    text_free(&list);
    return text;
}

// "4 cpus and 8GiB of memory"
static const char *resources_text(const Pb__HostRule *rule, struct arena *arena)
{
    char memory[32];
    size_format(rule->memory_bytes, memory, sizeof memory);
    const char *cpus = rule->cpus ? arena_printf(arena, "%u cpu%s", rule->cpus, rule->cpus > 1 ? "s" : "") : "";
    return arena_printf(arena, "%s%s%s%s", cpus, rule->cpus && rule->memory_bytes ? " and " : "", rule->memory_bytes ? memory : "",
                        rule->memory_bytes ? " of memory" : "");
}

const char *placement_nobody(const struct core *core, const Pb__ServicePlan *service, struct arena *arena)
{
    size_t counts[LACKS] = {0}, has_plugin = 0;
    const Pb__Label *label = NULL;
    for (size_t i = 0; i < roster_count(core->roster); i++) {
        const struct agent_live *agent = roster_at(core->roster, i);
        enum lack lack = lack_of(core, agent, service);
        counts[lack]++;
        has_plugin += lack != LACKS_PLUGIN;
        label = lack == LACKS_LABEL && !label ? missing_label(agent, service->host) : label;
    }
    if (!has_plugin) {
        return arena_printf(arena, "service %s: no connected agent has a usable plugin %s", service->name, service->plugin);
    }
    if (counts[LACKS_NAME] == has_plugin) {
        return arena_printf(arena, "service %s: the agent %s is not connected, or has no usable plugin %s", service->name,
                            service->host->name, service->plugin);
    }
    if (counts[LACKS_LABEL]) {
        return arena_printf(arena, "service %s: no agent with the plugin %s has the label %s=%s", service->name, service->plugin,
                            label->name, label->value);
    }
    if (counts[LACKS_RESOURCES]) {
        return arena_printf(arena, "service %s: no agent with the plugin %s has %s", service->name, service->plugin,
                            resources_text(service->host, arena));
    }
    if (counts[LACKS_VERSION]) {
        return arena_printf(arena, "service %s: no agent has a version of %s that is %s; there are %s", service->name, service->plugin,
                            service->version, versions_there(core, service, arena));
    }
    if (counts[LACKS_FRESHNESS]) {
        return arena_printf(arena, "service %s: the agents that could take it have fallen silent", service->name);
    }
    return arena_printf(arena, "service %s: the hosts with the plugin %s are excluded, or are still being looked at for what they can",
                        service->name, service->plugin);
}

// ---- one that some could take, but not now

const char *placement_full(const struct core *core, const Pb__ServicePlan *service, struct arena *arena)
{
    size_t drained = 0, short_of_disk = 0, exclusive = 0, reserved = 0, full = 0, able = 0;
    const Pb__HostRule *rule = service->host;
    for (size_t i = 0; i < roster_count(core->roster); i++) {
        const struct agent_live *agent = roster_at(core->roster, i);
        const struct agent_identity *identity = sessions_identity(core, agent);
        if (lack_of(core, agent, service) != LACKS_NOTHING) {
            continue;
        }
        able++;
        bool wants_alone = service->host && service->host->exclusive;
        drained += identity->is_drained;
        short_of_disk += !identity->is_drained && agent->disk_is_short;
        exclusive += !identity->is_drained && !agent->disk_is_short && (identity->exclusive || (wants_alone && agent->filed_under));
        bool has_slots = agent->hello->slots > agent->filed_under;
        bool is_open = !identity->is_drained && !agent->disk_is_short && !identity->exclusive && !(wants_alone && agent->filed_under);
        reserved +=
            is_open && has_slots && rule && !placement_has(agent, identity->cpus + rule->cpus, identity->memory_bytes + rule->memory_bytes);
        full += is_open && !has_slots;
    }
    return arena_printf(arena,
                        "service %s: all %zu agents that could take it are taken: %zu with no free slot, %zu whose cpus or memory are "
                        "reserved, %zu in use where one wants the host for itself, %zu drained, %zu short of disk",
                        service->name, able, full, reserved, exclusive, drained, short_of_disk);
}

// ---- services that can only be on one host

static bool are_together(const Pb__ServicePlan *service, const Pb__ServicePlan *other)
{
    const Pb__HostRule *mine = service->host, *theirs = other->host;
    if (mine && theirs && *mine->name && strcmp(mine->name, theirs->name) == 0) {
        return true;
    }
    for (size_t i = 0; mine && i < mine->n_with; i++) {
        if (strcmp(mine->with[i], other->name) == 0) {
            return true;
        }
    }
    return false;
}

// Marks all that are on the host of the first, and on that of those, and so on; their number.
static size_t mark_together(const Pb__CellPlan *plan, size_t first, bool *marked)
{
    size_t count = 1;
    marked[first] = true;
    for (bool again = true; again;) {
        again = false;
        for (size_t i = 0; i < plan->n_services; i++) {
            for (size_t j = 0; j < plan->n_services && !marked[i]; j++) {
                if (marked[j] &&
                    (are_together(plan->services[i], plan->services[j]) || are_together(plan->services[j], plan->services[i]))) {
                    marked[i] = again = true;
                    count++;
                }
            }
        }
    }
    return count;
}

// Of all agents that were heard of: one that is away may come back.
static uint32_t most_slots(const struct core *core, const char *name)
{
    uint32_t most = 0;
    for (struct map_entry *entry = map_first(core->agents); entry; entry = map_next(core->agents, entry)) {
        const struct agent_live *agent = entry->value;
        bool is_meant = !*name || strcmp(name, agent->name) == 0;
        most = agent->hello && is_meant && agent->hello->slots > most ? agent->hello->slots : most;
    }
    return most;
}

const char *placement_together(const struct core *core, const Pb__CellPlan *plan, struct arena *arena)
{
    for (size_t first = 0; first < plan->n_services; first++) {
        bool *marked = ARENA_ARRAY(arena, bool, plan->n_services);
        size_t count = mark_together(plan, first, marked);
        const Pb__HostRule *rule = plan->services[first]->host;
        uint32_t slots = count > 1 ? most_slots(core, rule ? rule->name : "") : 0;
        if (count == 1 || slots == 0 || count <= slots) {
            continue;
        }
        struct text names = {0};
        for (size_t i = 0; i < plan->n_services; i++) {
            if (marked[i]) {
                text_printf(&names, "%s%s", names.length ? ", " : "", plan->services[i]->name);
            }
        }
        const char *why = arena_printf(arena, "%zu services have to be on one host (%s), and no agent%s%s has more than %u slots", count,
                                       text_string(&names), rule && *rule->name ? " called " : "", rule ? rule->name : "", slots);
        text_free(&names);
        return why;
    }
    return NULL;
}

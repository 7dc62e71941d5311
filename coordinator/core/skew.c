// Would a run compare different versions of a plugin? A dry run says so before it is too late: which of the hosts that may take a service
// has which.
#include <string.h>

#include "common/base/limits.h"
#include "coordinator/core/state.h"

static bool is_same(const Pb__PluginPresence *left, const Pb__PluginPresence *right)
{
    return strcmp(left->file_hash, right->file_hash) == 0 && strcmp(left->implementation_version, right->implementation_version) == 0;
}

static const char *version_of(struct arena *arena, const Pb__PluginPresence *presence)
{
    const char *version = presence->implementation_version;
    return arena_printf(arena, "%s%s(file %.*s)", version, *version ? " " : "", HASH_SHOWN_BYTES, presence->file_hash);
}

static void add_warning(Pb__Submitted *submitted, struct arena *arena, char *message)
{
    Pb__Diagnostic **all = ARENA_ARRAY(arena, Pb__Diagnostic *, submitted->n_diagnostics + 1);
    for (size_t i = 0; i < submitted->n_diagnostics; i++) {
        all[i] = submitted->diagnostics[i];
    }
    Pb__Diagnostic *warning = all[submitted->n_diagnostics++] = ARENA_NEW(arena, Pb__Diagnostic);
    pb__diagnostic__init(warning);
    warning->warning = true;
    warning->file = arena_string(arena, "lab");
    warning->message = message;
    submitted->diagnostics = all;
}

static void look_at_service(struct core *core, Pb__Submitted *submitted, const Pb__ServicePlan *service)
{
    struct arena *arena = core->effects->arena;
    const struct agent_live *first = NULL;
    for (struct map_entry *entry = map_first(core->agents); entry; entry = map_next(core->agents, entry)) {
        const struct agent_live *agent = entry->value;
        if (!agent_live_is_connected(agent) || !placement_fits(core, agent, service)) {
            continue;
        }
        const Pb__PluginPresence *here = presences_find(agent, service->plugin)->is;
        if (here->unprobed) { // its host has not looked yet which version it has
            continue;
        }
        first = first ? first : agent;
        const Pb__PluginPresence *there = presences_find(first, service->plugin)->is;
        if (!is_same(here, there)) {
            add_warning(submitted, arena,
                        arena_printf(arena,
                                     "plugin %s is not the same on all hosts that may take it: %s has %s, %s has %s; verdicts of both are "
                                     "hard to compare (panther-coord plugins --skew)",
                                     service->plugin, first->name, version_of(arena, there), agent->name, version_of(arena, here)));
            return;
        }
    }
}

void skew_look(struct core *core, Pb__Submitted *submitted, const Pb__CellPlan *plan, struct map *looked_at)
{
    for (size_t i = 0; i < plan->n_services; i++) {
        if (!map_get_text(looked_at, plan->services[i]->plugin)) {
            map_put_text(looked_at, plan->services[i]->plugin, core);
            look_at_service(core, submitted, plan->services[i]);
        }
    }
}

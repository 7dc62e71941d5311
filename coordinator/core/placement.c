// Which agents take the services of a cell: labels, names, plugins, slots, exclusive hosts, apart_from, with. A small backtracking
// search that prefers the least used host; pure, so that the same lab and the same cell give the same placement.
#include <stdio.h>
#include <string.h>

#include "coordinator/core/state.h"

// Steps of one search: 64 services on 1,000 hosts would be endless otherwise. Beyond, the cell waits.
#define SEARCH_STEPS_MAX 5000

struct candidate {
    struct agent_live *agent;
    const struct agent_identity *identity;
    size_t here, exclusive_here; // services of this cell that the search has put here
};

struct search {
    struct core *core;
    const Pb__CellPlan *plan;
    struct arena *arena;
    struct candidate *candidates; // usable agents, least used first
    size_t candidate_count;
    struct agent_live **chosen; // per service
    size_t steps;
    const char *problem; // of the deepest service that found none
    size_t problem_depth;
    bool hopeless;
};

static bool has_labels(const struct agent_live *agent, const Pb__HostRule *rule)
{
    for (size_t i = 0; i < rule->n_labels; i++) {
        bool found = false;
        for (size_t j = 0; j < agent->hello->n_labels && !found; j++) {
            found = strcmp(agent->hello->labels[j]->name, rule->labels[i]->name) == 0 &&
                    strcmp(agent->hello->labels[j]->value, rule->labels[i]->value) == 0;
        }
        if (!found) {
            return false;
        }
    }
    return true;
}

static bool named_in(char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

// Fits whatever else runs there and wherever the other services go.
static bool fits_alone(const struct search *search, const struct agent_live *agent, const Pb__ServicePlan *service)
{
    const Pb__PluginPresence *presence = map_get_text(agent->presences, service->plugin);
    const Pb__HostRule *rule = service->host;
    if (!presence || !presence->usable || !map_get_text(search->core->durable->descriptions, presence->description_hash)) {
        return false;
    }
    return !rule || ((!*rule->name || strcmp(rule->name, agent->name) == 0) && has_labels(agent, rule) &&
                     !named_in(rule->not_names, rule->n_not_names, agent->name));
}

static bool is_exclusive(const Pb__ServicePlan *service)
{
    return service->host && service->host->exclusive;
}

static bool has_room(const struct candidate *candidate, const Pb__ServicePlan *service)
{
    size_t used = map_count(candidate->identity->placed);
    bool wants_alone = candidate->exclusive_here || is_exclusive(service);
    return !candidate->agent->disk_is_short && used + candidate->here < candidate->agent->hello->slots &&
           candidate->identity->exclusive == 0 && !(wants_alone && used > 0);
}

// apart_from and with hold in both directions, whichever service says so.
static bool fits_neighbours(const struct search *search, const struct agent_live *agent, size_t depth)
{
    const Pb__ServicePlan *service = search->plan->services[depth];
    for (size_t i = 0; i < depth; i++) {
        const Pb__ServicePlan *other = search->plan->services[i];
        bool same = search->chosen[i] == agent;
        const Pb__HostRule *mine = service->host, *theirs = other->host;
        bool apart = (mine && named_in(mine->apart_from, mine->n_apart_from, other->name)) ||
                     (theirs && named_in(theirs->apart_from, theirs->n_apart_from, service->name));
        bool together =
            (mine && named_in(mine->with, mine->n_with, other->name)) || (theirs && named_in(theirs->with, theirs->n_with, service->name));
        if ((apart && same) || (together && !same)) {
            return false;
        }
    }
    return true;
}

static void note_problem(struct search *search, size_t depth, size_t able, size_t with_room)
{
    if (search->problem && depth < search->problem_depth) {
        return;
    }
    const Pb__ServicePlan *service = search->plan->services[depth];
    const Pb__HostRule *rule = service->host;
    search->problem_depth = depth;
    search->hopeless = able == 0;
    if (able == 0) {
        search->problem = arena_printf(search->arena, "service %s: no connected agent has a usable plugin %s%s%s%s", service->name,
                                       service->plugin, rule && *rule->name ? " and is named " : "", rule && *rule->name ? rule->name : "",
                                       rule && rule->n_labels ? " and has the labels asked for" : "");
    } else if (with_room == 0) {
        search->problem =
            arena_printf(search->arena, "service %s: all %zu agents that could take it are full, or short of disk", service->name, able);
    } else {
        search->problem = arena_printf(search->arena, "service %s: no host left that is %s the services it names", service->name,
                                       rule && rule->n_with ? "with or apart from" : "apart from");
    }
}

static bool place_from(struct search *search, size_t depth);

static bool place_here(struct search *search, size_t depth, struct candidate *candidate)
{
    bool exclusive = is_exclusive(search->plan->services[depth]);
    search->chosen[depth] = candidate->agent;
    candidate->here++;
    candidate->exclusive_here += exclusive;
    if (place_from(search, depth + 1)) {
        return true;
    }
    candidate->here--;
    candidate->exclusive_here -= exclusive;
    search->chosen[depth] = NULL;
    return false;
}

static bool place_from(struct search *search, size_t depth)
{
    if (depth == search->plan->n_services) {
        return true;
    }
    const Pb__ServicePlan *service = search->plan->services[depth];
    size_t able = 0, with_room = 0;
    // Hosts that this cell uses least come first, so that a trial spreads over the lab.
    for (size_t load = 0; load <= depth && search->steps < SEARCH_STEPS_MAX; load++) {
        for (size_t i = 0; i < search->candidate_count; i++) {
            struct candidate *candidate = &search->candidates[i];
            if (candidate->here != load || !fits_alone(search, candidate->agent, service)) {
                continue;
            }
            able++;
            if (!has_room(candidate, service)) {
                continue;
            }
            with_room++;
            if (!fits_neighbours(search, candidate->agent, depth) || ++search->steps > SEARCH_STEPS_MAX) {
                continue;
            }
            if (place_here(search, depth, candidate)) {
                return true;
            }
        }
    }
    note_problem(search, depth, able, with_room);
    return false;
}

// Insertion sort by use: labs are small, and the order must be the same for equals.
static void gather_candidates(struct search *search)
{
    const struct core *core = search->core;
    search->candidates = ARENA_ARRAY(search->arena, struct candidate, map_count(core->agents) + 1);
    for (struct map_entry *entry = map_first(core->agents); entry; entry = map_next(core->agents, entry)) {
        struct agent_live *agent = entry->value;
        if (!agent->route || !agent->reconciled || !agent_live_is_fresh(core, agent)) {
            continue;
        }
        const struct candidate candidate = {.agent = agent, .identity = map_get_text(core->durable->agents, agent->name)};
        size_t used = map_count(candidate.identity->placed), at = search->candidate_count++;
        for (; at > 0; at--) {
            const struct candidate *before = &search->candidates[at - 1];
            size_t before_used = map_count(before->identity->placed);
            if (before_used < used || (before_used == used && strcmp(before->agent->name, agent->name) < 0)) {
                break;
            }
            search->candidates[at] = *before;
        }
        search->candidates[at] = candidate;
    }
}

void placement_find(struct core *core, const Pb__CellPlan *plan, struct arena *arena, struct placement *placement)
{
    struct search search = {.core = core, .plan = plan, .arena = arena};
    search.chosen = ARENA_ARRAY(arena, struct agent_live *, plan->n_services + 1);
    gather_candidates(&search);
    *placement = (struct placement){0};
    if (place_from(&search, 0)) {
        placement->agents = search.chosen;
        return;
    }
    placement->problem = search.candidate_count ? search.problem : "no agent is connected";
    placement->hopeless = search.candidate_count == 0 || search.hopeless;
}

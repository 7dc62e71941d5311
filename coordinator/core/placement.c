// Which agents take the services of a cell: labels, names, plugins, slots, exclusive hosts, apart_from, with. A small backtracking
// search that prefers the least used host; pure, so that the same lab and the same cell give the same placement.
#include <stdio.h>
#include <string.h>

#include "common/base/message.h"
#include "common/schema/conditions.h"
#include "common/schema/environments.h"
#include "common/schema/version.h"
#include "coordinator/core/state.h"
#include "coordinator/experiment/network.h"

// Hosts that one search looks at: 64 services that are each on another of 5,000 hosts need 320,000; endless searches end within some
// 50 ms. Beyond, the cell waits.
#define SEARCH_LOOKS_MAX 1000000
#define LACKS_NAMED_MAX 3 // hosts in one error: who has more of them reads what the first ones lack

struct search {
    struct core *core;
    const Pb__CellPlan *plan;
    struct arena *arena;
    struct agent_live **chosen; // per service
    size_t looks;
    const char *problem; // of the deepest service that found none
    size_t problem_depth;
    bool hopeless;
    bool is_stuck; // a service finds no room wherever the others go
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

bool placement_has(const struct agent_live *agent, uint64_t cpus, uint64_t memory_bytes)
{
    const Pb__HostFacts *facts = agent->hello->facts;
    return cpus <= (facts ? facts->cpus : 0) && memory_bytes <= (facts ? facts->memory_bytes : 0);
}

// Fits whatever else runs there and wherever the other services go.
bool placement_fits(const struct core *core, const struct agent_live *agent, const Pb__ServicePlan *service)
{
    struct presence *presence = presences_find(agent, service->plugin);
    const Pb__HostRule *rule = service->host;
    if (!presence || !presence->is->usable || !presence_description(core, presence) ||
        !version_fits(presence->is->implementation_version, service->version)) {
        return false;
    }
    return !rule || (placement_has(agent, rule->cpus, rule->memory_bytes) && (!*rule->name || strcmp(rule->name, agent->name) == 0) &&
                     has_labels(agent, rule) && !named_in(rule->not_names, rule->n_not_names, agent->name));
}

static bool is_exclusive(const Pb__ServicePlan *service)
{
    return service->host && service->host->exclusive;
}

// Services of this cell that the search has put there.
struct here {
    size_t count, exclusive;
    uint64_t cpus, memory_bytes;
};

static struct here placed_here(const struct search *search, const struct agent_live *agent, size_t depth)
{
    struct here here = {0};
    for (size_t i = 0; i < depth; i++) {
        if (search->chosen[i] == agent) {
            here.count++;
            const Pb__HostRule *rule = search->plan->services[i]->host;
            here.exclusive += is_exclusive(search->plan->services[i]);
            here.cpus += rule ? rule->cpus : 0;
            here.memory_bytes += rule ? rule->memory_bytes : 0;
        }
    }
    return here;
}

static bool has_room(const struct search *search, const struct agent_live *agent, const struct here *here, const Pb__ServicePlan *service)
{
    const struct agent_identity *identity = sessions_identity(search->core, agent);
    bool wants_alone = here->exclusive || is_exclusive(service);
    const Pb__HostRule *rule = service->host;
    if (rule && (rule->cpus || rule->memory_bytes) &&
        !placement_has(agent, identity->cpus + here->cpus + rule->cpus, identity->memory_bytes + here->memory_bytes + rule->memory_bytes)) {
        return false;
    }
    return !identity->is_drained && !agent->disk_is_short && agent->filed_under + here->count < agent->hello->slots &&
           identity->exclusive == 0 && !(wants_alone && agent->filed_under > 0);
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

struct found {
    size_t able, with_room;
    const char *lacks; // of hosts that could take it, but for its environments
    size_t lacking;
    bool any_room; // counting only what others have placed
};

static void note_problem(struct search *search, size_t depth, const struct found *found)
{
    if (search->problem && depth < search->problem_depth) {
        return;
    }
    const Pb__ServicePlan *service = search->plan->services[depth];
    const Pb__HostRule *rule = service->host;
    const size_t able = found->able, with_room = found->with_room;
    search->problem_depth = depth;
    search->hopeless = able == 0;
    if (able == 0 && found->lacks) {
        search->problem = arena_printf(search->arena, "service %s: no host can start it so: %s", service->name, found->lacks);
    } else if (able == 0) {
        search->problem = placement_nobody(search->core, service, search->arena);
    } else if (with_room == 0) {
        search->problem = placement_full(search->core, service, search->arena);
    } else {
        search->problem = arena_printf(search->arena, "service %s: no host left that is %s the services it names", service->name,
                                       rule && rule->n_with ? "with or apart from" : "apart from");
    }
}

static bool place_from(struct search *search, size_t depth);

static bool place_here(struct search *search, size_t depth, struct agent_live *agent)
{
    search->chosen[depth] = agent;
    if (place_from(search, depth + 1)) {
        return true;
    }
    search->chosen[depth] = NULL;
    return false;
}

static bool goes_on(const struct search *search)
{
    return search->looks < SEARCH_LOOKS_MAX && !search->is_stuck;
}

static bool drives(const Pb__ServicePlan *tester, const char *service)
{
    for (size_t i = 0; tester->is_tester && i < tester->n_drives; i++) {
        if (named_in(tester->drives[i]->services, tester->drives[i]->n_services, service)) {
            return true;
        }
    }
    return false;
}

static bool has_needs(struct search *search, const char *plugin)
{
    const struct roster *roster = search->core->roster;
    const Pb__PluginDescription *description = NULL;
    for (size_t i = 0; i < roster_count(roster) && !description; i++) {
        struct presence *presence = presences_find(roster_at(roster, i), plugin);
        description = presence ? presence_description(search->core, presence) : NULL;
        search->looks++;
    }
    for (size_t i = 0; description && i < description->n_cases; i++) {
        if (description->cases[i]->n_needs > 0) {
            return true;
        }
    }
    return false;
}

// Which cases a server is asked follows from what its host says that it can. Before it has said so none would be, and the trial pass.
static bool is_awaited(struct search *search, const struct agent_live *agent, const Pb__ServicePlan *service)
{
    const struct presence *presence = presences_find(agent, service->plugin);
    for (size_t i = 0; presence && presence->is->unprobed && i < search->plan->n_services; i++) {
        const Pb__ServicePlan *other = search->plan->services[i];
        if (drives(other, service->name) && has_needs(search, other->plugin)) {
            return true;
        }
    }
    return false;
}

// Of a lab, "network.server" makes what the server sends.
static bool needs_netem(const Pb__CellPlan *plan, const Pb__ServicePlan *network)
{
    const char *dot = strchr(network->name, '.');
    struct conditions conditions;
    for (size_t i = 0; dot && i < plan->n_services; i++) {
        const Pb__ServicePlan *other = plan->services[i];
        conditions = (struct conditions){0};
        if (!other->is_network && strcmp(other->name, dot + 1) != 0 &&
            conditions_between((const Pb__LinkRule *const *)plan->network->links, plan->network->n_links, dot + 1, other->name, &conditions,
                               NULL) == 0 &&
            conditions_need_netem(&conditions)) {
            return true;
        }
    }
    return false;
}

static const char *lacks_network(const struct search *search, const Pb__Hello *hello, const Pb__ServicePlan *network)
{
    const char *type = strcmp(network->plugin, NETWORK_EMULATED) == 0 ? ENVIRONMENT_EMULATED
                       : needs_netem(search->plan, network)           ? ENVIRONMENT_NETEM
                                                                      : NULL;
    return type ? environments_refused(type, hello->environments, hello->n_environments) : NULL;
}

// NULL: its programs can be started there under all that the experiment wants, and a network be made there.
static const char *lacks_environments(const struct search *search, const struct agent_live *agent, const Pb__ServicePlan *service)
{
    const Pb__Hello *hello = agent->hello;
    Pb__ExecutionEnvironment **environments;
    size_t count = environments_of(search->plan, service, &environments, search->arena);
    const char *lacks = service->is_network ? lacks_network(search, hello, service)
                        : count ? environments_unusable(environments, count, hello->environments, hello->n_environments, search->arena)
                                : NULL;
    return lacks ? arena_printf(search->arena, "%s: %s", agent->name, lacks) : NULL;
}

static void note_lack(const struct search *search, struct found *found, const char *lack)
{
    if (found->lacking == 0) {
        found->lacks = lack;
    } else if (found->lacking < LACKS_NAMED_MAX) {
        found->lacks = arena_printf(search->arena, "%s; %s", found->lacks, lack);
    } else if (found->lacking == LACKS_NAMED_MAX) {
        found->lacks = arena_printf(search->arena, "%s; ...", found->lacks);
    }
    found->lacking++;
}

// Among the hosts that this cell uses `load` times.
static bool place_among(struct search *search, size_t depth, size_t load, struct found *found)
{
    const Pb__ServicePlan *service = search->plan->services[depth];
    const struct roster *roster = search->core->roster;
    for (size_t i = 0; i < roster_count(roster) && goes_on(search); i++) {
        struct agent_live *agent = roster_at(roster, i);
        search->looks++;
        const struct here here = placed_here(search, agent, depth);
        if (here.count != load || !agent_live_is_fresh(search->core, agent) || !placement_fits(search->core, agent, service)) {
            continue;
        }
        const char *lacks = lacks_environments(search, agent, service);
        if (lacks) {
            note_lack(search, found, lacks);
            continue;
        }
        if (is_awaited(search, agent, service)) {
            continue;
        }
        found->able++;
        found->any_room |= has_room(search, agent, &(struct here){0}, service);
        if (!has_room(search, agent, &here, service)) {
            continue;
        }
        found->with_room++;
        if (fits_neighbours(search, agent, depth) && place_here(search, depth, agent)) {
            return true;
        }
    }
    return false;
}

static bool place_from(struct search *search, size_t depth)
{
    if (depth == search->plan->n_services) {
        return true;
    }
    struct found found = {0};
    // Hosts that this cell uses least come first, so that a trial spreads over the lab.
    for (size_t load = 0; load <= depth && goes_on(search); load++) {
        if (place_among(search, depth, load, &found)) {
            return true;
        }
    }
    if (search->looks >= SEARCH_LOOKS_MAX) {
        search->problem = "its services fit together on no hosts that were found in reasonable time";
        search->hopeless = false;
    } else {
        note_problem(search, depth, &found);
        search->is_stuck |= !found.any_room;
    }
    return false;
}

// What the roster has to have for a cell: cells that differ only in their options want the same.
static bool wants_the_same(const Pb__CellPlan *plan, const Pb__CellPlan *other)
{
    bool same = plan->n_services == other->n_services && plan->n_environments == other->n_environments;
    for (size_t i = 0; same && i < plan->n_environments; i++) {
        same = message_equal(plan->environments[i], other->environments[i]);
    }
    for (size_t i = 0; same && i < plan->n_services; i++) {
        const Pb__ServicePlan *mine = plan->services[i], *theirs = other->services[i];
        same = strcmp(mine->name, theirs->name) == 0 && strcmp(mine->plugin, theirs->plugin) == 0 &&
               strcmp(mine->version, theirs->version) == 0 && !mine->host == !theirs->host &&
               (!mine->host || message_equal(mine->host, theirs->host)) &&
               (!mine->is_network || needs_netem(plan, mine) == needs_netem(other, theirs));
    }
    return same;
}

void placement_find(struct core *core, const Pb__CellPlan *plan, struct arena *arena, struct placement *placement)
{
    struct search search = {.core = core, .plan = plan, .arena = arena};
    search.chosen = ARENA_ARRAY(arena, struct agent_live *, plan->n_services + 1);
    *placement = (struct placement){0};
    if (place_from(&search, 0)) {
        placement->agents = search.chosen;
        return;
    }
    bool is_empty = roster_count(core->roster) == 0;
    const char *together = is_empty ? NULL : placement_together(core, plan, arena);
    placement->problem = is_empty ? "no agent is connected" : together ? together : search.problem;
    placement->hopeless = is_empty || together || search.hopeless;
}

void placement_find_next(struct core *core, const Pb__CellPlan *plan, struct arena *arena, struct placement_failed *failed,
                         struct placement *placement)
{
    if (failed->plan && wants_the_same(plan, failed->plan)) {
        *placement = failed->placement;
        return;
    }
    placement_find(core, plan, arena, placement);
    if (placement->problem) {
        *failed = (struct placement_failed){plan, *placement};
    }
}

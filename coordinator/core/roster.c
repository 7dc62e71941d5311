// Agents that are reconciled, sorted: the least used first, equals by name. Kept in order as instances come and go, because with 5,000
// agents and as many trials nobody can sort them for each cell.
#include <string.h>

#include "coordinator/core/state.h"

struct roster {
    struct agent_live **items;
    size_t count, capacity;
    size_t free_slots;
};

struct roster *roster_new(void)
{
    return NEW(struct roster);
}

void roster_free(struct roster **roster)
{
    if (*roster) {
        free((*roster)->items);
        free(*roster);
        *roster = NULL;
    }
}

size_t roster_count(const struct roster *roster)
{
    return roster->count;
}

struct agent_live *roster_at(const struct roster *roster, size_t index)
{
    return roster->items[index];
}

bool roster_has_free_slot(const struct roster *roster)
{
    return roster->free_slots > 0;
}

static size_t free_slots(const struct agent_live *agent)
{
    return agent->hello->slots > agent->filed_under ? agent->hello->slots - agent->filed_under : 0;
}

static bool comes_before(const struct agent_live *agent, const struct agent_live *other)
{
    return agent->filed_under != other->filed_under ? agent->filed_under < other->filed_under : strcmp(agent->name, other->name) < 0;
}

// Where it stands, or is to stand.
static size_t place_of(const struct roster *roster, const struct agent_live *agent)
{
    size_t low = 0, high = roster->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (comes_before(roster->items[middle], agent)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void file_in(struct roster *roster, struct agent_live *agent)
{
    size_t at = place_of(roster, agent);
    APPEND(roster->items, roster->count, roster->capacity) = NULL;
    memmove(roster->items + at + 1, roster->items + at, (roster->count - 1 - at) * sizeof(struct agent_live *));
    roster->items[at] = agent;
    roster->free_slots += free_slots(agent);
}

static void take_out(struct roster *roster, const struct agent_live *agent)
{
    size_t at = place_of(roster, agent);
    INVARIANT(at < roster->count && roster->items[at] == agent);
    roster->count--;
    memmove(roster->items + at, roster->items + at + 1, (roster->count - at) * sizeof(struct agent_live *));
    roster->free_slots -= free_slots(agent);
}

static size_t placed_on(const struct core *core, const struct agent_live *agent)
{
    return map_count(sessions_identity(core, agent)->placed);
}

void roster_enter(struct core *core, struct agent_live *agent)
{
    INVARIANT(!agent->on_roster);
    agent->on_roster = true;
    agent->filed_under = placed_on(core, agent);
    file_in(core->roster, agent);
}

void roster_leave(struct core *core, struct agent_live *agent)
{
    if (agent->on_roster) {
        take_out(core->roster, agent);
        agent->on_roster = false;
    }
}

void roster_refile(struct core *core, const char *name)
{
    struct agent_live *agent = sessions_agent(core, name);
    if (!agent || !agent->on_roster || agent->filed_under == placed_on(core, agent)) {
        return;
    }
    take_out(core->roster, agent);
    agent->filed_under = placed_on(core, agent);
    file_in(core->roster, agent);
}

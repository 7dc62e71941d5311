// Blocks of ports: each living instance has one that is its alone. Blocks are given out in turn, so that one rests before it is
// used again (connections in TIME_WAIT, late datagrams).
#include "agent/core/state.h"

static bool block_is_free(const struct agent_core *core, uint32_t first)
{
    for (struct map_entry *e = map_first(core->instances); e; e = map_next(core->instances, e)) {
        const struct instance *instance = e->value;
        if (!agent_instance_lives(instance))
            continue;
        uint32_t taken = instance->spec->port_first, count = instance->spec->port_count;
        if (taken < first + PORTS_PER_INSTANCE && first < taken + count)
            return false;
    }
    return true;
}

static bool take_wished(const struct agent_core *core, uint32_t wished, uint32_t *first)
{
    uint32_t blocks = core->port_count / PORTS_PER_INSTANCE;
    if (wished < core->port_first || wished >= core->port_first + blocks * PORTS_PER_INSTANCE)
        return false;
    *first = wished - (wished - core->port_first) % PORTS_PER_INSTANCE;
    return block_is_free(core, *first);
}

// The next generation of a service is where its peers look for it.
bool agent_ports_take(struct agent_core *core, uint32_t wished, uint32_t *first, uint32_t *count)
{
    uint32_t blocks = core->port_count / PORTS_PER_INSTANCE;
    *count = PORTS_PER_INSTANCE;
    if (take_wished(core, wished, first))
        return true;
    for (uint32_t i = 0; i < blocks; i++) {
        uint32_t block = (core->next_block + i) % blocks;
        uint32_t candidate = core->port_first + block * PORTS_PER_INSTANCE;
        if (!block_is_free(core, candidate))
            continue;
        core->next_block = (block + 1) % blocks;
        *first = candidate;
        return true;
    }
    return false;
}

#include "agent/guard/host_state.h"

#include "common/system/host.h"

Pb__HostState *host_state(const char *address, struct arena *arena)
{
    struct host_facts facts;
    struct host_settings settings;
    host_facts_read(&facts);
    host_settings_read(address, &settings);
    Pb__HostState *state = ARENA_NEW(arena, Pb__HostState);
    pb__host_state__init(state);
    state->kernel = arena_string(arena, facts.kernel);
    state->architecture = arena_string(arena, facts.architecture);
    state->distribution = arena_string(arena, facts.distribution);
    state->cpus = facts.cpus;
    state->memory_bytes = facts.memory_bytes;
    state->governor = arena_string(arena, settings.governor);
    state->clock_source = arena_string(arena, settings.clock_source);
    state->clock_is_synchronised = settings.clock_is_synchronised;
    state->clock_error_us = settings.clock_error_us;
    state->interface = arena_string(arena, settings.interface);
    state->offloads = arena_string(arena, settings.offloads);
    return state;
}

// Cases with setups: such a case is told to its tester only when what it drives truly is as it wants. See oracle.h.
#include <string.h>

#include "tests/simulation/oracle_inside.h"
#include "tests/simulation/plugins.h"

#define PREPARED "a case is run on what it wants"

// Of one generation of a driven service: the last case that was run on it.
static uint32_t *last_case(struct oracle *oracle, const char *kind, const Pb__Peer *peer)
{
    const char *key = arena_printf(oracle->world->scratch, "%s %llu.%u", kind, (unsigned long long)peer->instance, peer->generation);
    uint32_t *number = map_get_text(oracle->contents, key);
    if (!number) {
        number = ARENA_NEW(oracle->arena, uint32_t);
        map_put_text(oracle->contents, key, number);
    }
    return number;
}

static const char *problem_of_network(const Pb__RunCase *run_case, const struct guard *network)
{
    bool is_slow = strcmp(run_case->name, CASE_SLOW) == 0;
    if (is_slow && (!network->case_delay || strcmp(network->case_delay, "20ms") != 0))
        return "the network has not its conditions";
    return !is_slow && network->case_delay ? "the network has the conditions of another case" : NULL;
}

// A case that comes again in a new session is the same one.
static bool is_used(struct oracle *oracle, const char *kind, const Pb__Peer *peer, uint32_t number)
{
    uint32_t *last = last_case(oracle, kind, peer);
    bool is_other = *last != 0 && *last != number;
    *last = number;
    return is_other;
}

static const char *problem_of_peer(struct oracle *oracle, const Pb__Command *command, const Pb__CasePeer *peer)
{
    const Pb__RunCase *run_case = command->run_case;
    const struct guard *guard = oracle_life(oracle, peer->peer->instance, peer->peer->generation)->guard;
    if (!guard || !guard->has_started)
        return "it has not started";
    if (strcmp(peer->drive, "network") == 0)
        return problem_of_network(run_case, guard);
    bool is_used_before = is_used(oracle, "driven", peer->peer, command->number);
    if (strcmp(peer->drive, "server") == 0) {
        bool is_retry = strcmp(run_case->name, CASE_RETRY) == 0;
        if (is_retry && strcmp(guard->profile, CASE_RETRY) != 0)
            return "it has another profile";
        return strcmp(run_case->name, CASE_FRESH) == 0 && is_used_before ? "it is not fresh" : NULL;
    }
    if (strcmp(run_case->name, CASE_CALL) != 0)
        return NULL;
    return !peer->executed || guard->executions > 1 ? "it was not executed once" : is_used_before ? "it is not fresh" : NULL;
}

void oracle_case_is_told(struct oracle *oracle, const Pb__Command *command)
{
    const Pb__RunCase *run_case = command->run_case;
    struct world *world = oracle->world;
    bool nobody_can_know = oracle->was_restored || world->has_injected || oracle->any_wiped;
    if (run_case->n_peers)
        world_saw(world, RARITY_CASE_PREPARED);
    for (size_t i = 0; i < run_case->n_peers && !nobody_can_know; i++) {
        const char *problem = problem_of_peer(oracle, command, run_case->peers[i]);
        if (problem)
            world_fail(world, PREPARED, "case %s (command %u of %llu.%u) drives %llu.%u: %s", run_case->name, command->number,
                       (unsigned long long)command->instance, command->generation, (unsigned long long)run_case->peers[i]->peer->instance,
                       run_case->peers[i]->peer->generation, problem);
    }
}

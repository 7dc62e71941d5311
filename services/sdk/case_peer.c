#include "services/sdk/case_peer.h"

#include <string.h>

#include "services/sdk/handle.h"
#include "services/sdk/peer.h"

static const struct panther_case_peer *case_peer_of(const Pb__CasePeer *wire, struct arena *arena)
{
    struct panther_case_peer *peer = ARENA_NEW(arena, struct panther_case_peer);
    peer->peer = peer_of(wire->peer, arena);
    peer->generation = wire->peer->generation;
    peer->profile = arena_string(arena, wire->profile);
    peer->folder = wire->peer->folder[0] != '\0' ? arena_string(arena, wire->peer->folder) : NULL;
    peer->executed = wire->executed;
    peer->verdict = wire->outcome != NULL ? (enum panther_verdict)wire->outcome->verdict : PANTHER_NONE;
    peer->reason = wire->outcome != NULL ? (enum panther_reason)wire->outcome->reason : PANTHER_REASON_NONE;
    peer->text = arena_string(arena, wire->outcome != NULL ? wire->outcome->text : "");
    peer->began_ns = wire->began_ns;
    peer->ended_ns = wire->ended_ns;
    return peer;
}

void handle_case(struct panther_service *service, const Pb__RunCase *run_case)
{
    service->run_case = run_case;
    if (run_case == NULL) {
        return;
    }
    struct arena *arena = service->case_arena;
    service->case_peers = ARENA_ARRAY(arena, const struct panther_case_peer *, run_case->n_peers + 1);
    for (size_t i = 0; i < run_case->n_peers; i++) {
        service->case_peers[i] = case_peer_of(run_case->peers[i], arena);
    }
}

const struct panther_case_peer *panther_case_peer(const struct panther_service *service, const char *drive)
{
    const Pb__RunCase *run_case = service->run_case;
    for (size_t i = 0; run_case != NULL && i < run_case->n_peers; i++) {
        if (strcmp(run_case->peers[i]->drive, drive) == 0) {
            return service->case_peers[i];
        }
    }
    return NULL;
}

const struct panther_peer *case_peer_now(const struct panther_service *service, const struct panther_peer *peer)
{
    const Pb__RunCase *run_case = service->run_case;
    for (size_t i = 0; run_case != NULL && i < run_case->n_peers; i++) {
        if (strcmp(service->case_peers[i]->peer->service, peer->service) == 0) {
            return service->case_peers[i]->peer;
        }
    }
    return peer;
}

const char *panther_case_condition(const struct panther_service *service, const char *key)
{
    const Pb__RunCase *run_case = service->run_case;
    for (size_t i = 0; run_case != NULL && i < run_case->n_conditions; i++) {
        const Pb__Setting *setting = run_case->conditions[i];
        if (strcmp(setting->name, key) == 0) {
            return setting->n_values > 0 ? setting->values[0] : "";
        }
    }
    return NULL;
}

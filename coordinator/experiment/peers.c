// Run-time references: endpoints of services, from those that have answered initialize.
#include <string.h>

#include "coordinator/experiment/experiment.h"
#include "coordinator/experiment/reference.h"

struct resolution {
    const Pb__Peer *const *peers;
    size_t count;
    struct arena *arena;
    const char *reason; // of the first reference that has no value
};

static const Pb__Peer *find_peer(const struct resolution *resolution, const char *service)
{
    for (size_t i = 0; i < resolution->count; i++)
        if (strcmp(resolution->peers[i]->service, service) == 0)
            return resolution->peers[i];
    return NULL;
}

// The first endpoint, or the one of this name.
static const Pb__Endpoint *find_endpoint(const Pb__Peer *peer, const char *name)
{
    for (size_t i = 0; i < peer->n_endpoints; i++)
        if (!name || strcmp(peer->endpoints[i]->name, name) == 0)
            return peer->endpoints[i];
    return NULL;
}

static const char *endpoint_part(const Pb__Endpoint *endpoint, const char *part, struct arena *arena)
{
    bool is_v6 = strchr(endpoint->address, ':') != NULL;
    if (strcmp(part, "address") == 0)
        return endpoint->address;
    if (strcmp(part, "port") == 0)
        return arena_printf(arena, "%u", endpoint->port);
    return arena_printf(arena, is_v6 ? "[%s]:%u" : "%s:%u", endpoint->address, endpoint->port);
}

static bool is_runtime(const struct reference *reference)
{
    return (reference->parts == 2 || reference->parts == 3) && !reference_is(reference, "file", 2) && !reference_is(reference, "axes", 2);
}

static const char *no_value(struct resolution *resolution, const struct reference *reference, const char *why, const char *of)
{
    if (!resolution->reason)
        resolution->reason = arena_printf(resolution->arena, "\"%.*s\" has no value: the service \"%s\" %s%s%s",
                                          (int)(reference->length < 120 ? reference->length : 120), reference->start, reference->part[0],
                                          why, of ? " " : "", of ? of : "");
    return NULL;
}

static const char *value_of(const struct reference *reference, void *context)
{
    struct resolution *resolution = context;
    const char *last = reference->part[reference->parts > 2 ? 2 : 1], *name = reference->parts == 3 ? reference->part[1] : NULL;
    if (!is_runtime(reference))
        return NULL;
    const Pb__Peer *peer = find_peer(resolution, reference->part[0]);
    if (!peer)
        return no_value(resolution, reference, "has not answered initialize", NULL);
    if (strcmp(last, "host") == 0)
        return peer->host;
    const Pb__Endpoint *endpoint = find_endpoint(peer, name);
    if (!endpoint)
        return no_value(resolution, reference, name ? "has no port" : "has no port at all", name);
    return endpoint_part(endpoint, last, resolution->arena);
}

char *experiment_resolve_text(const char *text, const Pb__Peer *const *peers, size_t peer_count, struct arena *arena, const char **reason)
{
    struct resolution resolution = {.peers = peers, .count = peer_count, .arena = arena};
    char *resolved = reference_put_in(text, value_of, &resolution, true, arena);
    if (!resolution.reason)
        return resolved;
    *reason = resolution.reason;
    return NULL;
}

#include "services/sdk/peer.h"

#include <arpa/inet.h>
#include <string.h>

#include "services/sdk/case_peer.h"
#include "services/sdk/handle.h"

static_assert(PANTHER_TCP == (int)PB__TRANSPORT__TRANSPORT_TCP && PANTHER_UDP == (int)PB__TRANSPORT__TRANSPORT_UDP &&
                  (PANTHER_TCP | PANTHER_UDP) == (int)PB__TRANSPORT__TRANSPORT_TCP_UDP,
              "transports are the wire's numbers");

static const struct panther_endpoint *endpoint_of(const Pb__Endpoint *wire, struct arena *arena)
{
    struct panther_endpoint *endpoint = ARENA_NEW(arena, struct panther_endpoint);
    endpoint->name = arena_string(arena, wire->name);
    endpoint->address = arena_string(arena, wire->address);
    endpoint->port = (uint16_t)wire->port;
    endpoint->transports = (uint16_t)wire->transport;
    return endpoint;
}

struct panther_peer *peer_of(const Pb__Peer *wire, struct arena *arena)
{
    struct panther_peer *peer = ARENA_NEW(arena, struct panther_peer);
    const struct panther_endpoint **endpoints = ARENA_ARRAY(arena, const struct panther_endpoint *, wire->n_endpoints + 1);
    for (size_t i = 0; i < wire->n_endpoints; i++) {
        endpoints[i] = endpoint_of(wire->endpoints[i], arena);
    }
    peer->service = arena_string(arena, wire->service);
    peer->plugin = arena_string(arena, wire->plugin);
    peer->role = arena_string(arena, wire->role);
    peer->host = arena_string(arena, wire->host);
    peer->endpoint_count = wire->n_endpoints;
    peer->endpoints = endpoints;
    return peer;
}

struct panther_peer **peer_list(const Pb__Initialize *initialize, struct arena *arena, size_t *count)
{
    struct panther_peer **peers = ARENA_ARRAY(arena, struct panther_peer *, initialize->n_peers + 1);
    for (size_t i = 0; i < initialize->n_peers; i++) {
        peers[i] = peer_of(initialize->peers[i], arena);
    }
    *count = initialize->n_peers;
    return peers;
}

const struct panther_peer *panther_peer(const struct panther_service *service, size_t index)
{
    return index < service->peer_count ? case_peer_now(service, service->peers[index]) : NULL;
}

const struct panther_peer *panther_peer_named(const struct panther_service *service, const char *service_name)
{
    for (size_t i = 0; i < service->peer_count; i++) {
        if (strcmp(service->peers[i]->service, service_name) == 0) {
            return case_peer_now(service, service->peers[i]);
        }
    }
    return NULL;
}

const struct panther_peer *panther_driven(const struct panther_service *service, const char *drive, size_t index)
{
    const Pb__Initialize *initialize = service->spec->initialize;
    for (size_t i = 0; i < initialize->n_drives; i++) {
        const Pb__Drive *candidate = initialize->drives[i];
        if (strcmp(candidate->name, drive) == 0) {
            return index < candidate->n_services ? panther_peer_named(service, candidate->services[index]) : NULL;
        }
    }
    return NULL;
}

const struct panther_endpoint *panther_endpoint(const struct panther_peer *peer, const char *name, unsigned transports)
{
    for (size_t i = 0; peer != NULL && i < peer->endpoint_count; i++) {
        const struct panther_endpoint *endpoint = peer->endpoints[i];
        if ((name == NULL || strcmp(endpoint->name, name) == 0) && (endpoint->transports & transports) == transports) {
            return endpoint;
        }
    }
    return NULL;
}

const char *panther_endpoint_text(struct panther_service *service, const struct panther_endpoint *endpoint)
{
    const bool is_v6 = strchr(endpoint->address, ':') != NULL;
    return panther_format(service, is_v6 ? "[%s]:%u" : "%s:%u", endpoint->address, (unsigned)endpoint->port);
}

static bool address_number(const char *address, uint32_t *number)
{
    struct in_addr v4;
    if (inet_pton(AF_INET, address, &v4) != 1) {
        return false;
    }
    *number = ntohl(v4.s_addr);
    return true;
}

const char *panther_address_hex(struct panther_service *service, const char *address)
{
    uint32_t number = 0;
    return address_number(address, &number) ? panther_format(service, "0x%08x", number) : NULL;
}

const char *panther_address_decimal(struct panther_service *service, const char *address)
{
    uint32_t number = 0;
    return address_number(address, &number) ? panther_format(service, "%u", number) : NULL;
}

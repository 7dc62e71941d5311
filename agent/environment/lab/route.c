// See lab.h. The kernel is asked for each peer: an interface is never guessed from names or masks.
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "agent/environment/lab/lab.h"

static int route_to(const struct lab_network *network, const struct lab_peer *peer, char device[LAB_DEVICE_BYTES],
                    struct panther_error *error)
{
    const char *argv[] = {"ip", "-json", "route", "get", peer->address, "from", network->address, NULL};
    struct text output = {0};
    int problem = lab_command(argv, NULL, &output, error);
    json_t *routes = problem < 0 ? NULL : json_loads(text_string(&output), 0, NULL);
    const char *name = json_string_value(json_object_get(json_array_get(routes, 0), "dev"));
    if (problem == 0 && (!name || strlen(name) >= LAB_DEVICE_BYTES))
        problem =
            error_set(error, PANTHER_EUNAVAILABLE, "no interface leads from %s to %s (%s)", network->address, peer->service, peer->address);
    else if (problem == 0)
        snprintf(device, LAB_DEVICE_BYTES, "%s", name);
    json_decref(routes);
    text_free(&output);
    return problem;
}

// Of the own host only what leaves it counts: services beside this one are reached by `lo`, whatever their address.
static bool is_here(const struct lab_network *network, const struct lab_peer *peer)
{
    return strcmp(peer->address, network->address) == 0;
}

int lab_route(const struct lab_network *network, char device[LAB_DEVICE_BYTES], struct panther_error *error)
{
    *device = '\0';
    for (size_t i = 0; i < network->peer_count; i++) {
        char other[LAB_DEVICE_BYTES];
        if (is_here(network, &network->peers[i]))
            continue;
        int problem = route_to(network, &network->peers[i], other, error);
        if (problem < 0)
            return problem;
        if (*device && strcmp(device, other) != 0)
            return error_set(error, PANTHER_EINVALID, "the services are behind several interfaces (%s, %s): a lab has one", device, other);
        memcpy(device, other, LAB_DEVICE_BYTES);
    }
    return *device ? 0 : error_set(error, PANTHER_EUNAVAILABLE, "all services are on this host: there is no wire between them");
}

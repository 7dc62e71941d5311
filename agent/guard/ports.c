// See ports.h. Free = a bind without SO_REUSEADDR works, and the kernel's tables show no socket there: the first misses nothing
// that is bound exclusively, the second sees those that share.
#include "agent/guard/ports.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "common/system/net_tables.h"

#define PORT_MAX 65535

struct ports {
    char *address;
    uint32_t first, count;
    bool *given; // of the block
};

union any_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

struct ports *ports_new(const char *address, uint32_t first, uint32_t count)
{
    struct ports *ports = NEW(struct ports);
    *ports = (struct ports){.address = memory_string(address), .first = first, .count = count};
    ports->given = memory_new(count + 1);
    return ports;
}

void ports_free(struct ports **ports)
{
    if (!*ports)
        return;
    free((*ports)->address);
    free((*ports)->given);
    free(*ports);
    *ports = NULL;
}

static socklen_t fill_address(const char *text, uint16_t port, union any_address *address)
{
    memset(address, 0, sizeof *address);
    if (inet_pton(AF_INET6, text, &address->v6.sin6_addr) == 1) {
        address->v6.sin6_family = AF_INET6;
        address->v6.sin6_port = htons(port);
        return sizeof address->v6;
    }
    address->v4.sin_family = AF_INET;
    address->v4.sin_port = htons(port);
    if (*text && inet_pton(AF_INET, text, &address->v4.sin_addr) != 1)
        return 0;
    return sizeof address->v4;
}

static bool can_bind(const char *text, int type, uint16_t port, bool reuse)
{
    union any_address address;
    socklen_t bytes = fill_address(text, port, &address);
    int fd = bytes ? socket(address.any.sa_family, type | SOCK_CLOEXEC, 0) : -1;
    if (fd < 0)
        return false;
    int on = 1;
    bool bound = (!reuse || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0) && bind(fd, &address.any, bytes) == 0;
    close(fd);
    return bound;
}

// reuse: connections of a former instance in TIME_WAIT are no reason against it (servers bind with SO_REUSEADDR for this).
static bool is_free(const struct ports *ports, Pb__Transport transport, uint16_t port, bool reuse)
{
    bool tcp = transport != PB__TRANSPORT__TRANSPORT_UDP, udp = transport != PB__TRANSPORT__TRANSPORT_TCP;
    if (tcp && (!can_bind(ports->address, SOCK_STREAM, port, reuse) || net_port_is_bound(NET_TCP, ports->address, port, NULL) != 0))
        return false;
    return !udp || (can_bind(ports->address, SOCK_DGRAM, port, false) && net_port_is_bound(NET_UDP, ports->address, port, NULL) == 0);
}

static bool *given_of(struct ports *ports, uint32_t port)
{
    return port >= ports->first && port - ports->first < ports->count ? &ports->given[port - ports->first] : NULL;
}

static int take_wanted(struct ports *ports, Pb__Transport transport, uint32_t wanted, uint32_t *port, struct panther_error *error)
{
    bool *given = given_of(ports, wanted);
    if (wanted > PORT_MAX)
        return error_set(error, PANTHER_EINVALID, "%u is no port", wanted);
    if ((given && *given) || !is_free(ports, transport, (uint16_t)wanted, true))
        return error_set(error, PANTHER_EEXISTS, "port %u is in use at %s: leave the option out, or take another", wanted,
                         *ports->address ? ports->address : "any address");
    if (given)
        *given = true;
    *port = wanted;
    return 0;
}

static bool take_any(struct ports *ports, Pb__Transport transport, bool reuse, uint32_t *port)
{
    for (uint32_t i = 0; i < ports->count && ports->first + i <= PORT_MAX; i++) {
        if (ports->given[i] || !is_free(ports, transport, (uint16_t)(ports->first + i), reuse))
            continue;
        ports->given[i] = true;
        *port = ports->first + i;
        return true;
    }
    return false;
}

int ports_take(struct ports *ports, Pb__Transport transport, uint32_t wanted, uint32_t *port, struct panther_error *error)
{
    if (wanted > 0)
        return take_wanted(ports, transport, wanted, port, error);
    if (take_any(ports, transport, false, port) || take_any(ports, transport, true, port))
        return 0;
    return error_set(error, PANTHER_EEXISTS, "none of the ports %u to %u is free at %s", ports->first, ports->first + ports->count - 1,
                     *ports->address ? ports->address : "any address");
}

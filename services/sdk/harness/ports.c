// Is a port of the block taken? The kernel's tables say it for sure, and reading them for a whole block takes a fifth of a second; who can
// bind a port knows at once that nobody has it.
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/system/net_tables.h"
#include "services/sdk/harness/harness.h"

static bool can_bind(enum net_protocol protocol, uint16_t port)
{
    const struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    const int yes = 1, fd = socket(AF_INET6, (protocol == NET_TCP ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return false;
    }
    // connections of the past do not count, listeners do; between UDP sockets the option would let us share the port
    if (protocol == NET_TCP) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    }
    const bool bound = bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
    close(fd);
    return bound;
}

static bool is_taken(enum net_protocol protocol, uint16_t port)
{
    return !can_bind(protocol, port) && net_port_is_bound(protocol, NULL, port, NULL) != 0;
}

bool harness_port_is_taken(uint16_t port, const char **transport)
{
    const bool tcp = is_taken(NET_TCP, port), udp = !tcp && is_taken(NET_UDP, port);
    *transport = tcp ? "TCP" : "UDP";
    return tcp || udp;
}

// An abstract name lives as long as its socket, and is of one network namespace, as ports are.
int harness_reserve_ports(uint32_t first)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    const int length = snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, "panther-test-ports-%u", first);
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const socklen_t bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
    if (fd >= 0 && bind(fd, (const struct sockaddr *)&name, bytes) == 0) {
        return fd;
    }
    if (fd >= 0) {
        close(fd);
    }
    return -1;
}

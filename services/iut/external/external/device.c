// Reads where a device is, and knocks at its TCP ports.
#include "device.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int resolve(struct panther_service *service, const char *host, struct device *device)
{
    struct addrinfo *found, hints = {.ai_socktype = SOCK_STREAM};
    char address[INET6_ADDRSTRLEN];
    int problem = getaddrinfo(host, NULL, &hints, &found);
    if (problem != 0)
        return panther_fail(service, "address: %s: %s", host, gai_strerror(problem));
    problem = getnameinfo(found->ai_addr, found->ai_addrlen, address, sizeof(address), NULL, 0, NI_NUMERICHOST);
    freeaddrinfo(found);
    if (problem != 0)
        return panther_fail(service, "address: %s: %s", host, gai_strerror(problem));
    device->address = panther_format(service, "%s", address);
    return PANTHER_OK;
}

static int read_port(struct panther_service *service, const char *text, struct device_port *port)
{
    char name[64], transport[8];
    unsigned number;
    int length = 0;
    if (sscanf(text, "%63[^=]=%u/%7[a-z+]%n", name, &number, transport, &length) != 3 || text[length] != '\0' || number == 0 ||
        number > UINT16_MAX)
        return panther_fail(service, "ports: \"%s\" is not NAME=NUMBER/tcp, /udp or /tcp+udp", text);
    unsigned transports = strcmp(transport, "tcp") == 0       ? PANTHER_TCP
                          : strcmp(transport, "udp") == 0     ? PANTHER_UDP
                          : strcmp(transport, "tcp+udp") == 0 ? PANTHER_TCP | PANTHER_UDP
                                                              : 0;
    if (transports == 0)
        return panther_fail(service, "ports: \"%s\" is neither tcp, udp nor tcp+udp", transport);
    *port = (struct device_port){panther_format(service, "%s", name), number, transports};
    return PANTHER_OK;
}

int device_read(struct panther_service *service, const char *host, const struct panther_list *ports, struct device *device)
{
    if (ports->count == 0 || ports->count > DEVICE_PORTS_MAX)
        return panther_fail(service, "ports: a device has 1 to %d of them, not %zu", DEVICE_PORTS_MAX, ports->count);
    int result = resolve(service, host, device);
    for (size_t i = 0; i < ports->count && result == PANTHER_OK; i++)
        result = read_port(service, ports->items[i], &device->ports[device->port_count++]);
    return result;
}

const struct device_port *device_port_named(const struct device *device, const char *name)
{
    for (size_t i = 0; i < device->port_count; i++)
        if (strcmp(device->ports[i].name, name) == 0)
            return &device->ports[i];
    return NULL;
}

const struct device_port *device_first_tcp(const struct device *device)
{
    for (size_t i = 0; i < device->port_count; i++)
        if (device->ports[i].transports & PANTHER_TCP)
            return &device->ports[i];
    return NULL;
}

static bool connects(int client, const struct addrinfo *to, int timeout_ms)
{
    int problem = 0;
    socklen_t bytes = sizeof(problem);
    struct pollfd ready = {.fd = client, .events = POLLOUT};
    if (connect(client, to->ai_addr, to->ai_addrlen) == 0)
        return true;
    return errno == EINPROGRESS && poll(&ready, 1, timeout_ms) == 1 && getsockopt(client, SOL_SOCKET, SO_ERROR, &problem, &bytes) == 0 &&
           problem == 0;
}

bool device_accepts(const struct device *device, const struct device_port *port, int timeout_ms)
{
    struct addrinfo *to, hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    char number[8];
    snprintf(number, sizeof(number), "%u", port->number);
    if (getaddrinfo(device->address, number, &hints, &to) != 0)
        return false;
    int client = socket(to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool accepts = client >= 0 && connects(client, to, timeout_ms);
    if (client >= 0)
        close(client);
    freeaddrinfo(to);
    return accepts;
}

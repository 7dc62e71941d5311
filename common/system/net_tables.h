// Which ports are bound on this host (in our network namespace), as the kernel's own tables say. Seen there, not tried by a
// connection: a probe by connect would be the server's first client, and a UDP socket cannot be probed at all.
#ifndef PANTHER_COMMON_SYSTEM_NET_TABLES_H
#define PANTHER_COMMON_SYSTEM_NET_TABLES_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/error.h"

enum net_protocol { NET_TCP, NET_UDP };

// Does a listening TCP socket or any UDP socket take this port at this numeric address (v4 or v6), or at the wildcard? Address
// NULL, "" or a wildcard: at any address. 1: yes, 0: no.
int net_port_is_bound(enum net_protocol protocol, const char *address, uint16_t port, struct panther_error *error);
// The same over tables that were read before: path is a file in the form of /proc/net/tcp. For tests and other namespaces.
int net_table_has(const char *path, enum net_protocol protocol, const char *address, uint16_t port, struct panther_error *error);

#endif

// Reads /proc/net/{tcp,tcp6,udp,udp6}: "sl local_address rem_address st ...", addresses in hex, words in the host's byte order.
#include "common/system/net_tables.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/system/file.h"

// 150 bytes a socket: more than 400,000 sockets.
#define TABLE_MAX_BYTES (64 * 1024 * 1024)
#define STATE_LISTEN 0x0a

// Every address as v6; v4 as ::ffff:a.b.c.d, so that both tables compare in one way.
struct address {
    struct in6_addr bytes;
    bool is_any;
};

static bool is_any(const struct in6_addr *address)
{
    static const struct in6_addr any, any_v4 = {.s6_addr = {[10] = 0xff, [11] = 0xff}};
    return memcmp(address, &any, sizeof any) == 0 || memcmp(address, &any_v4, sizeof any_v4) == 0;
}

static void from_v4(uint32_t network_order, struct in6_addr *address)
{
    memset(address, 0, sizeof *address);
    address->s6_addr[10] = address->s6_addr[11] = 0xff;
    memcpy(&address->s6_addr[12], &network_order, 4);
}

static bool parse_address(const char *text, struct address *address)
{
    struct in_addr v4;
    memset(address, 0, sizeof *address);
    if (text && *text) {
        if (inet_pton(AF_INET, text, &v4) == 1)
            from_v4(v4.s_addr, &address->bytes);
        else if (inet_pton(AF_INET6, text, &address->bytes) != 1)
            return false;
    }
    address->is_any = is_any(&address->bytes);
    return true;
}

struct row {
    struct address local;
    unsigned port, state;
};

// The kernel prints each 32-bit word of the address with %08X, as it lies in memory: no swap on any host.
static bool parse_row(const char *line, struct row *row)
{
    char hex[33];
    if (sscanf(line, " %*[0-9]: %32[0-9A-F]:%4X %*[0-9A-F]:%*4X %2X", hex, &row->port, &row->state) != 3)
        return false;
    size_t words = strlen(hex) / 8;
    uint32_t values[4];
    for (size_t i = 0; i < words; i++)
        if (sscanf(hex + 8 * i, "%8X", &values[i]) != 1)
            return false;
    if (words == 4)
        memcpy(&row->local.bytes, values, sizeof values);
    else if (words == 1)
        from_v4(values[0], &row->local.bytes);
    else
        return false;
    row->local.is_any = is_any(&row->local.bytes);
    return true;
}

static bool takes(const struct row *row, enum net_protocol protocol, const struct address *address, uint16_t port)
{
    if (row->port != port || (protocol == NET_TCP && row->state != STATE_LISTEN))
        return false;
    return row->local.is_any || address->is_any || memcmp(&row->local.bytes, &address->bytes, sizeof address->bytes) == 0;
}

int net_table_has(const char *path, enum net_protocol protocol, const char *address_text, uint16_t port, struct panther_error *error)
{
    struct address address;
    if (!parse_address(address_text, &address))
        return error_set(error, PANTHER_EINVALID, "%s is not a numeric address", address_text);
    CLEANUP_FREE char *table = NULL;
    int problem = file_read(path, TABLE_MAX_BYTES, &table, NULL, error);
    if (problem < 0)
        return problem;
    for (const char *line = table; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        struct row row;
        if (parse_row(line, &row) && takes(&row, protocol, &address, port))
            return 1;
    }
    return 0;
}

int net_port_is_bound(enum net_protocol protocol, const char *address, uint16_t port, struct panther_error *error)
{
    // thread-self: the network namespace belongs to a thread.
    static const char *const tables[2][2] = {
        [NET_TCP] = {"/proc/thread-self/net/tcp", "/proc/thread-self/net/tcp6"},
        [NET_UDP] = {"/proc/thread-self/net/udp", "/proc/thread-self/net/udp6"},
    };
    for (int i = 0; i < 2; i++) {
        int result = net_table_has(tables[protocol][i], protocol, address, port, error);
        if (result == PANTHER_ENOTFOUND && i == 1) // a kernel without IPv6
            return 0;
        if (result != 0)
            return result;
    }
    return 0;
}

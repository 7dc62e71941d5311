// The kernel's tables: real sockets of our own, and rows as other kernels write them.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/system/file.h"
#include "common/system/net_tables.h"

static int bind_v4(int type, uint32_t address, uint16_t *port)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};
    socklen_t bytes = sizeof name;
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&name, sizeof name), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &bytes), 0);
    *port = ntohs(name.sin_port);
    return fd;
}

static int bind_v6_wildcard(uint16_t *port)
{
    struct sockaddr_in6 name = {.sin6_family = AF_INET6};
    socklen_t bytes = sizeof name;
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&name, sizeof name) < 0)
        return -1;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &bytes), 0);
    *port = ntohs(name.sin6_port);
    return fd;
}

static int bound(enum net_protocol protocol, const char *address, uint16_t port)
{
    struct panther_error error;
    int result = net_port_is_bound(protocol, address, port, &error);
    if (result < 0)
        fail_msg("%s", error.message);
    return result;
}

static void udp_socket_is_seen_at_its_address_only(void **state)
{
    (void)state;
    uint16_t port;
    int fd = bind_v4(SOCK_DGRAM, INADDR_LOOPBACK, &port);
    assert_int_equal(bound(NET_UDP, "127.0.0.1", port), 1);
    assert_int_equal(bound(NET_UDP, "127.0.0.2", port), 0);
    assert_int_equal(bound(NET_UDP, "", port), 1);
    assert_int_equal(bound(NET_UDP, "0.0.0.0", port), 1);
    assert_int_equal(bound(NET_TCP, "127.0.0.1", port), 0);
    close(fd);
    assert_int_equal(bound(NET_UDP, "127.0.0.1", port), 0);
}

static void wildcard_socket_takes_every_address(void **state)
{
    (void)state;
    uint16_t port;
    int fd = bind_v4(SOCK_DGRAM, INADDR_ANY, &port);
    assert_int_equal(bound(NET_UDP, "127.0.0.7", port), 1);
    close(fd);
    fd = bind_v6_wildcard(&port);
    if (fd < 0) {
        print_message("           skipped: no IPv6 here\n");
        return;
    }
    assert_int_equal(bound(NET_UDP, "127.0.0.1", port), 1); // dual-stack
    assert_int_equal(bound(NET_UDP, "::1", port), 1);
    close(fd);
}

static void tcp_counts_when_it_listens(void **state)
{
    (void)state;
    uint16_t port;
    int fd = bind_v4(SOCK_STREAM, INADDR_LOOPBACK, &port);
    assert_int_equal(bound(NET_TCP, "127.0.0.1", port), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(bound(NET_TCP, "127.0.0.1", port), 1);
    close(fd);
}

static void rows_are_read_as_the_kernel_writes_them(void **state)
{
    (void)state;
    static const char table[] =
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n"
        "  100: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0\n"
        "65535: 0100007F:1F91 0100007F:C000 01 00000000:00000000 00:00000000 00000000     0        0 2 1 0 20 4 0 10 -1\n"
        "    2: 00000000000000000000000001000000:0035 00000000000000000000000000000000:0000 0A 00000000:00000000 00:0 0 0 0 3 1 0\n"
        "garbage\n";
    char path[] = "/tmp/panther-net-test-XXXXXX";
    int fd = mkstemp(path);
    assert_int_equal(write(fd, table, sizeof table - 1), sizeof table - 1);
    close(fd);
    assert_int_equal(net_table_has(path, NET_TCP, "127.0.0.1", 8080, NULL), 1);
    assert_int_equal(net_table_has(path, NET_TCP, "127.0.0.1", 8081, NULL), 0); // a connection, nobody listens
    assert_int_equal(net_table_has(path, NET_UDP, "127.0.0.1", 8081, NULL), 1); // but as UDP its port is bound
    assert_int_equal(net_table_has(path, NET_TCP, "::1", 53, NULL), 1);
    assert_int_equal(net_table_has(path, NET_TCP, "::2", 53, NULL), 0);
    unlink(path);
}

static void name_is_no_address(void **state)
{
    (void)state;
    struct panther_error error;
    assert_int_equal(net_port_is_bound(NET_TCP, "localhost", 80, &error), PANTHER_EINVALID);
    assert_string_equal(error.message, "localhost is not a numeric address");
    assert_int_equal(net_table_has("/nowhere", NET_TCP, "127.0.0.1", 80, &error), PANTHER_ENOTFOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(udp_socket_is_seen_at_its_address_only),
        cmocka_unit_test(wildcard_socket_takes_every_address),
        cmocka_unit_test(tcp_counts_when_it_listens),
        cmocka_unit_test(rows_are_read_as_the_kernel_writes_them),
        cmocka_unit_test(name_is_no_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

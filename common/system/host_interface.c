#include "common/system/host_interface.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static bool has_address(const struct ifaddrs *interface, const char *address)
{
    char text[INET6_ADDRSTRLEN] = "";
    if (!interface->ifa_addr)
        return false;
    if (interface->ifa_addr->sa_family == AF_INET) {
        struct sockaddr_in ipv4;
        memcpy(&ipv4, interface->ifa_addr, sizeof ipv4);
        inet_ntop(AF_INET, &ipv4.sin_addr, text, sizeof text);
    } else if (interface->ifa_addr->sa_family == AF_INET6) {
        struct sockaddr_in6 ipv6;
        memcpy(&ipv6, interface->ifa_addr, sizeof ipv6);
        inet_ntop(AF_INET6, &ipv6.sin6_addr, text, sizeof text);
    }
    return *text && strcmp(text, address) == 0;
}

// All of 127.0.0.0/8 is lo's, though it has one address.
static bool find_name(const char *address, char name[IFNAMSIZ])
{
    struct ifaddrs *all = NULL;
    struct in_addr ipv4;
    bool is_found = false;
    if (getifaddrs(&all) < 0)
        return false;
    for (const struct ifaddrs *at = all; at && !is_found; at = at->ifa_next) {
        is_found = has_address(at, address);
        if (is_found)
            snprintf(name, IFNAMSIZ, "%s", at->ifa_name);
    }
    freeifaddrs(all);
    if (!is_found && inet_pton(AF_INET, address, &ipv4) == 1 && ntohl(ipv4.s_addr) >> 24 == 127) {
        snprintf(name, IFNAMSIZ, "lo");
        is_found = true;
    }
    return is_found;
}

static bool ask(int fd, const char *name, void *command)
{
    struct ifreq request = {0};
    memcpy(request.ifr_name, name, strnlen(name, IFNAMSIZ - 1));
    request.ifr_data = command;
    return ioctl(fd, SIOCETHTOOL, &request) == 0;
}

static void describe(int fd, const char *name, char interface[HOST_TEXT_BYTES])
{
    struct ethtool_drvinfo driver = {.cmd = ETHTOOL_GDRVINFO};
    struct ifreq request = {0};
    bool has_driver = ask(fd, name, &driver) && driver.driver[0];
    memcpy(request.ifr_name, name, strnlen(name, IFNAMSIZ - 1));
    int mtu = ioctl(fd, SIOCGIFMTU, &request) == 0 ? request.ifr_mtu : 0;
    snprintf(interface, HOST_TEXT_BYTES, "%.*s (%.*s%smtu %d)", IFNAMSIZ, name, (int)sizeof driver.driver, has_driver ? driver.driver : "",
             has_driver ? ", " : "", mtu);
}

static void read_offloads(int fd, const char *name, char offloads[HOST_TEXT_BYTES])
{
    static const struct {
        uint32_t command;
        const char *name;
    } asked[] = {{ETHTOOL_GRXCSUM, "rx-checksum"},
                 {ETHTOOL_GTXCSUM, "tx-checksum"},
                 {ETHTOOL_GSG, "scatter-gather"},
                 {ETHTOOL_GTSO, "tso"},
                 {ETHTOOL_GGSO, "gso"},
                 {ETHTOOL_GGRO, "gro"}};
    struct ethtool_value flags = {.cmd = ETHTOOL_GFLAGS};
    size_t used = 0;
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        struct ethtool_value value = {.cmd = asked[i].command};
        if (ask(fd, name, &value) && value.data)
            used += (size_t)snprintf(offloads + used, HOST_TEXT_BYTES - used, "%s%s", used ? " " : "", asked[i].name);
    }
    if (ask(fd, name, &flags) && (flags.data & ETH_FLAG_LRO))
        snprintf(offloads + used, HOST_TEXT_BYTES - used, "%slro", used ? " " : "");
}

void host_interface_read(const char *address, char interface[HOST_TEXT_BYTES], char offloads[HOST_TEXT_BYTES])
{
    char name[IFNAMSIZ] = "";
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && *address && find_name(address, name)) {
        describe(fd, name, interface);
        read_offloads(fd, name, offloads);
    }
    if (fd >= 0)
        close(fd);
}

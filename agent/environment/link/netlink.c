// See place.h. Requests are acknowledged one by one: what the kernel refuses is said with its name.
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/environment/link/place.h"

#define ATTRIBUTES_MAX_BYTES 256
// Frames that wait for the switch to read them: what it is behind by in a burst must not be lost outside of the seed.
#define DEVICE_QUEUE 10000U

struct request {
    struct nlmsghdr header;
    union {
        struct ifinfomsg link;
        struct ifaddrmsg address;
        struct ndmsg neighbour;
        struct rtmsg route;
    } body;
    char attributes[ATTRIBUTES_MAX_BYTES];
};

static struct request begin(unsigned type, unsigned flags, size_t body_bytes)
{
    struct request request = {0};
    request.header.nlmsg_len = (uint32_t)NLMSG_LENGTH(body_bytes);
    request.header.nlmsg_type = (uint16_t)type;
    request.header.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
    return request;
}

static void add(struct request *request, unsigned short type, const void *value, size_t bytes)
{
    size_t at = NLMSG_ALIGN(request->header.nlmsg_len);
    struct rtattr attribute = {.rta_len = (unsigned short)RTA_LENGTH(bytes), .rta_type = type};
    INVARIANT(at + RTA_SPACE(bytes) <= sizeof *request);
    memcpy((char *)request + at, &attribute, sizeof attribute);
    memcpy((char *)request + at + RTA_LENGTH(0), value, bytes);
    request->header.nlmsg_len = (uint32_t)(at + RTA_SPACE(bytes));
}

static int ask(int fd, const struct request *request, const char *what, struct panther_error *error)
{
    char answer[1024];
    struct nlmsghdr header;
    struct nlmsgerr verdict;
    if (send(fd, request, request->header.nlmsg_len, 0) < 0)
        return error_system(error, errno, "netlink: %s", what);
    ssize_t got = recv(fd, answer, sizeof answer, 0);
    if (got < (ssize_t)NLMSG_LENGTH(sizeof verdict))
        return error_system(error, got < 0 ? errno : EPROTO, "netlink: %s", what);
    memcpy(&header, answer, sizeof header);
    memcpy(&verdict, answer + NLMSG_LENGTH(0), sizeof verdict);
    if (header.nlmsg_type != NLMSG_ERROR)
        return error_set(error, PANTHER_ESYSTEM, "netlink: %s: an answer of type %u", what, header.nlmsg_type);
    return verdict.error == 0 ? 0 : error_system(error, -verdict.error, "netlink: %s", what);
}

static int raise_loopback(int fd, struct panther_error *error)
{
    struct request request = begin(RTM_NEWLINK, 0, sizeof request.body.link);
    request.body.link = (struct ifinfomsg){.ifi_index = (int)if_nametoindex("lo"), .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
    return ask(fd, &request, "lo up", error);
}

static int raise_device(int fd, const struct place *place, unsigned index, struct panther_error *error)
{
    const uint32_t mtu = PLACE_MTU, queue = DEVICE_QUEUE;
    struct request request = begin(RTM_NEWLINK, 0, sizeof request.body.link);
    request.body.link = (struct ifinfomsg){.ifi_index = (int)index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
    add(&request, IFLA_ADDRESS, place->mac, sizeof place->mac);
    add(&request, IFLA_MTU, &mtu, sizeof mtu);
    add(&request, IFLA_TXQLEN, &queue, sizeof queue);
    return ask(fd, &request, PLACE_DEVICE " up", error);
}

static int add_address(int fd, unsigned index, int family, const uint8_t *address, size_t bytes, unsigned prefix,
                       struct panther_error *error)
{
    struct request request = begin(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, sizeof request.body.address);
    request.body.address = (struct ifaddrmsg){.ifa_family = (uint8_t)family, .ifa_prefixlen = (uint8_t)prefix, .ifa_index = index};
    request.body.address.ifa_flags = family == AF_INET6 ? IFA_F_NODAD : 0; // nobody else can have it
    add(&request, IFA_LOCAL, address, bytes);
    add(&request, IFA_ADDRESS, address, bytes);
    return ask(fd, &request, "address", error);
}

static int add_neighbour(int fd, unsigned index, int family, const uint8_t *address, size_t bytes, const struct place *place,
                         struct panther_error *error)
{
    struct request request = begin(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, sizeof request.body.neighbour);
    request.body.neighbour = (struct ndmsg){.ndm_family = (uint8_t)family, .ndm_ifindex = (int)index, .ndm_state = NUD_PERMANENT};
    add(&request, NDA_DST, address, bytes);
    add(&request, NDA_LLADDR, place->mac, sizeof place->mac);
    return ask(fd, &request, "neighbour", error);
}

// IPv6 has such a route by itself.
static int add_multicast_route(int fd, unsigned index, struct panther_error *error)
{
    static const uint8_t groups[4] = {224, 0, 0, 0};
    struct request request = begin(RTM_NEWROUTE, NLM_F_CREATE, sizeof request.body.route);
    request.body.route = (struct rtmsg){.rtm_family = AF_INET,
                                        .rtm_dst_len = 4,
                                        .rtm_table = RT_TABLE_MAIN,
                                        .rtm_protocol = RTPROT_STATIC,
                                        .rtm_scope = RT_SCOPE_LINK,
                                        .rtm_type = RTN_UNICAST};
    add(&request, RTA_DST, groups, sizeof groups);
    add(&request, RTA_OIF, &index, sizeof index);
    return ask(fd, &request, "multicast route", error);
}

static int add_family(int fd, unsigned index, const struct place *places, size_t count, size_t own, bool is_ipv4,
                      struct panther_error *error)
{
    int family = is_ipv4 ? AF_INET : AF_INET6;
    size_t bytes = is_ipv4 ? 4 : 16;
    const struct place *place = &places[own];
    int result =
        add_address(fd, index, family, is_ipv4 ? place->ipv4 : place->ipv6, bytes, is_ipv4 ? PLACE_PREFIX_IPV4 : PLACE_PREFIX_IPV6, error);
    for (size_t i = 0; i < count && result == 0; i++) {
        if (i == own)
            continue;
        result = add_neighbour(fd, index, family, is_ipv4 ? places[i].ipv4 : places[i].ipv6, bytes, &places[i], error);
        if (result == 0)
            result = add_neighbour(fd, index, family, is_ipv4 ? places[i].other4 : places[i].other6, bytes, &places[i], error);
    }
    return result == 0 && is_ipv4 ? add_multicast_route(fd, index, error) : result;
}

int netlink_configure(const struct place *places, size_t count, size_t own, bool ipv4, bool ipv6, struct panther_error *error)
{
    unsigned index = if_nametoindex(PLACE_DEVICE);
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0)
        return error_system(error, errno, "netlink");
    int result = raise_loopback(fd, error);
    if (result == 0)
        result = raise_device(fd, &places[own], index, error);
    if (result == 0 && ipv4)
        result = add_family(fd, index, places, count, own, true, error);
    if (result == 0 && ipv6)
        result = add_family(fd, index, places, count, own, false, error);
    close(fd);
    return result;
}

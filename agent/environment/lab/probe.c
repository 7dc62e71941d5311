// See probe.h. On the lo of a network namespace of its own, in a process of its own: nothing of this host is touched.
#include "agent/environment/lab/probe.h"

#include <errno.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct request {
    struct nlmsghdr header;
    struct tcmsg discipline;
    struct rtattr kind;
    char name[8];
    struct rtattr options;
    struct tc_netem_qopt netem;
};

// `tc qdisc add dev lo root netem`: 0, or what the kernel says.
static int add_netem(void)
{
    struct request request = {
        .header = {.nlmsg_len = sizeof request,
                   .nlmsg_type = RTM_NEWQDISC,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL},
        .discipline = {.tcm_family = AF_UNSPEC, .tcm_ifindex = (int)if_nametoindex("lo"), .tcm_parent = TC_H_ROOT},
        .kind = {RTA_LENGTH(sizeof "netem"), TCA_KIND},
        .name = "netem",
        .options = {RTA_LENGTH(sizeof(struct tc_netem_qopt)), TCA_OPTIONS},
        .netem = {.limit = 1},
    };
    struct {
        struct nlmsghdr header;
        struct nlmsgerr said;
        char rest[4096];
    } answer = {0};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0 || send(fd, &request, sizeof request, 0) < 0 || recv(fd, &answer, sizeof answer, 0) < (ssize_t)NLMSG_LENGTH(sizeof(int)))
        return errno;
    return answer.header.nlmsg_type == NLMSG_ERROR ? -answer.said.error : EPROTO;
}

// Its own network namespace, within a user namespace where it may not make one otherwise.
static int try_it(void)
{
    if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
        return errno;
    return add_netem();
}

const char *lab_probe_netem(void)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0)
        _exit(try_it() & 0x7f);
    while (child > 0 && waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return NULL;
    bool is_unknown = child > 0 && WIFEXITED(status) && (WEXITSTATUS(status) == ENOENT || WEXITSTATUS(status) == EOPNOTSUPP);
    return is_unknown ? LAB_NO_NETEM : NULL;
}

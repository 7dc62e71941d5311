// See place.h. Each namespace is made by the process that holds it: a child of ours, which makes the TAP device in it, hands its descriptor
// to us and then only waits for our death.
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/environment/link/place.h"
#include "common/base/memory.h"
#include "common/system/file.h"
#include "common/system/process.h"

#define TUN_DEVICE "/dev/net/tun"

// ---- owning namespaces

static int write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC), result = -1;
    if (fd < 0)
        return -1;
    if (write(fd, text, strlen(text)) == (ssize_t)strlen(text))
        result = 0;
    close(fd);
    return result;
}

// We stay who we are: the files of the work folder are ours on both sides.
static int map_own_user(uid_t user, gid_t group, struct panther_error *error)
{
    CLEANUP_FREE char *users = memory_printf("%u %u 1\n", user, user), *groups = memory_printf("%u %u 1\n", group, group);
    if (write_text("/proc/self/setgroups", "deny") < 0 || write_text("/proc/self/uid_map", users) < 0 ||
        write_text("/proc/self/gid_map", groups) < 0)
        return error_system(error, errno, "cannot map this user into a user namespace");
    return 0;
}

int namespaces_own(struct panther_error *error)
{
    uid_t user = geteuid();
    gid_t group = getegid();
    if (unshare(CLONE_NEWNET) == 0)
        return 0;
    if (errno != EPERM)
        return error_system(error, errno, "cannot make a network namespace");
    if (unshare(CLONE_NEWUSER) < 0)
        return error_system(error, errno, "cannot make a network namespace: this user may not, and user namespaces are not allowed here");
    int result = map_own_user(user, group, error);
    if (result == 0 && unshare(CLONE_NEWNET) < 0)
        result = error_system(error, errno, "cannot make a network namespace");
    return result;
}

// ---- in the holder

static int open_tap(int *tap, struct panther_error *error)
{
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    memcpy(request.ifr_name, PLACE_DEVICE, sizeof PLACE_DEVICE);
    int fd = open(TUN_DEVICE, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return error_system(error, errno, "cannot open " TUN_DEVICE);
    // No offload: whole checksums and frames of the MTU's size come out, as on a wire.
    if (ioctl(fd, TUNSETIFF, &request) < 0 || ioctl(fd, TUNSETOFFLOAD, 0) < 0) {
        int number = errno;
        close(fd);
        return error_system(error, number, "cannot make a TAP device");
    }
    *tap = fd;
    return 0;
}

// Where /proc/sys is read-only, there is some more chatter of IPv6, which the switch does not pass on, and ports below 1024 are for root.
static void set_quiet(void)
{
    static const char *const settings[][2] = {
        {"/proc/sys/net/ipv6/conf/" PLACE_DEVICE "/addr_gen_mode", "1"},
        {"/proc/sys/net/ipv6/conf/" PLACE_DEVICE "/accept_dad", "0"},
        {"/proc/sys/net/ipv6/conf/" PLACE_DEVICE "/accept_ra", "0"},
        {"/proc/sys/net/ipv6/conf/" PLACE_DEVICE "/router_solicitations", "0"},
        {"/proc/sys/net/ipv4/ip_unprivileged_port_start", "0"},
    };
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        if (write_text(settings[i][0], settings[i][1]) < 0)
            continue;
}

// One byte with the descriptor, or the words of the error.
static void hand_over(int channel, int tap, const char *problem)
{
    char control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec words = {.iov_base = (void *)(uintptr_t)(problem ? problem : ""), .iov_len = problem ? strlen(problem) + 1 : 1};
    struct msghdr message = {.msg_iov = &words, .msg_iovlen = 1};
    if (!problem) {
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(header), &tap, sizeof tap);
    }
    if (sendmsg(channel, &message, MSG_NOSIGNAL) < 0)
        _exit(1);
}

_Noreturn static void hold(pid_t parent, int channel, const struct place *places, size_t count, size_t own, bool ipv4, bool ipv6)
{
    struct panther_error error = {0};
    int tap = -1;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
        _exit(1);
    signal(SIGTERM, SIG_IGN); // what ends us is the end of the switch, which is told by the same signal
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    int result = unshare(CLONE_NEWNET) < 0 ? error_system(&error, errno, "cannot make a network namespace") : open_tap(&tap, &error);
    if (result == 0) {
        set_quiet();
        result = netlink_configure(places, count, own, ipv4, ipv6, &error);
    }
    hand_over(channel, tap, result < 0 ? error.message : NULL);
    if (result < 0)
        _exit(1);
    close(channel);
    close(tap);
    for (;;)
        pause();
}

// ---- here

static int take_over(int channel, const char *service, int *tap, struct panther_error *error)
{
    char words[PANTHER_ERROR_MESSAGE_BYTES] = "", control[CMSG_SPACE(sizeof(int))];
    struct iovec into = {.iov_base = words, .iov_len = sizeof words - 1};
    struct msghdr message = {.msg_iov = &into, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t got = recvmsg(channel, &message, MSG_CMSG_CLOEXEC);
    struct cmsghdr *header = got > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (!header)
        return error_set(error, PANTHER_ESYSTEM, "%s: %s", service, got > 0 ? words : "its holder died");
    memcpy(tap, CMSG_DATA(header), sizeof *tap);
    return 0;
}

static int make(struct place *places, size_t count, size_t own, bool ipv4, bool ipv6, struct panther_error *error)
{
    struct place *place = &places[own];
    pid_t parent = getpid();
    int channel[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel) < 0)
        return error_system(error, errno, "%s: cannot make its namespace", place->service);
    place->holder = fork();
    if (place->holder == 0)
        hold(parent, channel[1], places, count, own, ipv4, ipv6);
    close(channel[1]);
    int result = place->holder < 0 ? error_system(error, errno, "%s: cannot make its namespace", place->service)
                                   : take_over(channel[0], place->service, &place->tap, error);
    close(channel[0]);
    if (result == 0 && process_start_time(place->holder, &place->holder_start) < 0)
        result = error_set(error, PANTHER_ESYSTEM, "%s: its holder died", place->service);
    return result;
}

int namespaces_make(struct place *places, size_t count, bool ipv4, bool ipv6, struct panther_error *error)
{
    int result = 0;
    for (size_t i = 0; i < count && result == 0; i++)
        result = make(places, count, i, ipv4, ipv6, error);
    return result;
}

int namespaces_write(const char *path, const struct place *places, size_t count, bool ipv4, struct panther_error *error)
{
    struct text text = {0};
    char address[64];
    for (size_t i = 0; i < count; i++) {
        place_address(&places[i], ipv4, address, sizeof address);
        text_printf(&text, "%s %d %llu %s\n", places[i].service, (int)places[i].holder, (unsigned long long)places[i].holder_start,
                    address);
    }
    int result = file_write_atomic(path, text_string(&text), text.length, 0644, error);
    text_free(&text);
    return result;
}

// /proc/PID/net/dev: the fourth number of what the device sent.
uint64_t namespaces_not_read(const struct place *place)
{
    CLEANUP_FREE char *table = process_file(place->holder, "net/dev");
    const char *line = table ? strstr(table, PLACE_DEVICE ":") : NULL;
    unsigned long long dropped = 0;
    if (line && sscanf(line + sizeof PLACE_DEVICE, "%*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %llu", &dropped) != 1)
        dropped = 0;
    return dropped;
}

void namespaces_end(struct place *places, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (places[i].tap >= 0)
            close(places[i].tap);
        if (places[i].holder > 0) {
            kill(places[i].holder, SIGKILL);
            waitpid(places[i].holder, NULL, 0);
        }
        places[i].tap = -1;
        places[i].holder = 0;
    }
}

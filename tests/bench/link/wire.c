// See wire.h. Holders are processes that only wait; all of it dies with this one.
#include "tests/bench/link/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/environment/link/place.h"
#include "common/base/memory.h"
#include "common/system/file.h"

#define LIMIT_S 20 // for what has to come
#define COMMAND_BYTES 512

static int own_namespace = -1;

int wires_begin(struct panther_error *error)
{
    int result = namespaces_own(error);
    if (result < 0)
        return result;
    own_namespace = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    return own_namespace < 0 ? error_system(error, errno, "/proc/self/ns/net") : 0;
}

static int command(struct panther_error *error, const char *text)
{
    int status = system(text);
    return status == 0 ? 0 : error_set(error, PANTHER_ESYSTEM, "status %d: %s", status, text);
}

// ---- veth

_Noreturn static void hold(int told, int end)
{
    char text[COMMAND_BYTES], byte = 0;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (unshare(CLONE_NEWNET) < 0 || write(told, &byte, 1) != 1 || read(told, &byte, 1) != 1)
        _exit(1);
    snprintf(text, sizeof text, "ip address add 10.77.0.%d/24 dev eth0 && ip link set eth0 up && ip link set lo up", end + 1);
    byte = system(text) == 0;
    if (write(told, &byte, 1) != 1)
        _exit(1);
    for (;;)
        pause();
}

static bool heard(int told, char *byte)
{
    return read(told, byte, 1) == 1;
}

static int make_veth(struct wire *wire, const int told[2], struct panther_error *error)
{
    char text[COMMAND_BYTES], byte[2] = {0};
    if (!heard(told[0], &byte[0]) || !heard(told[1], &byte[1]))
        return error_set(error, PANTHER_ESYSTEM, "cannot make a network namespace");
    snprintf(text, sizeof text, "ip link add eth0 netns %d type veth peer name eth0 netns %d", (int)wire->holders[0],
             (int)wire->holders[1]);
    int result = command(error, text);
    for (int i = 0; i < 2 && result == 0; i++)
        if (write(told[i], "", 1) != 1 || !heard(told[i], &byte[i]) || !byte[i])
            result = error_set(error, PANTHER_ESYSTEM, "cannot give an end of the veth pair its address");
    return result;
}

int wire_veth(struct wire *wire, struct panther_error *error)
{
    int told[2] = {-1, -1};
    *wire = (struct wire){0};
    for (int i = 0; i < 2; i++) {
        int channel[2];
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel) < 0)
            return error_system(error, errno, "socketpair");
        wire->holders[i] = fork();
        if (wire->holders[i] == 0)
            hold(channel[1], i);
        close(channel[1]);
        told[i] = channel[0];
    }
    int result = make_veth(wire, told, error);
    close(told[0]);
    close(told[1]);
    return result;
}

// ---- panther-link

static bool read_holders(struct wire *wire)
{
    CLEANUP_FREE char *path = memory_printf("%s/namespaces", wire->folder), *text = NULL;
    struct panther_error ignored;
    int first, second;
    if (file_read(path, COMMAND_BYTES, &text, NULL, &ignored) < 0 || sscanf(text, "a %d %*u %*s\nb %d", &first, &second) != 2)
        return false;
    wire->holders[0] = first;
    wire->holders[1] = second;
    return true;
}

int wire_link(struct wire *wire, const char *program, const char *delay, bool capture, struct panther_error *error)
{
    *wire = (struct wire){.folder = "/tmp/panther-bench-link-XXXXXX"};
    if (!mkdtemp(wire->folder))
        return error_system(error, errno, "%s", wire->folder);
    CLEANUP_FREE char *path = memory_printf("%s/network.json", wire->folder);
    CLEANUP_FREE char *plan = memory_printf("{\"services\":[\"a\",\"b\"],\"capture\":%s,\"links\":[{\"conditions\":{%s%s%s}}]}",
                                            capture ? "true" : "false", delay ? "\"delay\":\"" : "", delay ? delay : "", delay ? "\"" : "");
    int result = file_write_atomic(path, plan, strlen(plan), 0644, error);
    wire->link = result == 0 ? fork() : 0;
    if (result == 0 && wire->link == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (freopen("/dev/null", "w", stdout))
            execl(program, "panther-link", "--folder", wire->folder, (char *)NULL);
        _exit(127);
    }
    const struct timespec step = {.tv_nsec = 5000000};
    for (unsigned i = 0; result == 0 && !read_holders(wire); i++) {
        nanosleep(&step, NULL);
        if (i == LIMIT_S * 200 || waitpid(wire->link, NULL, WNOHANG) != 0)
            result = error_set(error, PANTHER_ESYSTEM, "%s does not come up", program);
    }
    return result;
}

// ---- both

void wire_end(struct wire *wire)
{
    static const char *const files[] = {"network.json", "network.pcapng", "link.json", "link.control", "namespaces"};
    for (int i = 0; i < 2 && wire->link == 0; i++) {
        if (wire->holders[i] > 0) {
            kill(wire->holders[i], SIGKILL);
            waitpid(wire->holders[i], NULL, 0);
        }
    }
    if (wire->link > 0) {
        kill(wire->link, SIGTERM);
        waitpid(wire->link, NULL, 0);
    }
    for (size_t i = 0; i < sizeof files / sizeof *files && wire->folder[0]; i++) {
        CLEANUP_FREE char *path = memory_printf("%s/%s", wire->folder, files[i]);
        unlink(path);
    }
    if (wire->folder[0])
        rmdir(wire->folder);
    *wire = (struct wire){0};
}

static struct sockaddr_in address_of(int end, uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(0x0a4d0001U + (unsigned)end);
    return address;
}

int wire_socket(const struct wire *wire, int end, int type, uint16_t port, struct panther_error *error)
{
    const struct sockaddr_in address = address_of(end, port);
    const struct timeval patience = {.tv_sec = LIMIT_S};
    CLEANUP_FREE char *path = memory_printf("/proc/%d/ns/net", (int)wire->holders[end]);
    int there = open(path, O_RDONLY | O_CLOEXEC), fd = -1;
    if (there >= 0 && setns(there, CLONE_NEWNET) == 0) {
        fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
        if (setns(own_namespace, CLONE_NEWNET) < 0)
            PANIC("the way back is gone: %s", strerror(errno));
    }
    if (there >= 0)
        close(there);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof address) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) < 0)
        return error_system(error, errno, "a socket in %s", path);
    return fd;
}

int wire_connect(int fd, int end, uint16_t port, struct panther_error *error)
{
    const struct sockaddr_in address = address_of(end, port);
    return connect(fd, (const struct sockaddr *)&address, sizeof address) == 0 ? 0 : error_system(error, errno, "connect");
}

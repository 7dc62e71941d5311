// See network.h.
#include "tests/integration/link/network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// clang-format off
#include <cmocka.h>
// clang-format on

#include "common/base/memory.h"
#include "common/system/file.h"

#define LINK_PROGRAM PANTHER_PLUGINS "/emulated/panther-link"
#define FILE_MAX_BYTES (64U << 20)

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void nap(void)
{
    const struct timespec step = {.tv_nsec = 2000000};
    nanosleep(&step, NULL);
}

// ---- the program

static pid_t run(const char *folder)
{
    pid_t parent = getpid(), child = fork();
    if (child != 0)
        return child;
    CLEANUP_FREE char *said = memory_printf("%s/said", folder);
    int fd = open(said, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent || dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0)
        _exit(127);
    execl(LINK_PROGRAM, "panther-link", "--folder", folder, (char *)NULL);
    _exit(127);
}

static void begin(struct network *network, const char *plan)
{
    struct panther_error error;
    *network = (struct network){.folder = "/tmp/panther-link-XXXXXX"};
    assert_non_null(mkdtemp(network->folder));
    CLEANUP_FREE char *path = memory_printf("%s/network.json", network->folder);
    assert_int_equal(file_write_atomic(path, plan, strlen(plan), 0644, &error), 0);
    network->link = run(network->folder);
    assert_true(network->link > 0);
}

// 1: ready, -1: it ended
static int is_up(struct network *network)
{
    siginfo_t ended = {0};
    size_t bytes;
    CLEANUP_FREE char *said = network_file(network, "said", &bytes);
    if (said && strstr(said, "ready\n"))
        return 1;
    return waitid(P_PID, (id_t)network->link, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid == network->link ? -1 : 0;
}

static int wait_until_up(struct network *network)
{
    uint64_t deadline_ms = now_ms() + NETWORK_LIMIT_MS;
    int up = 0;
    while ((up = is_up(network)) == 0 && now_ms() < deadline_ms)
        nap();
    return up;
}

bool network_is_possible(char *why, size_t bytes)
{
    struct network network;
    size_t length;
    begin(&network, "{\"services\":[\"a\"],\"capture\":false}");
    bool is = wait_until_up(&network) == 1;
    CLEANUP_FREE char *said = network_file(&network, "said", &length);
    snprintf(why, bytes, "%s", said ? said : "");
    network_remove(&network);
    return is;
}

static void read_places(struct network *network)
{
    size_t bytes;
    CLEANUP_FREE char *text = network_file(network, "namespaces", &bytes);
    assert_non_null(text);
    for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
        size_t i = network->place_count++;
        int pid;
        unsigned long long start;
        assert_int_equal(sscanf(line, "%63s %d %llu %63s", network->places[i].service, &pid, &start, network->places[i].address), 4);
        network->places[i].holder = pid;
        network->places[i].holder_start = start;
    }
}

void network_start(struct network *network, const char *plan)
{
    size_t bytes;
    begin(network, plan);
    if (wait_until_up(network) != 1)
        fail_msg("it does not come up: %s", network_file(network, "said", &bytes));
    read_places(network);
}

int network_wait(struct network *network)
{
    uint64_t deadline_ms = now_ms() + NETWORK_LIMIT_MS;
    int status = 0;
    pid_t ended = 0;
    while ((ended = waitpid(network->link, &status, WNOHANG)) == 0 && now_ms() < deadline_ms)
        nap();
    if (ended != network->link)
        fail_msg("panther-link does not end");
    network->link = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int network_stop(struct network *network)
{
    kill(network->link, SIGTERM);
    return network_wait(network);
}

void network_remove(struct network *network)
{
    static const char *const files[] = {"network.json", "said", "namespaces", "link.control", "network.pcapng", "link.json"};
    if (network->link > 0) {
        kill(network->link, SIGKILL);
        waitpid(network->link, NULL, 0);
    }
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        CLEANUP_FREE char *path = memory_printf("%s/%s", network->folder, files[i]);
        unlink(path);
    }
    rmdir(network->folder);
}

char *network_file(const struct network *network, const char *name, size_t *bytes)
{
    CLEANUP_FREE char *path = memory_printf("%s/%s", network->folder, name);
    struct panther_error error;
    char *text = NULL;
    return file_read(path, FILE_MAX_BYTES, &text, bytes, &error) == 0 ? text : NULL;
}

// ---- sockets

static size_t place_of(const struct network *network, const char *service)
{
    size_t i = 0;
    while (i < network->place_count && strcmp(network->places[i].service, service) != 0)
        i++;
    assert_true(i < network->place_count);
    return i;
}

// Into a namespace that may be our own already, which the kernel refuses.
static bool enter(pid_t holder, const char *kind, int type)
{
    char theirs[64], ours[64];
    struct stat left, right;
    snprintf(theirs, sizeof theirs, "/proc/%d/ns/%s", (int)holder, kind);
    snprintf(ours, sizeof ours, "/proc/self/ns/%s", kind);
    if (stat(theirs, &left) == 0 && stat(ours, &right) == 0 && left.st_ino == right.st_ino)
        return true;
    int fd = open(theirs, O_RDONLY | O_CLOEXEC);
    return fd >= 0 && setns(fd, type) == 0;
}

// A socket stays in the namespace where it was made; who makes it there is a child, since nobody comes back out of a user namespace.
int network_socket(const struct network *network, const char *service, int family, int type)
{
    pid_t holder = network->places[place_of(network, service)].holder;
    int channel[2], fd = -1;
    char byte = 0, control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec one = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {.msg_iov = &one, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel), 0);
    pid_t child = fork();
    if (child == 0) {
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        if (!enter(holder, "user", CLONE_NEWUSER) || !enter(holder, "net", CLONE_NEWNET) || (fd = socket(family, type, 0)) < 0)
            _exit(1);
        memcpy(CMSG_DATA(header), &fd, sizeof fd);
        _exit(sendmsg(channel[1], &message, 0) == 1 ? 0 : 1);
    }
    close(channel[1]);
    ssize_t got = recvmsg(channel[0], &message, MSG_CMSG_CLOEXEC);
    close(channel[0]);
    waitpid(child, NULL, 0);
    if (got != 1 || !CMSG_FIRSTHDR(&message))
        fail_msg("no socket in the namespace of %s", service);
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
    return fd;
}

static socklen_t put_address(const struct network *network, const char *service, int family, uint16_t port, struct sockaddr_storage *out)
{
    size_t place = place_of(network, service);
    char text[64];
    snprintf(text, sizeof text, family == AF_INET ? "10.77.0.%zu" : "fd00:77::%zx", place + 1);
    *out = (struct sockaddr_storage){.ss_family = (sa_family_t)family};
    if (family == AF_INET) {
        struct sockaddr_in *four = (struct sockaddr_in *)out;
        four->sin_port = htons(port);
        assert_int_equal(inet_pton(family, text, &four->sin_addr), 1);
        return sizeof *four;
    }
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)out;
    six->sin6_port = htons(port);
    assert_int_equal(inet_pton(family, text, &six->sin6_addr), 1);
    return sizeof *six;
}

int datagram_socket(const struct network *network, const char *service, int family, uint16_t port)
{
    struct sockaddr_storage own;
    int fd = network_socket(network, service, family, SOCK_DGRAM);
    socklen_t bytes = put_address(network, service, family, port, &own);
    if (bind(fd, (const struct sockaddr *)&own, bytes) < 0)
        fail_msg("bind: %s", strerror(errno));
    return fd;
}

void datagram_send(int fd, const struct network *network, const char *to, int family, uint16_t port, uint32_t number, size_t bytes)
{
    uint8_t data[1400] = {0};
    struct sockaddr_storage address;
    socklen_t length = put_address(network, to, family, port, &address);
    assert_true(bytes >= sizeof number && bytes <= sizeof data);
    memcpy(data, &number, sizeof number);
    if (sendto(fd, data, bytes, 0, (const struct sockaddr *)&address, length) != (ssize_t)bytes)
        fail_msg("sendto: %s", strerror(errno));
}

void datagrams_receive(int fd, struct arrivals *arrivals, size_t total)
{
    uint8_t data[2048];
    uint32_t number;
    while (arrivals->total < total) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        if (poll(&wait, 1, NETWORK_LIMIT_MS) != 1)
            fail_msg("%zu of %zu datagrams came", arrivals->total, total);
        assert_true(recv(fd, data, sizeof data, 0) >= (ssize_t)sizeof number);
        memcpy(&number, data, sizeof number);
        assert_true(number < DATAGRAM_NUMBERS);
        arrivals->count[number]++;
        arrivals->total++;
    }
}

// ---- control

void network_ask(const struct network *network, const char *line, char *answer, size_t bytes)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/link.control", network->folder);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval limit = {.tv_sec = NETWORK_LIMIT_MS / 1000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) < 0)
        fail_msg("link.control: %s", strerror(errno));
    CLEANUP_FREE char *request = memory_printf("%s\n", line);
    assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
    ssize_t got = recv(fd, answer, bytes - 1, MSG_WAITALL); // it hangs up behind its answer
    close(fd);
    answer[got > 0 ? got : 0] = '\0';
}

void network_must(const struct network *network, const char *line)
{
    char answer[1024];
    network_ask(network, line, answer, sizeof answer);
    if (strcmp(answer, "{\"ok\":true}\n") != 0)
        fail_msg("%s: %s", line, answer);
}

// ---- capture

static uint32_t word(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

// A packet block: its options stand behind the frame, a comment is option 1.
static void look_at(const uint8_t *block, uint32_t length, uint16_t port, struct captured *captured)
{
    const uint8_t *frame = block + 28, *end = block + length - 4;
    uint32_t interface = word(block + 8), kept = word(block + 20), number;
    size_t udp = 14 + (frame[14] >> 4 == 4 ? 20U : 40U);
    captured->packets++;
    if (kept < udp + 8 + sizeof number || ((unsigned)frame[udp + 2] << 8 | frame[udp + 3]) != port)
        return;
    memcpy(&number, frame + udp + 8, sizeof number);
    if (number >= DATAGRAM_NUMBERS)
        return;
    if (interface == 0)
        captured->out[number]++;
    else
        captured->in[number]++;
    for (const uint8_t *option = frame + (kept + 3) / 4 * 4; option + 4 <= end && word(option) != 0;) {
        uint32_t bytes = word(option) >> 16;
        if ((word(option) & 0xffff) == 1 && memmem(option + 4, bytes, "dropped", 7))
            captured->dropped[number] = true;
        option += 4 + (bytes + 3) / 4 * 4;
    }
}

void capture_read(const struct network *network, uint16_t port, struct captured *captured)
{
    size_t size, at = 0;
    CLEANUP_FREE char *text = network_file(network, "network.pcapng", &size);
    assert_non_null(text);
    const uint8_t *file = (const uint8_t *)text;
    *captured = (struct captured){0};
    while (at + 12 <= size) {
        uint32_t length = word(file + at + 4);
        if (length < 12 || length % 4 != 0 || at + length > size || word(file + at + length - 4) != length)
            break;
        if (word(file + at) == 6)
            look_at(file + at, length, port, captured);
        at += length;
    }
    captured->whole = at == size;
}

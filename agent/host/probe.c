#include "agent/host/probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/host/backend.h"
#include "common/system/file.h"
#include "common/system/loop.h"
#include "common/system/net_tables.h"
#include "services/sdk/handle.h"

#define NS_PER_MS UINT64_C(1000000)
// Most servers are ready within some milliseconds; after that nobody notices 20.
#define PROBE_FIRST_MS 2
#define PROBE_LAST_MS 20
// One HTTP exchange of a probe: a server that takes longer is not ready, and is asked again.
#define PROBE_HTTP_MS 500

// ---- HTTP

static int connect_to(const char *address, int port)
{
    const bool is_v6 = strchr(address, ':') != NULL;
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    if (inet_pton(is_v6 ? AF_INET6 : AF_INET, address, is_v6 ? (void *)&v6.sin6_addr : (void *)&v4.sin_addr) != 1) {
        return -1;
    }
    const int fd = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const struct sockaddr *to = is_v6 ? (const struct sockaddr *)&v6 : (const struct sockaddr *)&v4;
    if (fd >= 0 && connect(fd, to, is_v6 ? sizeof(v6) : sizeof(v4)) < 0 && errno != EINPROGRESS) {
        close(fd);
        return -1;
    }
    return fd;
}

static bool wait_for(int fd, short events, uint64_t end_ns)
{
    const uint64_t now_ns = clock_boottime_ns();
    struct pollfd poll_fd = {.fd = fd, .events = events};
    return now_ns < end_ns && poll(&poll_fd, 1, (int)((end_ns - now_ns) / NS_PER_MS) + 1) > 0;
}

// The status of the answer; 0: none came.
static int http_status(int fd, const char *address, const char *path, uint64_t end_ns)
{
    char request[1024], answer[64] = "";
    const int bytes = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, address);
    size_t have = 0;
    if (bytes >= (int)sizeof(request) || !wait_for(fd, POLLOUT, end_ns) || send(fd, request, (size_t)bytes, MSG_NOSIGNAL) != bytes) {
        return 0;
    }
    while (have < strlen("HTTP/1.1 200") && wait_for(fd, POLLIN, end_ns)) {
        const ssize_t got = recv(fd, answer + have, sizeof(answer) - 1 - have, 0);
        if (got <= 0) {
            break;
        }
        have += (size_t)got;
    }
    if (strncmp(answer, "HTTP/1.", 7) != 0 || have < strlen("HTTP/1.1 200")) {
        return 0;
    }
    return (int)strtol(answer + strlen("HTTP/1.1 "), NULL, 10);
}

static bool http_answers(const char *address, const struct readiness *readiness)
{
    const int fd = connect_to(address, readiness->port);
    if (fd < 0) {
        return false;
    }
    const int status = http_status(fd, address, readiness->text, clock_boottime_ns() + PROBE_HTTP_MS * NS_PER_MS);
    close(fd);
    return status != 0 && (readiness->status == 0 || readiness->status == status);
}

// ---- all kinds

// TCP is seen in the kernel's table as well: once a socket listens the kernel accepts, and the probe is not the server's first client.
static bool holds(struct host *host, struct panther_service *service, const struct readiness *readiness)
{
    const char *address = panther_own_address(service);
    switch (readiness->kind) {
    case READINESS_TCP:
        return net_port_is_bound(NET_TCP, address, (uint16_t)readiness->port, NULL) == 1;
    case READINESS_UDP:
        return net_port_is_bound(NET_UDP, address, (uint16_t)readiness->port, NULL) == 1;
    case READINESS_HTTP:
        return http_answers(address, readiness);
    case READINESS_LINE:
        return backend_line_is_seen(host, readiness->watch);
    case READINESS_FILE:
        return file_exists(readiness->text);
    case READINESS_CALLBACK:
        return readiness->is_ready(service);
    }
    return false;
}

static void describe(const struct readiness *readiness, const char *address, char *text, size_t text_bytes)
{
    switch (readiness->kind) {
    case READINESS_TCP:
        snprintf(text, text_bytes, "nothing listens on %s TCP port %d", address, readiness->port);
        return;
    case READINESS_UDP:
        snprintf(text, text_bytes, "no socket is bound to %s UDP port %d", address, readiness->port);
        return;
    case READINESS_HTTP:
        snprintf(text, text_bytes, "no fitting answer to GET http://%s:%d%s", address, readiness->port, readiness->text);
        return;
    case READINESS_LINE:
        snprintf(text, text_bytes, "no line matched \"%.1000s\"", readiness->text);
        return;
    case READINESS_FILE:
        snprintf(text, text_bytes, "file %.1000s did not appear", readiness->text);
        return;
    case READINESS_CALLBACK:
        snprintf(text, text_bytes, "%.1000s", readiness->text);
        return;
    }
}

static const struct readiness *first_missing(struct host *host, struct panther_service *service)
{
    for (size_t i = 0; i < service->readiness_count; i++) {
        struct readiness *readiness = &service->readiness[i];
        readiness->holds = readiness->holds || holds(host, service, readiness);
        if (!readiness->holds) {
            return readiness;
        }
    }
    return NULL;
}

static bool has_crashed(struct host *host, char *text, size_t text_bytes)
{
    pthread_mutex_lock(&host->lock);
    const struct process *process = processes_crashed(&host->processes);
    if (process != NULL && process->exit.signal != 0) {
        snprintf(text, text_bytes, "%s was ended by signal %d before it was ready", process->name, process->exit.signal);
    } else if (process != NULL) {
        snprintf(text, text_bytes, "%s ended with status %d before it was ready", process->name, process->exit.status);
    }
    pthread_mutex_unlock(&host->lock);
    return process != NULL;
}

static void pause_between(struct host *host, unsigned round)
{
    const unsigned ms = PROBE_FIRST_MS + round < PROBE_LAST_MS ? PROBE_FIRST_MS + round : PROBE_LAST_MS;
    pthread_mutex_lock(&host->lock);
    host_wait_change(host, clock_boottime_ns() + ms * NS_PER_MS);
    pthread_mutex_unlock(&host->lock);
}

int probe_until_ready(struct host *host, struct panther_service *service, char *text, size_t text_bytes)
{
    for (unsigned round = 0;; round++) {
        if (has_crashed(host, text, text_bytes)) {
            return PANTHER_FAILED;
        }
        const struct readiness *missing = first_missing(host, service);
        if (missing == NULL) {
            return 0;
        }
        if (panther_is_cancelled(service)) {
            describe(missing, panther_own_address(service), text, text_bytes);
            return PANTHER_FAILED;
        }
        pause_between(host, round);
    }
}

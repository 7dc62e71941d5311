#include "relay.h"

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/error.h"

#define LOOK_MS 10
#define BLOCK_BYTES 65536

static struct sockaddr_in loopback(unsigned port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

// False: that end has closed.
static bool pass(int from, int to)
{
    static char block[BLOCK_BYTES]; // of the one thread
    ssize_t count = recv(from, block, sizeof block, MSG_DONTWAIT);
    return count > 0 && send(to, block, (size_t)count, MSG_NOSIGNAL) == count;
}

static void pass_all(struct relay *relay)
{
    bool goes_on = true;
    while (goes_on && !atomic_load(&relay->ends)) {
        struct pollfd items[] = {{relay->near_fd, POLLIN, 0}, {relay->far_fd, POLLIN, 0}};
        bool is_held = atomic_load(&relay->is_held);
        atomic_store(&relay->is_quiet, is_held);
        if (is_held) {
            poll(NULL, 0, LOOK_MS);
            continue;
        }
        if (poll(items, 2, LOOK_MS) <= 0)
            continue;
        if (items[0].revents)
            goes_on = pass(relay->near_fd, relay->far_fd);
        if (goes_on && items[1].revents)
            goes_on = pass(relay->far_fd, relay->near_fd);
    }
}

static void *run(void *argument)
{
    struct relay *relay = argument;
    struct pollfd item = {relay->listen_fd, POLLIN, 0};
    while (poll(&item, 1, LOOK_MS) == 0 && !atomic_load(&relay->ends))
        ;
    if (atomic_load(&relay->ends))
        return NULL;
    const struct sockaddr_in address = loopback(relay->target_port);
    relay->near_fd = accept4(relay->listen_fd, NULL, NULL, SOCK_CLOEXEC);
    relay->far_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (relay->near_fd >= 0 && connect(relay->far_fd, (const struct sockaddr *)&address, sizeof address) == 0)
        pass_all(relay);
    close(relay->near_fd);
    close(relay->far_fd);
    return NULL;
}

void relay_begin(struct relay *relay, const char *target)
{
    *relay = (struct relay){.listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), .near_fd = -1, .far_fd = -1};
    relay->target_port = (unsigned)strtoul(strrchr(target, ':') + 1, NULL, 10);
    struct sockaddr_in address = loopback(0);
    socklen_t bytes = sizeof address;
    int status = bind(relay->listen_fd, (const struct sockaddr *)&address, sizeof address) | listen(relay->listen_fd, 1) |
                 getsockname(relay->listen_fd, (struct sockaddr *)&address, &bytes);
    INVARIANT(status == 0);
    snprintf(relay->endpoint, sizeof relay->endpoint, "tcp://127.0.0.1:%u", ntohs(address.sin_port));
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    status = pthread_create(&relay->thread, NULL, run, relay);
    INVARIANT(status == 0);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void relay_hold(struct relay *relay)
{
    atomic_store(&relay->is_held, true);
    while (!atomic_load(&relay->is_quiet))
        poll(NULL, 0, 1);
}

void relay_let_go(struct relay *relay)
{
    atomic_store(&relay->is_held, false);
    atomic_store(&relay->is_quiet, false);
}

void relay_end(struct relay *relay)
{
    atomic_store(&relay->ends, true);
    pthread_join(relay->thread, NULL);
    close(relay->listen_fd);
}

#include "agent/host/link.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/host/results.h"
#include "common/base/limits.h"
#include "common/wire/wire.h"

_Noreturn static void guard_is_gone(const char *what)
{
    if (errno != EPIPE && errno != ECONNRESET && errno != 0) {
        fprintf(stderr, "panther-service: %s the guard: %s\n", what, strerror(errno));
    }
    _exit(HOST_EXIT_GUARD_GONE);
}

void link_send(struct link *link, const Pb__HostNotice *notice)
{
    size_t bytes = 0;
    if (link->results != NULL) {
        results_flush(link->results);
    }
    uint8_t *data = wire_pack(notice, link->arena, &bytes);
    while (send(link->fd, data, bytes, MSG_NOSIGNAL) < 0) {
        if (errno != EINTR) {
            guard_is_gone("cannot send to");
        }
    }
    if (link->arena != NULL) {
        arena_reset(link->arena);
    } else {
        free(data);
    }
}

const char *link_try(struct link *link, const Pb__HostNotice *notice)
{
    const char *problem = host_notice_invalid(notice);
    if (problem == NULL) {
        link_send(link, notice);
    }
    return problem;
}

Pb__HostRequest *link_receive(int fd, struct arena *arena)
{
    static uint8_t packet[GUARD_PACKET_MAX_BYTES + 1];
    struct panther_error error = {0};
    const ssize_t bytes = recv(fd, packet, sizeof(packet), MSG_DONTWAIT);
    if (bytes < 0) {
        if (errno == EAGAIN || errno == EINTR) {
            return NULL;
        }
        guard_is_gone("cannot read from");
    }
    if (bytes == 0) {
        errno = 0;
        guard_is_gone("end of");
    }
    Pb__HostRequest *request = wire_host_request(packet, (size_t)bytes, arena, &error);
    if (request == NULL) {
        fprintf(stderr, "panther-service: the guard sent what is no request: %s\n", error.message);
        _exit(HOST_EXIT_GUARD_GONE);
    }
    return request;
}

// What get_status of the plugin says, asked beside a call that runs.
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>

#include "common/system/loop.h"
#include "common/wire/wire.h"
#include "services/sdk/harness/harness.h"

#define NS_PER_MS UINT64_C(1000000)

static int send_request(struct panther_test *test)
{
    Pb__GuardRequest request;
    Pb__HostStatusRequest body;
    size_t bytes = 0;
    pb__guard_request__init(&request);
    pb__host_status_request__init(&body);
    request.body_case = PB__GUARD_REQUEST__BODY_STATUS;
    request.status = &body;
    uint8_t *data = wire_pack(&request, NULL, &bytes);
    const ssize_t sent = test->socket < 0 ? -1 : send(test->socket, data, bytes, MSG_NOSIGNAL);
    free(data);
    return sent == (ssize_t)bytes ? 0 : harness_problem(test, "the guard is not there to ask for the status");
}

// Other notices only say that the spool has grown, which its reader sees by itself.
static bool take(struct panther_test *test, const char *packet, size_t bytes, struct harness_status *status)
{
    struct panther_error error = {0};
    const Pb__GuardNotice *notice = wire_guard_notice(packet, bytes, test->arena, &error);
    if (notice == NULL || notice->body_case != PB__GUARD_NOTICE__BODY_STATUS) {
        return false;
    }
    snprintf(status->state, sizeof(status->state), "%s", notice->status->state);
    snprintf(status->text, sizeof(status->text), "%s", notice->status->text);
    snprintf(status->phase, sizeof(status->phase), "%s", notice->status->phase);
    status->failed = notice->status->failed;
    return true;
}

int harness_ask_status(struct panther_test *test, uint64_t timeout_ms, struct harness_status *status)
{
    static char packet[GUARD_PACKET_MAX_BYTES];
    const uint64_t begin_ns = clock_boottime_ns(), end_ns = begin_ns + timeout_ms * NS_PER_MS;
    harness_renew_leases();
    if (send_request(test) < 0) {
        return -1;
    }
    for (uint64_t now_ns = begin_ns; now_ns < end_ns; now_ns = clock_boottime_ns()) {
        struct pollfd fd = {.fd = test->socket, .events = POLLIN};
        if (poll(&fd, 1, (int)((end_ns - now_ns) / NS_PER_MS) + 1) <= 0) {
            continue;
        }
        const ssize_t bytes = recv(test->socket, packet, sizeof(packet), MSG_DONTWAIT);
        if (bytes == 0) {
            return harness_problem(test, "the guard has ended");
        }
        if (bytes > 0 && take(test, packet, (size_t)bytes, status)) {
            status->took_ns = clock_boottime_ns() - begin_ns;
            return 0;
        }
    }
    return harness_problem(test, "no answer to get_status within %llu ms", (unsigned long long)timeout_ms);
}

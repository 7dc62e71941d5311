// See agent_link.h. What grows is told as a level, not as a list: an agent that is slow to read gets only the newest.
#include "agent/guard/agent_link.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/guard/packets.h"
#include "agent/guard/streams.h"
#include "common/base/limits.h"
#include "common/base/memory.h"
#include "common/system/log.h"
#include "common/system/loop.h"
#include "common/wire/wire.h"

// Streams are told of ten times a second: people follow logs, machines do not.
#define STREAMS_PERIOD_NS (100ULL * 1000 * 1000)
// A name and a number each: far below a packet.
#define STREAMS_PER_PACKET_MAX 256
#define BACKLOG 8

struct agent_link {
    struct loop *loop;
    int listen_fd;
    struct loop_source *listen_source, *streams_timer;
    struct packets *agent;     // attached
    struct packets *candidate; // connected, has not said who it is
    struct streams *streams;
    struct arena *arena;
    bool spool_grown, streams_grown, timer_runs;
    uint64_t bytes, sequence;
    struct agent_link_callbacks callbacks;
    void *context;
};

// ---- what is told

static void send_spool(struct agent_link *link)
{
    Pb__GuardNotice notice;
    Pb__SpoolGrown grown;
    pb__guard_notice__init(&notice);
    pb__spool_grown__init(&grown);
    grown.bytes = link->bytes;
    grown.sequence = link->sequence;
    notice.body_case = PB__GUARD_NOTICE__BODY_SPOOL;
    notice.spool = &grown;
    link->spool_grown = false;
    packets_send(link->agent, &notice);
}

static void send_streams(struct agent_link *link)
{
    Pb__GuardNotice notice;
    Pb__StreamsGrown grown;
    pb__guard_notice__init(&notice);
    pb__streams_grown__init(&grown);
    arena_reset(link->arena);
    link->streams_grown = streams_report(link->streams, STREAMS_PER_PACKET_MAX, &grown, link->arena);
    notice.body_case = PB__GUARD_NOTICE__BODY_STREAMS;
    notice.streams = &grown;
    if (grown.n_streams > 0)
        packets_send(link->agent, &notice);
}

static bool agent_can_take(const struct agent_link *link)
{
    return link->agent && packets_queued_bytes(link->agent) == 0;
}

static void tell_spool(struct agent_link *link)
{
    if (link->spool_grown && agent_can_take(link))
        send_spool(link);
}

void agent_link_status(struct agent_link *link, Pb__HostStatus *status)
{
    Pb__GuardNotice notice;
    pb__guard_notice__init(&notice);
    notice.body_case = PB__GUARD_NOTICE__BODY_STATUS;
    notice.status = status;
    if (agent_can_take(link))
        packets_send(link->agent, &notice);
}

// Nobody there: who asked asks again.
void agent_link_shell(struct agent_link *link, Pb__ShellAnswer *answer)
{
    Pb__GuardNotice notice;
    pb__guard_notice__init(&notice);
    notice.body_case = PB__GUARD_NOTICE__BODY_SHELL;
    notice.shell = answer;
    if (link->agent)
        packets_send(link->agent, &notice);
}

// For an agent that has just come, or could not take it when the spool grew.
static int after_round(void *context)
{
    tell_spool(context);
    return 0;
}

static void streams_due(void *context)
{
    struct agent_link *link = context;
    link->timer_runs = false;
    if (link->agent && !agent_can_take(link))
        agent_link_streams_grown(link);
    else if (link->agent && link->streams_grown)
        send_streams(link);
    if (link->agent && link->streams_grown)
        agent_link_streams_grown(link);
}

void agent_link_spool_grown(struct agent_link *link, uint64_t bytes, uint64_t sequence)
{
    link->bytes = bytes;
    link->sequence = sequence;
    link->spool_grown = true;
    tell_spool(link);
}

void agent_link_streams_grown(struct agent_link *link)
{
    link->streams_grown = true;
    if (link->timer_runs)
        return;
    link->timer_runs = true;
    loop_timer_set(link->streams_timer, clock_boottime_ns() + STREAMS_PERIOD_NS);
}

// ---- who listens

static void send_state(struct agent_link *link)
{
    Pb__GuardNotice notice;
    Pb__GuardState state;
    pb__guard_notice__init(&notice);
    pb__guard_state__init(&state);
    state.version = GUARD_PROTOCOL_VERSION;
    link->callbacks.state(link->context, &state);
    link->bytes = state.spool_bytes;
    notice.body_case = PB__GUARD_NOTICE__BODY_STATE;
    notice.state = &state;
    packets_send(link->agent, &notice);
}

static void agent_received(void *context, const void *data, size_t bytes);
static void agent_closed(void *context, const char *why);

static void candidate_closed(void *context, const char *why)
{
    struct agent_link *link = context;
    log_debug("a connection that did not attach: %s", why);
    packets_free(&link->candidate);
}

static bool speaks_our_version(uint32_t version)
{
    return version + 1 >= GUARD_PROTOCOL_VERSION && version <= GUARD_PROTOCOL_VERSION + 1;
}

// The candidate's first words. Its packets get new callbacks by becoming the agent's.
static void candidate_received(void *context, const void *data, size_t bytes)
{
    struct agent_link *link = context;
    struct panther_error error = {0};
    arena_reset(link->arena);
    Pb__GuardRequest *request = wire_guard_request(data, bytes, link->arena, &error);
    if (!request || request->body_case != PB__GUARD_REQUEST__BODY_ATTACH) {
        log_warning("a connection is refused: %s", request ? "it does not begin with attach" : error.message);
        packets_free(&link->candidate);
        return;
    }
    bool fits = speaks_our_version(request->attach->version);
    if (!fits)
        log_error("agent %s speaks version %u of the guard's protocol, this guard speaks %d", request->attach->agent,
                  request->attach->version, GUARD_PROTOCOL_VERSION);
    else if (link->agent)
        log_info("agent %s attached and replaces the one before", request->attach->agent);
    packets_free(&link->agent);
    link->agent = link->candidate;
    link->candidate = NULL;
    packets_redirect(link->agent, agent_received, agent_closed);
    send_state(link);
    if (!fits) { // told our version, so that it can say why
        packets_free(&link->agent);
        return;
    }
    streams_forget_reports(link->streams);
    link->spool_grown = true;
    agent_link_streams_grown(link);
}

static void agent_received(void *context, const void *data, size_t bytes)
{
    struct agent_link *link = context;
    struct panther_error error = {0};
    arena_reset(link->arena);
    Pb__GuardRequest *request = wire_guard_request(data, bytes, link->arena, &error);
    if (!request) {
        log_warning("the agent is cut off: %s", error.message);
        packets_free(&link->agent);
        return;
    }
    if (request->body_case != PB__GUARD_REQUEST__BODY_ATTACH)
        link->callbacks.received(link->context, request);
}

static void agent_closed(void *context, const char *why)
{
    struct agent_link *link = context;
    log_info("the agent is gone (%s); working on under the lease", why);
    packets_free(&link->agent);
}

static bool is_ours(int fd)
{
    struct ucred peer;
    socklen_t bytes = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) < 0)
        return false;
    return peer.uid == geteuid() || peer.uid == 0;
}

static void accept_one(void *context, int fd, uint32_t events)
{
    (void)events;
    struct agent_link *link = context;
    int connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (connection < 0)
        return;
    if (!is_ours(connection)) {
        log_warning("a connection of another user is refused");
        close(connection);
        return;
    }
    packets_free(&link->candidate);
    link->candidate = packets_new(link->loop, connection, candidate_received, candidate_closed, link);
}

// ---- socket

// Bound under another name and renamed once it listens: whoever sees it can connect.
static int listen_at(const char *path, struct panther_error *error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int written = snprintf(address.sun_path, sizeof address.sun_path, "%s.new", path);
    INVARIANT(written > 0 && (size_t)written < sizeof address.sun_path);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return error_system(error, errno, "cannot make the socket %s", path);
    unlink(address.sun_path);
    if (bind(fd, (const struct sockaddr *)&address, sizeof address) < 0 || listen(fd, BACKLOG) < 0 || rename(address.sun_path, path) < 0) {
        int problem = error_system(error, errno, "cannot listen at %s", path);
        close(fd);
        return problem;
    }
    return fd;
}

int agent_link_listen(struct agent_link **out, struct loop *loop, const char *path, struct streams *streams,
                      const struct agent_link_callbacks *callbacks, void *context, struct panther_error *error)
{
    int fd = listen_at(path, error);
    if (fd < 0)
        return fd;
    struct agent_link *link = NEW(struct agent_link);
    *link = (struct agent_link){.loop = loop, .listen_fd = fd, .streams = streams, .callbacks = *callbacks, .context = context};
    link->arena = arena_new(UNPACK_MAX_BYTES);
    link->streams_timer = loop_timer(loop, streams_due, link);
    link->listen_source = loop_watch(loop, fd, EPOLLIN, accept_one, link);
    loop_after_round(loop, after_round, link);
    *out = link;
    return 0;
}

void agent_link_close(struct agent_link **pointer)
{
    struct agent_link *link = *pointer;
    if (!link)
        return;
    packets_free(&link->agent);
    packets_free(&link->candidate);
    loop_remove(&link->streams_timer);
    loop_remove(&link->listen_source);
    close(link->listen_fd);
    arena_free(&link->arena);
    free(link);
    *pointer = NULL;
}

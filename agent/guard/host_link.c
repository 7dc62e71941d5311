// See host_link.h.
#include "agent/guard/host_link.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/guard/environment.h"
#include "agent/guard/packets.h"
#include "agent/guard/processes.h"
#include "agent/guard/streams.h"
#include "agent/guard/trampoline.h"
#include "common/base/memory.h"

#define HOST_STREAM "host.stderr"

struct host_link {
    struct packets *packets;
    struct stream *stream; // NULL: at its end
    char *tail;            // then
    pid_t pid;
    int pidfd, status_fd;
    bool lives;
    struct host_link_callbacks callbacks;
    void *context;
};

static void received(void *context, const void *data, size_t bytes)
{
    struct host_link *link = context;
    link->callbacks.received(link->context, data, bytes);
}

// A host that closes its socket and lives on can do nothing any more.
static void closed(void *context, const char *why)
{
    (void)why;
    host_link_kill(context);
}

static void stream_ended(void *context, struct stream *stream)
{
    struct host_link *link = context;
    link->tail = stream_tail(stream);
    link->stream = NULL;
}

static int spawn(struct host_link *link, const Pb__GuardSpec *spec, const char *marker, const char *cgroup, int channel_fd, int output_fd,
                 struct panther_error *error)
{
    struct arena *arena = arena_new(0);
    const char *argv[] = {spec->host_program, "--fd", "3", NULL};
    struct trampoline trampoline = {
        .name = "the plugin host",
        .argv = argv,
        .environment = environment_own(arena, marker),
        .folder = spec->work_path,
        .cgroup = cgroup,
        .channel_fd = channel_fd,
        .stdout_fd = output_fd,
        .stderr_fd = output_fd,
    };
    int problem = trampoline_spawn(&trampoline, &link->pid, &link->pidfd, &link->status_fd, error);
    arena_free(&arena);
    return problem;
}

static void close_both(int fds[2])
{
    for (int i = 0; i < 2; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

int host_link_start(struct host_link **out, struct loop *loop, struct streams *streams, const Pb__GuardSpec *spec, const char *marker,
                    const char *cgroup, const struct host_link_callbacks *callbacks, void *context, struct panther_error *error)
{
    int channel[2] = {-1, -1}, output[2] = {-1, -1}, problem;
    struct host_link *link = NEW(struct host_link);
    *link = (struct host_link){.pidfd = -1, .status_fd = -1, .callbacks = *callbacks, .context = context};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel) < 0 || pipe2(output, O_CLOEXEC) < 0)
        problem = error_system(error, errno, "cannot start the plugin host");
    else
        problem = spawn(link, spec, marker, cgroup, channel[1], output[1], error);
    if (problem < 0) {
        close_both(channel);
        close_both(output);
        free(link);
        return problem;
    }
    close(channel[1]);
    close(output[1]);
    link->lives = true;
    link->packets = packets_new(loop, channel[0], received, closed, link);
    link->stream = stream_open(streams, HOST_STREAM, 0);
    stream_read_from(link->stream, output[0], false, stream_ended, link);
    *out = link;
    return 0;
}

void host_link_free(struct host_link **link)
{
    if (!*link)
        return;
    packets_free(&(*link)->packets);
    free((*link)->tail);
    if ((*link)->pidfd >= 0)
        close((*link)->pidfd);
    if ((*link)->status_fd >= 0)
        close((*link)->status_fd);
    free(*link);
    *link = NULL;
}

bool host_link_lives(const struct host_link *link)
{
    return link && link->lives;
}

void host_link_send(struct host_link *link, const Pb__HostRequest *request)
{
    if (host_link_lives(link) && link->packets)
        packets_send(link->packets, request);
}

size_t host_link_queued_bytes(const struct host_link *link)
{
    return link && link->packets ? packets_queued_bytes(link->packets) : 0;
}

void host_link_pause(struct host_link *link, bool paused)
{
    if (host_link_lives(link) && link->packets)
        packets_pause(link->packets, paused);
}

void host_link_close(struct host_link *link)
{
    if (link)
        packets_free(&link->packets);
}

// Its whole group: a plugin may have forked by itself.
void host_link_kill(struct host_link *link)
{
    if (host_link_lives(link) && kill(-link->pid, SIGKILL) < 0)
        process_signal(link->pidfd, SIGKILL);
}

bool host_link_ended(struct host_link *link, const struct process_end *end)
{
    char problem[512];
    if (!host_link_lives(link) || end->pid != link->pid)
        return false;
    if (link->packets)
        packets_drain(link->packets);
    link->lives = false;
    packets_free(&link->packets);
    bool never_ran = trampoline_status(link->status_fd, problem, sizeof problem) == 1;
    leftovers_kill(link->pid, NULL);
    if (link->stream)
        stream_drain(link->stream);
    CLEANUP_FREE char *tail = link->stream ? stream_tail(link->stream) : memory_string(link->tail);
    link->callbacks.ended(link->context, end, never_ran ? problem : NULL, tail);
    return true;
}

void host_link_end_stream(struct host_link *link)
{
    if (link && link->stream)
        stream_drain(link->stream);
    if (link && link->stream)
        stream_end(link->stream, NULL);
}

// The plugin host: the child that loads the plugin and may crash, hang or flood, and the socket to it.
#ifndef PANTHER_AGENT_GUARD_HOST_LINK_H
#define PANTHER_AGENT_GUARD_HOST_LINK_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/error.h"
#include "common/system/process.h"
#include "panther/v1/guard.pb-c.h"

struct events;
struct host_link;
struct loop;
struct streams;

struct host_link_callbacks {
    void (*received)(void *context, const void *data, size_t bytes);
    // It is gone: all that it sent has been received. problem: why it never ran, or NULL. tail: its last words.
    void (*ended)(void *context, const struct process_end *end, const char *problem, const char *tail);
};

int host_link_start(struct host_link **out, struct loop *loop, struct streams *streams, const Pb__GuardSpec *spec, const char *marker,
                    const char *cgroup, const struct host_link_callbacks *callbacks, void *context, struct panther_error *error);
void host_link_free(struct host_link **link);
bool host_link_lives(const struct host_link *link);
void host_link_send(struct host_link *link, const Pb__HostRequest *request); // to a dead one: nothing happens
size_t host_link_queued_bytes(const struct host_link *link);
void host_link_pause(struct host_link *link, bool paused);
void host_link_close(struct host_link *link); // its work is done: it ends by itself when the socket does
void host_link_kill(struct host_link *link);
bool host_link_ended(struct host_link *link, const struct process_end *end); // a child ended; false: another one
void host_link_end_stream(struct host_link *link);                           // host.stderr, once nobody can write to it any more

#endif

// The host's end of the socket to its guard: one packed message a packet. Sends block (that is the back-pressure a flooding plugin
// gets); when the guard is gone the process ends at once, since nobody is left who would answer for it.
#ifndef PANTHER_AGENT_HOST_LINK_H
#define PANTHER_AGENT_HOST_LINK_H

#include "common/base/memory.h"
#include "panther/v1/guard.pb-c.h"

#define HOST_EXIT_GUARD_GONE 3

struct results;

struct link {
    int fd;
    struct arena *arena;     // scratch of one thread; NULL: packed on the heap, for any thread
    struct results *results; // that go before anything that is said here; NULL: none
};

void link_send(struct link *link, const Pb__HostNotice *notice);
// The same for what a plugin made: NULL, or why the guard would refuse it (then it is not sent).
const char *link_try(struct link *link, const Pb__HostNotice *notice);
// The next request without waiting; NULL: none is there. Lives in the arena.
Pb__HostRequest *link_receive(int fd, struct arena *arena);

#endif

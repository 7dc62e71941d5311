// The socket guard.sock: exactly one agent at a time; a newer one that attaches replaces the older. A guard without an agent goes on
// working, so nothing here is waited for.
#ifndef PANTHER_AGENT_GUARD_AGENT_LINK_H
#define PANTHER_AGENT_GUARD_AGENT_LINK_H

#include <stdint.h>

#include "common/base/error.h"
#include "panther/v1/guard.pb-c.h"

struct agent_link;
struct loop;
struct streams;

struct agent_link_callbacks {
    void (*state)(void *context, Pb__GuardState *state); // fill in: an agent has attached
    void (*received)(void *context, const Pb__GuardRequest *request);
};

// Listens at a relative path: sun_path has 108 bytes, so the guard runs in its folder.
int agent_link_listen(struct agent_link **out, struct loop *loop, const char *path, struct streams *streams,
                      const struct agent_link_callbacks *callbacks, void *context, struct panther_error *error);
void agent_link_close(struct agent_link **link);
void agent_link_spool_grown(struct agent_link *link, uint64_t bytes, uint64_t sequence);
void agent_link_streams_grown(struct agent_link *link);
void agent_link_status(struct agent_link *link, Pb__HostStatus *status); // to who is attached
void agent_link_shell(struct agent_link *link, Pb__ShellAnswer *answer); // the same

#endif

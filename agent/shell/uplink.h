// The control link: one bus_link per session, opened and closed as the core says.
#ifndef PANTHER_AGENT_SHELL_UPLINK_H
#define PANTHER_AGENT_SHELL_UPLINK_H

#include "agent/shell/reactor.h"
#include "common/bus/bus.h"

struct uplink;
struct uplink_callbacks {
    // The coordinator's bulk port is known (and may have changed).
    void (*on_bulk_port)(void *context, uint32_t port);
};
struct uplink *uplink_new(struct loop *loop, struct reactor *reactor, const struct bus_peer_file *peer,
                          const struct uplink_callbacks *callbacks, void *context);
void uplink_free(struct uplink **uplink);
void uplink_open(struct uplink *uplink);
void uplink_close(struct uplink *uplink);
void uplink_send(struct uplink *uplink, const Pb__Envelope *envelope);
void uplink_send_events(struct uplink *uplink, uint64_t first, uint32_t count);

#endif

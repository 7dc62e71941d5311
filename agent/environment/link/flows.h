// The flows that one end began towards another, as a NAT before it sees them: a flow gets another source port or address, answers find
// their way back, and what is sent to the old one is lost. Pure, bounded; called by switch.c.
#ifndef PANTHER_AGENT_ENVIRONMENT_LINK_FLOWS_H
#define PANTHER_AGENT_ENVIRONMENT_LINK_FLOWS_H

#include "agent/environment/link/packet.h"
#include "common/schema/conditions.h"

struct flows;
struct flows *flows_new(void);
void flows_free(struct flows **flows);

struct flows_rebind {
    enum condition_nat nat;
    uint64_t begun_ns, after_ns;    // when the condition began; after_ns 0: what flowed before that
    unsigned epoch;                 // which condition: each strikes a flow once
    const uint8_t *other4, *other6; // the sender's other addresses
};

// A packet of the end that this table is about. *rebound: this one is the first from a new source. Returns whether it was changed.
bool flows_leave(struct flows *flows, uint8_t *frame, const struct packet_parts *parts, uint64_t now_ns, const struct flows_rebind *rebind,
                 uint64_t chance, bool *rebound);
enum flows_way { FLOWS_STRANGER, FLOWS_KNOWN, FLOWS_CHANGED, FLOWS_GONE };
// A packet to that end. GONE: it is for a source that its flow does not have any more.
enum flows_way flows_return(struct flows *flows, uint8_t *frame, const struct packet_parts *parts);

#endif

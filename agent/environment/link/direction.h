// One direction of the network, from a service to another: what holds on it, what became of its packets. Pure: the time comes with the
// packet.
#ifndef PANTHER_AGENT_ENVIRONMENT_LINK_DIRECTION_H
#define PANTHER_AGENT_ENVIRONMENT_LINK_DIRECTION_H

#include "agent/environment/link/fate.h"
#include "agent/environment/link/flows.h"
#include "agent/environment/link/packet.h"
#include "agent/environment/link/wire.h"
#include "common/schema/conditions.h"

// A packet that waits to be overtaken goes on alone after so long.
#define DIRECTION_HOLD_NS 25000000ULL

enum drop { DROP_NONE, DROP_DOWN, DROP_NTH, DROP_LOSS, DROP_QUEUE, DROP_NAT, DROP_MEMORY, DROP_DEVICE, DROPS };
const char *drop_name(enum drop drop); // "loss"

struct direction_counts {
    uint64_t sent, sent_bytes, delivered, delivered_bytes, duplicated, corrupted, reordered, marked, rebound, dropped[DROPS];
};

struct direction {
    const char *from, *to;
    struct conditions conditions;
    struct fates fates;
    uint64_t begun_ns; // when the conditions began
    uint64_t first_ns; // of the first packet under them; 0: none yet
    unsigned epoch;    // how often they did
    struct flows *flows;
    struct wire own, *shared; // shared: the network's; NULL: there is none
    uint64_t last_due_ns;     // when the latest packet is due
    size_t in_flight;         // counted by the switch
    void *held;               // the switch's: a packet that waits to be overtaken
    struct direction_counts counts;
};

// What becomes of one packet.
struct passage {
    enum drop drop;
    uint64_t number, due_ns;
    bool duplicate, hold, corrupted, marked, cleared, rebound;
};

// What is in flight keeps its time; what comes under the new conditions may overtake it, so that nothing waits for a rate that is history.
void direction_begin(struct direction *direction, uint64_t seed, const struct conditions *conditions, uint64_t now_ns);
void direction_free(struct direction *direction);
// Changes the frame as its receiver shall get it. back: the other direction of the pair. other4, other6: the sender's other addresses.
struct passage direction_pass(struct direction *direction, struct direction *back, uint8_t *frame, size_t bytes,
                              const struct packet_parts *parts, const uint8_t *other4, const uint8_t *other6, uint64_t now_ns);
void direction_dropped(struct direction *direction, enum drop drop);
void direction_delivered(struct direction *direction, size_t bytes);
// "dropped: loss, packet 17 of client to server"; false: there is nothing to say of it.
bool passage_text(const struct passage *passage, const struct direction *direction, char *text, size_t bytes);

#endif

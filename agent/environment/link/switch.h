// The switch: reads frames from the TAP devices of the places, does to each what holds in its direction, writes it to where it goes when it
// is due, and captures both. One thread, on a loop; what is in flight is bounded.
#ifndef PANTHER_AGENT_ENVIRONMENT_LINK_SWITCH_H
#define PANTHER_AGENT_ENVIRONMENT_LINK_SWITCH_H

#include "agent/environment/link/direction.h"
#include "agent/environment/link/pcapng.h"
#include "agent/environment/link/place.h"
#include "agent/environment/link/rules.h"
#include "common/system/loop.h"

// Packets that have a delay or wait for a rate: a second of 500 Mbit/s.
#define SWITCH_IN_FLIGHT_MAX_BYTES (64 * 1024 * 1024)

struct packet_switch;
struct switch_settings {
    struct loop *loop;
    const struct place *places;
    size_t place_count;
    const struct rules *rules;
    uint64_t seed;
    struct pcapng *capture;                                           // NULL: none
    uint64_t wall_offset_ns;                                          // of the capture's time against boottime
    void (*failed)(void *context, const struct panther_error *error); // it cannot go on
    void *context;
};

struct packet_switch *switch_new(const struct switch_settings *settings);
void switch_free(struct packet_switch **packet_switch);
void switch_rules_changed(struct packet_switch *packet_switch); // directions that the last request touched begin anew
// Packets that came more than SWITCH_LATE_NS after they were due, because this host did other things; and the worst of all.
#define SWITCH_LATE_NS 1000000ULL // a condition of some milliseconds is not true any more
struct switch_lateness {
    uint64_t late, worst_ns;
};
struct switch_lateness switch_lateness(const struct packet_switch *packet_switch);
// NULL: no packet went there yet.
const struct direction_counts *switch_counts(const struct packet_switch *packet_switch, size_t from, size_t to);

#endif

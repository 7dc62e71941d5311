// link.json: what became of all packets, a line of numbers for each direction that had some; written when asked and at the end.
#ifndef PANTHER_AGENT_ENVIRONMENT_LINK_STATISTICS_H
#define PANTHER_AGENT_ENVIRONMENT_LINK_STATISTICS_H

#include "agent/environment/link/switch.h"

struct statistics {
    const struct packet_switch *packet_switch;
    const struct place *places;
    size_t place_count;
    uint64_t wall_offset_ns, not_captured;
};
int statistics_write(const char *path, const struct statistics *statistics, struct panther_error *error);

#endif

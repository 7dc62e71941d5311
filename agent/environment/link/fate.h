// What becomes of packet n of one direction: drawn from (seed, from, to, n) alone, so that the same seed gives the same fate whenever the
// packet comes. n counts from 1 when the conditions of the direction begin. Pure; switch.c asks for every packet.
#ifndef PANTHER_AGENT_ENVIRONMENT_LINK_FATE_H
#define PANTHER_AGENT_ENVIRONMENT_LINK_FATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/schema/conditions.h"

enum fate_end { FATE_ARRIVES, FATE_DOWN, FATE_NTH, FATE_LOST };

struct fate {
    uint64_t number; // n
    enum fate_end end;
    bool duplicate, corrupt, reorder, mark;
    uint64_t delay_ns; // with its jitter
    uint64_t chance;   // for what is chosen in the packet: which bit, which port
};

struct fates {
    uint64_t key, number;
    bool in_burst;
    size_t next_drop;
};

// Again when the conditions of the direction begin anew: n starts at 1, and no burst goes on.
void fates_begin(struct fates *fates, uint64_t seed, const char *from, const char *to);
struct fate fates_next(struct fates *fates, const struct conditions *conditions);

#endif

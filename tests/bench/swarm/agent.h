// One simulated agent: a link, a session after the other, heartbeats, an outbox. It speaks as PROTOCOL.md says and backs off as
// panther-agent does, but keeps everything in memory.
#ifndef PANTHER_TESTS_BENCH_SWARM_AGENT_H
#define PANTHER_TESTS_BENCH_SWARM_AGENT_H

#include "board.h"
#include "common/base/identity.h"
#include "work.h"

// What all agents of a player share.
struct swarm {
    struct board *board;
    struct loop *loop;
    struct arena *unpacked, *scratch;
    Pb__PluginPresence **presences;
    Pb__DescribedPlugin **described;
    size_t plugin_count;
    char boot_id[ID128_TEXT_BYTES];
};
void swarm_begin(struct swarm *swarm, struct board *board);
void swarm_end(struct swarm *swarm);

struct agent;
struct agent *agent_new(struct swarm *swarm, uint32_t seat);
void agent_free(struct agent **agent);
void agent_connect(struct agent *agent);

#endif

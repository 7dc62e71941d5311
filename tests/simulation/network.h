// Connections between agents and the coordinator: what a socket does to them. In a connection frames arrive in their order and once, after
// a delay; a connection may be reset, cut in one direction (frames are held, as TCP does, until the cut heals or an end gives up), stall,
// or be closed by one end alone (half-open). A harsh world also drops, doubles and reorders frames.
#ifndef PANTHER_TESTS_SIMULATION_NETWORK_H
#define PANTHER_TESTS_SIMULATION_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct world;
struct agent_host;
struct link;

enum way { TO_COORDINATOR, TO_AGENT };

// The cables of one agent's host.
struct path {
    bool cut[2];
    uint64_t stalled_until_ns[2];
};

struct network *network_new(struct world *world);
void network_free(struct network **network);
struct link *network_open(struct agent_host *agent); // answered by agent_link_up or agent_link_lost
void network_send(struct link *link, enum way way, const void *data, size_t bytes);
void network_close(struct link *link, enum way told);  // after what was sent has left, the other end (in that direction) is told
void network_vanish(struct link *link, enum way told); // the host is gone without a word
void network_reset(struct link *link);
void network_agent_died(struct agent_host *agent, bool without_a_word); // all of its connections
void network_coordinator_died(struct world *world);
struct link *network_link_of(struct agent_host *agent); // its open one; NULL: none
void network_cut(struct agent_host *agent, enum way way, bool on);
void network_stall(struct agent_host *agent, enum way way, uint64_t until_ns);
struct link *network_link(const struct world *world, uint64_t route); // NULL: nobody there any more

uint64_t link_route(const struct link *link);
struct agent_host *link_agent(const struct link *link);
bool link_is_open(const struct link *link, enum way way); // the end that frames of this way arrive at
// A frame that was sent this way in an earlier connection or before, for those who send it again; NULL: there was none.
const void *network_old_frame(struct agent_host *agent, enum way way, size_t *bytes);

#endif

// The oracle: watches what is committed, what is said, and what truly lives, keeps books of its own, and says which promise is broken. It
// reads nothing that the cores keep about themselves; only the comparison of live and replayed state asks them to print it.
#ifndef PANTHER_TESTS_SIMULATION_ORACLE_H
#define PANTHER_TESTS_SIMULATION_ORACLE_H

#include <stdbool.h>
#include <stdint.h>

#include "panther/v1/envelope.pb-c.h"
#include "panther/v1/guard.pb-c.h"
#include "panther/v1/journal.pb-c.h"

struct world;
struct link;
struct guard;
struct agent_host;
struct agent_output;

struct oracle *oracle_new(struct world *world);
void oracle_free(struct oracle **oracle);

// ---- the coordinator
void oracle_committed(struct world *world);                                                         // the journal's synced part has grown
void oracle_restored(struct world *world);                                                          // or was put back
void oracle_coordinator_says(struct world *world, struct link *link, const Pb__Envelope *envelope); // link NULL: to a client
bool oracle_content_is_stored(const struct world *world, const Pb__ContentStored *content);

// ---- agents
void oracle_agent_said(struct world *world, struct link *link, const Pb__Envelope *envelope); // as it arrives
void oracle_agent_stepped(struct agent_host *host);
void oracle_agent_committed(struct agent_host *host, const struct agent_output *output);
void oracle_agent_spawns(struct agent_host *host, const Pb__GuardSpec *spec);
void oracle_agent_tells_guard(struct agent_host *host, uint64_t instance, uint32_t generation, const Pb__GuardRequest *request);
void oracle_agent_wiped(struct agent_host *host);
void oracle_agent_dies(struct agent_host *host); // its live state is compared with what its disk would give back

// ---- guards
void oracle_guard_lives(struct guard *guard);
void oracle_guard_told(struct guard *guard, const Pb__Command *command);
void oracle_spool_cut(struct guard *guard, size_t said, size_t told); // its host lost power: so much it had said and told

// ---- at all times
void oracle_look(struct world *world);
bool oracle_all_has_ended(const struct world *world); // nothing is open, nothing lives, nothing waits
const char *oracle_what_is_left(struct world *world);
uint64_t oracle_cells_open(const struct world *world);

#endif

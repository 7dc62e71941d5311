// Ports of the instance's own block, checked to be free: a server that binds with address reuse would not notice a clash.
#ifndef PANTHER_AGENT_GUARD_PORTS_H
#define PANTHER_AGENT_GUARD_PORTS_H

#include <stdint.h>

#include "common/base/error.h"
#include "panther/v1/types.pb-c.h"

struct ports;
// A block of the host's ports that the agent gave to this instance alone.
struct ports *ports_new(const char *address, uint32_t first, uint32_t count);
void ports_free(struct ports **ports);
// wanted: 0, or the number that the experiment asks for, which need not be of the block. PANTHER_EEXISTS: taken.
int ports_take(struct ports *ports, Pb__Transport transport, uint32_t wanted, uint32_t *port, struct panther_error *error);

#endif

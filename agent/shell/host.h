// What this host is: kernel, distribution, size; who it is: an id that survives reinstalls; where it can be reached.
#ifndef PANTHER_AGENT_SHELL_HOST_H
#define PANTHER_AGENT_SHELL_HOST_H

#include "common/base/identity.h"
#include "common/base/memory.h"
#include "panther/v1/agent.pb-c.h"

Pb__HostFacts *host_facts(struct arena *arena);
// STATE/host_id, made at the first start.
int host_id_read(const char *state, char host_id[ID128_TEXT_BYTES], struct panther_error *error);
// The address from which this host reaches the endpoint ("tcp://host:port"); NULL: cannot be told.
char *host_address_towards(const char *endpoint, struct arena *arena);

#endif

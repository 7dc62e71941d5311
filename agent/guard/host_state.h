// How this host is set when the instance is initialised, as the answer to that says. For host.c.
#ifndef PANTHER_AGENT_GUARD_HOST_STATE_H
#define PANTHER_AGENT_GUARD_HOST_STATE_H

#include "common/base/memory.h"
#include "panther/v1/instance.pb-c.h"

Pb__HostState *host_state(const char *address, struct arena *arena);

#endif

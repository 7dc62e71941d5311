// Whether this host can make an emulated network for us: tried, not guessed. Asked once by the agent, told with its Hello, so that a trial
// is refused before it begins.
#ifndef PANTHER_AGENT_ENVIRONMENT_LINK_PROBE_H
#define PANTHER_AGENT_ENVIRONMENT_LINK_PROBE_H

#include <stdbool.h>
#include <stddef.h>

#define PROBE_WHY_BYTES 256

// false: why holds the reason, "cannot open /dev/net/tun, because: Permission denied".
bool probe_network(char why[PROBE_WHY_BYTES]);

#endif

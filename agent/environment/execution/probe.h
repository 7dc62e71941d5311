// What this host can do of the execution environments: tried, not guessed, since a container may forbid what is installed. Asked once by
// the agent; told with its Hello, so that a trial is refused before it begins.
#ifndef PANTHER_AGENT_ENVIRONMENT_EXECUTION_PROBE_H
#define PANTHER_AGENT_ENVIRONMENT_EXECUTION_PROBE_H

#include <stddef.h>

#include "common/base/memory.h"
#include "panther/v1/agent.pb-c.h"

// One of every type, and of options that need more than their type ("limits.cpu"). cgroup: where the agent makes its instances' groups
// (version 2); NULL: nowhere.
Pb__EnvironmentPresence **probe_environments(struct arena *arena, const char *cgroup, size_t *count);

#endif

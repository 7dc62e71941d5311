// The environment of a spawned process: small and clean, so that a test does not depend on who started the agent.
#ifndef PANTHER_AGENT_GUARD_ENVIRONMENT_H
#define PANTHER_AGENT_GUARD_ENVIRONMENT_H

#include <stddef.h>

#include "panther/v1/guard.pb-c.h"

struct arena;

// PATH, HOME, TMPDIR, LANG and two markers by which what is left of a process is found; then the given entries, which win.
const char *const *environment_clean(struct arena *arena, const char *work, const char *marker, const char *process_marker,
                                     Pb__EnvironmentEntry *const *entries, size_t entry_count);
// Our own with the marker added: for the plugin host.
const char *const *environment_own(struct arena *arena, const char *marker);

#endif

// Which processes of instances live on this host, and of which instance each is. Asked by shell.c when the coordinator wants to know.
#ifndef PANTHER_AGENT_SHELL_SURVEY_H
#define PANTHER_AGENT_SHELL_SURVEY_H

#include "agent/shell/guards.h"

struct survey_place {
    const struct guards *guards;
    const struct children *children;
    const char *state, *host_id;
};
// Looks at /proc once: milliseconds for some hundred processes. What it returns lives in the arena, at most HOST_PROCESSES_MAX of them;
// the rest is counted.
size_t survey_look(const struct survey_place *place, struct arena *arena, Pb__HostProcess *const **processes, uint64_t *left_out);

#endif

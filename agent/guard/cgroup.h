// The cgroup that the agent gave this instance, where the host lets us have one: what is in it dies together.
#ifndef PANTHER_AGENT_GUARD_CGROUP_H
#define PANTHER_AGENT_GUARD_CGROUP_H

#include <stdbool.h>

// folder "": none. Makes it if need be; false: the host does not let us.
bool cgroup_make(const char *folder);
void cgroup_kill(const char *folder);   // all of it at once (cgroup v2), else one by one
void cgroup_remove(const char *folder); // and the agent's around it, if it was the last: the agent may be gone for good

#endif

// cgroup v2 where the host lets us: one folder per instance, so that nothing it started can hide from the kill.
#ifndef PANTHER_AGENT_SHELL_CGROUP_H
#define PANTHER_AGENT_SHELL_CGROUP_H

#include <stdbool.h>
#include <stdint.h>

// Makes the folder in which instances get theirs, below our own cgroup; heap, NULL: this host has none for us.
char *cgroup_base(const char *host_id);
// Removes it, unless instances still live in it; frees the path.
void cgroup_leave(char **base);
// Kills all in it and removes it; true: it is gone (also when it never was, or is NULL).
bool cgroup_kill(const char *cgroup);

// The folder of one instance's cgroup below the agent's; heap.
char *cgroup_of(const char *base, uint64_t instance, uint32_t generation);

#endif

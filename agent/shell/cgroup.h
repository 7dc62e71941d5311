// cgroup v2 where the host lets us: one folder per instance, so that nothing it started can hide from the kill.
#ifndef PANTHER_AGENT_SHELL_CGROUP_H
#define PANTHER_AGENT_SHELL_CGROUP_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/error.h"

// The folder in which instances get theirs, below our own cgroup; heap, NULL: this host has none for us. It is there while an instance is:
// made with the first, removed with the last by whoever ends it, so that an agent that is killed leaves none.
char *cgroup_base(const char *host_id);
// Kills all in it and removes it; true: it is gone (also when it never was, or is NULL).
bool cgroup_kill(const char *cgroup);

// Makes the folder of an instance and the one around it.
int cgroup_make(const char *cgroup, struct panther_error *error);
// Removes the one around it if it was the last; cgroup may be NULL.
void cgroup_left(const char *cgroup);

// The folder of one instance's cgroup below the agent's; heap.
char *cgroup_of(const char *base, uint64_t instance, uint32_t generation);

#endif

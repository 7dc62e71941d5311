// The cgroups that hold an instance to its limits, version 1 or 2, whichever the host has; and what the kernel did because of them.
#ifndef PANTHER_AGENT_ENVIRONMENT_EXECUTION_LIMITS_H
#define PANTHER_AGENT_ENVIRONMENT_EXECUTION_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "panther/v1/environment.pb-c.h"

// memory, pids and cpu of version 1; version 2 has one for all
#define LIMITS_FOLDERS_MAX 3

struct limits {
    char *folders[LIMITS_FOLDERS_MAX];
    size_t folder_count;
    bool memory_is_grouped;
    char *memory_events; // the file that counts OOM kills; NULL: none
    uint64_t oom_kills;  // told so far
};

// name: of the folders, unlike that of any other instance. beside: the instance's own cgroup of version 2, "": none.
// PANTHER_ESTATE: cpu or pids are limited and this host has no cgroup for that.
int limits_open(struct limits *limits, const Pb__ExecutionEnvironment *environment, const char *name, const char *beside,
                struct panther_error *error);
// So many were killed since it was asked the last time.
uint64_t limits_oom_kills(struct limits *limits);
void limits_close(struct limits *limits); // its folders go once nothing lives in them

// In the instance's folder, for who clears away after a guard that was killed.
#define LIMITS_FILE "limits"
// true: none of the groups that a guard in that folder made is left. They go once nothing lives in them.
bool limits_clear(const char *folder);

// Where the controller's groups can be made, version 1: heap; NULL: not here.
char *limits_controller(const char *controller);

#endif

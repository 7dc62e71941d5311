// The sandbox: mount namespace with a read-only system, private /tmp, no new privileges. Made in the process itself, not by a wrapper that
// would have to pass on signals and exit status.
#ifndef PANTHER_AGENT_ENVIRONMENT_EXECUTION_SANDBOX_H
#define PANTHER_AGENT_ENVIRONMENT_EXECUTION_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

// More folders than that nobody names.
#define SANDBOX_FOLDERS_MAX 64

struct sandbox {
    bool wanted, private_tmp;
    const char *writable[SANDBOX_FOLDERS_MAX], *readable[SANDBOX_FOLDERS_MAX];
    size_t writable_count, readable_count;
};

// 0, or -1 with errno, and in *step what could not be done.
int sandbox_namespace(const char **step); // a mount namespace of its own; of a user who is not root within a user namespace
int sandbox_enter(const struct sandbox *sandbox, const char **step);

#endif

// The folder of an instance on this host: STATE/instances/INSTANCE.GENERATION/ with spec, guard.pid, guard.sock, spool, exit, streams/
// and work/. Guard and agent meet here and nowhere else.
#ifndef PANTHER_AGENT_SHELL_FOLDER_H
#define PANTHER_AGENT_SHELL_FOLDER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/base/error.h"

// Every process of an instance carries it in its environment. The host id keeps apart agents that share a machine (a testbed).
#define FOLDER_MARKER_NAME "PANTHER_INSTANCE"

char *folder_path(const char *state, uint64_t instance, uint32_t generation);     // heap
char *folder_marker(const char *host_id, uint64_t instance, uint32_t generation); // heap: "PANTHER_INSTANCE=7.1@<host id>"
bool folder_has(const char *folder, const char *name);

// A file in a folder of the instance ("work", "streams"), whatever links a plugin left there: the agent may read more than the plugin
// should. Only a regular file; -1 with errno.
int folder_open_file(const char *folder, const char *inner, const char *name);

// guard.pid, as the guard wrote it. PANTHER_ENOTFOUND: not written (yet).
struct folder_guard {
    pid_t pid;
    uint64_t start_ticks;
    char boot_id[64];
};
int folder_guard_read(const char *folder, struct folder_guard *guard, struct panther_error *error);

// Calls back for each instance folder that exists.
void folder_each(const char *state, void (*callback)(void *context, uint64_t instance, uint32_t generation), void *context);

#endif

// Entering the namespaces that another process lives in. For a process of one thread.
#ifndef PANTHER_AGENT_GUARD_NAMESPACES_H
#define PANTHER_AGENT_GUARD_NAMESPACES_H

#include <sys/types.h>

// kind: as in /proc/PID/ns; a descriptor, or -1 and errno
int namespace_open(pid_t pid, const char *kind);
// type: CLONE_NEW...; one's own is entered already. -1 and errno.
int namespace_enter(int fd, const char *kind, int type);
// Files and clocks as that process has them, with the user namespace that they belong to: sandbox, clock fault. -1 and errno.
int namespaces_enter(pid_t pid);

#endif

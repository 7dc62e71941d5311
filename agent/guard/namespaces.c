// See namespaces.h.
#include "agent/guard/namespaces.h"

#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

int namespace_open(pid_t pid, const char *kind)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/ns/%s", (int)pid, kind);
    return open(path, O_RDONLY | O_CLOEXEC);
}

// Entering one's own user namespace is refused.
static bool is_own(int fd, const char *kind)
{
    char path[64];
    struct stat theirs, ours;
    snprintf(path, sizeof path, "/proc/self/ns/%s", kind);
    return fstat(fd, &theirs) == 0 && stat(path, &ours) == 0 && theirs.st_ino == ours.st_ino && theirs.st_dev == ours.st_dev;
}

int namespace_enter(int fd, const char *kind, int type)
{
    return is_own(fd, kind) ? 0 : setns(fd, type);
}

// All are opened first: with the files go those of /proc. The user namespace gives the right to enter the others.
int namespaces_enter(pid_t pid)
{
    static const struct {
        const char *kind;
        int type;
    } all[] = {{"user", CLONE_NEWUSER}, {"time", CLONE_NEWTIME}, {"mnt", CLONE_NEWNS}};
    int fds[sizeof all / sizeof *all];
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if ((fds[i] = namespace_open(pid, all[i].kind)) < 0)
            return -1;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (namespace_enter(fds[i], all[i].kind, all[i].type) < 0)
            return -1;
    return prctl(PR_SET_DUMPABLE, 1); // a change of credentials took it away, and with it the guard's sight of us in /proc
}

// See enter_network.h. The namespaces are those of the holder, a process of panther-link (agent/environment/link).
#include "agent/guard/enter_network.h"

#include <errno.h>
#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "agent/guard/namespaces.h"
#include "common/system/process.h"

static int enter(int fd, const char *kind, int type, struct panther_error *error)
{
    if (namespace_enter(fd, kind, type) == 0)
        return 0;
    return error_system(error, errno, "cannot enter the %s namespace of the network", kind);
}

// Descriptors first: once they are open and the holder is still the same, no other process of its number can be meant.
static int enter_both(const Pb__GuardSpec *spec, int user_fd, int network_fd, struct panther_error *error)
{
    if (user_fd < 0 || network_fd < 0)
        return error_system(error, errno, "the network's namespace is gone");
    if (!process_is_alive((pid_t)spec->network_pid, spec->network_pid_start))
        return error_set(error, PANTHER_ENOTFOUND, "the network's namespace is gone: who held it has ended");
    int result = enter(user_fd, "user", CLONE_NEWUSER, error);
    if (result == 0)
        result = enter(network_fd, "net", CLONE_NEWNET, error);
    prctl(PR_SET_DUMPABLE, 1); // a change of credentials took it away, and with it the agent's sight of us in /proc
    return result;
}

int network_enter(const Pb__GuardSpec *spec, struct panther_error *error)
{
    if (spec->network_pid == 0)
        return 0;
    int user_fd = namespace_open((pid_t)spec->network_pid, "user"), network_fd = namespace_open((pid_t)spec->network_pid, "net");
    int result = enter_both(spec, user_fd, network_fd, error);
    if (user_fd >= 0)
        close(user_fd);
    if (network_fd >= 0)
        close(network_fd);
    return result;
}

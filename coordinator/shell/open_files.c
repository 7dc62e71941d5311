#include "coordinator/shell/open_files.h"

#include <sys/resource.h>

#include "common/system/log.h"

// A connection for control, and one for bulk while it has something to send.
#define PER_AGENT 2
// The store, clients, streams that are written, libzmq's own.
#define BESIDE_AGENTS 512

void open_files_raise(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

void open_files_check(uint64_t agents)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || agents * PER_AGENT + BESIDE_AGENTS <= limit.rlim_cur) {
        return;
    }
    uint64_t room = limit.rlim_cur > BESIDE_AGENTS ? (limit.rlim_cur - BESIDE_AGENTS) / PER_AGENT : 0;
    log_warning("%llu agents have keys, but %llu open files are allowed here: room for %llu of them; raise the hard limit to %llu "
                "(LimitNOFILE= in the unit, ulimit -Hn in a shell)",
                (unsigned long long)agents, (unsigned long long)limit.rlim_cur, (unsigned long long)room,
                (unsigned long long)(agents * PER_AGENT + BESIDE_AGENTS));
}

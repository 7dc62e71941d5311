// `panther-guard --exec`: the first program of everything the guard spawns. It makes the process what the guard promises (dies with
// the guard, own core limit, cgroup, folder) and becomes the wanted program.
#ifndef PANTHER_AGENT_GUARD_TRAMPOLINE_H
#define PANTHER_AGENT_GUARD_TRAMPOLINE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/base/error.h"

#define TRAMPOLINE_FLAG "--exec"
// In the new process: the wanted program's channel to the guard (the plugin host's only), and where a failure is reported. The
// latter closes by itself at exec: its end without a byte means that the program runs.
#define TRAMPOLINE_CHANNEL_FD 3
#define TRAMPOLINE_STATUS_FD 4
// The tools' end of a pipe, for those that the plan starts beside the program.
#define TRAMPOLINE_TOOLS_FD 5

struct trampoline {
    const char *name;               // for errors
    const char *const *argv;        // NULL-terminated; argv[0] is looked up in the PATH of the environment
    const char *const *environment; // NULL-terminated
    const char *folder;             // to run in
    const char *cgroup;             // "" or NULL: none
    int64_t clock_offset_ns;        // of its monotonic and boottime clocks; 0: none
    pid_t like;                     // files and clocks as this process has them; 0: the guard's
    const char *plan;               // of the execution environment; "" or NULL: none
    int tools_fd;                   // of the plan
    int channel_fd;                 // -1: none
    int stdout_fd, stderr_fd;
    bool has_stdin; // else: /dev/null
    int stdin_fd;
    bool is_terminal; // stdin is one, which becomes the controlling terminal of a session of its own
};
// *status_fd: readable end of the status pipe, the caller's to close.
int trampoline_spawn(const struct trampoline *trampoline, pid_t *pid, int *pidfd, int *status_fd, struct panther_error *error);
// What the status pipe says: 1 with the reason in text when the start failed, 0 when the program runs, -1: not known yet.
int trampoline_status(int status_fd, char *text, size_t text_bytes);
// In the new process. Returns only when it failed, with the exit status.
int trampoline_main(int argc, char **argv);

#endif

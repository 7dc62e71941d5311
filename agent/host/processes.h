// The host's view of the processes that its guard runs for it. Guarded by the host's lock.
#ifndef PANTHER_AGENT_HOST_PROCESSES_H
#define PANTHER_AGENT_HOST_PROCESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/memory.h"
#include "panther/service.h"

struct process {
    int number;
    char *name;
    bool is_running;
    bool finishes;
    bool want_output;
    bool is_told; // the plugin has waited for its end
    bool is_old;  // it had ended before the last case began
    struct panther_exit exit;
    struct text output[2]; // stdout, stderr
};

struct processes {
    struct process *items;
    size_t count, capacity;
};

void processes_add(struct processes *processes, int number, const char *name, bool finishes, bool want_output);
struct process *processes_find(struct processes *processes, int number); // NULL: none
void processes_exited(struct processes *processes, int number, const struct panther_exit *exit);
// stream: "NAME.stdout" or "NAME.stderr"; beyond PANTHER_OUTPUT_MAX_BYTES nothing is kept.
void processes_output(struct processes *processes, int number, const char *stream, const void *data, size_t bytes);
// A process that should live and has ended; NULL: none.
const struct process *processes_crashed(const struct processes *processes);
size_t processes_running(const struct processes *processes);
// Those that have ended go, with their output: before each case, so that a tester that starts a tool per case does not grow. One whose
// end nobody has asked for yet (it was started in start(), to be looked at in a case) stays for one case more.
void processes_forget_ended(struct processes *processes);

#endif

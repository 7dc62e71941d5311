// What stands behind a service handle: the plugin host (agent/host) implements it against the guard, unit tests implement it in
// memory. All of it is called from the plugin's thread, except write_log, now_ns and the three that only read time and cancel.
#ifndef PANTHER_SERVICES_SDK_BACKEND_H
#define PANTHER_SERVICES_SDK_BACKEND_H

#include "panther/service.h"
#include "panther/v1/types.pb-c.h"

struct arena;

// Every int is 0 or above, or a negative enum panther_code; `problem` (TEXT_MAX_BYTES) then says why, where there is one.
struct service_backend {
    int (*spawn)(void *context, const struct panther_process *process, const char *program, char *problem);
    int (*wait)(void *context, int process, uint64_t timeout_ms, struct panther_exit *exit);
    bool (*is_running)(void *context, int process);
    int (*signal)(void *context, int process, int signal_number);
    int (*end)(void *context, int process, uint64_t grace_ms);
    // A copy in the arena of what a process with want_output has printed.
    const char *(*output)(void *context, int process, enum panther_stream stream, struct arena *arena, size_t *bytes);
    int (*watch_line)(void *context, const char *stream, bool is_regex, const char *pattern);
    int (*wait_line)(void *context, int watch, uint64_t timeout_ms, char *line); // line: TEXT_MAX_BYTES
    int (*port)(void *context, const char *name, Pb__Transport transport, unsigned wanted, char *problem);
    void (*metric)(void *context, const Pb__Metric *metric); // outside of a case
    void (*artifact)(void *context, const char *path, bool is_pattern, const char *kind);
    void (*write_log)(void *context, enum panther_level level, const char *text);
    uint64_t (*now_ns)(void *context);
    uint64_t (*deadline_ns)(void *context); // of the running phase
    bool (*is_cancelled)(void *context);
    int (*cancel_fd)(void *context);
    int (*pause)(void *context, uint64_t ms);
};

#endif

// What execution.c (starting, waiting) and analysis.c (reading what the tools wrote) share.
#ifndef PANTHER_AGENT_ENVIRONMENT_EXECUTION_EXECUTION_STATE_H
#define PANTHER_AGENT_ENVIRONMENT_EXECUTION_EXECUTION_STATE_H

#include <stdint.h>

#include "agent/environment/execution/execution.h"
#include "agent/environment/execution/limits.h"
#include "common/schema/environments.h"

struct loop_source;

struct execution {
    struct loop *loop;
    struct execution_settings settings;
    struct arena *arena;
    execution_note_fn *note;
    void *context;
    const Pb__ExecutionEnvironment *environments[ENVIRONMENTS]; // by kind; NULL: not asked for
    struct limits limits;
    struct panther_error problem; // why nothing can be started
    bool active;
    struct report report;
    struct execution_run *runs; // all that were not read to their end
};

struct execution_run {
    struct execution_run *next;
    struct execution *execution;
    char *name, *stem, *file_stem, *program; // "nginx", "nginx.2", "3-nginx", "/usr/sbin/nginx"
    uint32_t kinds;                          // bits of environment_kind
    pid_t pid;
    bool ended, killed, finished; // finished: read to the end
    int tools_fd;                 // at its end all companions have ended; -1: it is
    struct loop_source *source, *timer;
    enum environment_kind step; // that is being read
    pid_t job;                  // a program that helps to read; 0: none
    bool job_done;
    uint32_t instrumented; // bits of the sanitizers that the program was built with
};

static inline bool run_has(const struct execution_run *run, enum environment_kind kind)
{
    return run->kinds & UINT32_C(1) << kind;
}
void execution_say(struct execution *execution, const char *format, ...) __attribute__((format(printf, 2, 3)));
// What the tool wrote is not all: that is told, and "none found" is not.
void execution_incomplete(struct execution_run *run, const char *why);

// analysis.c: goes on reading; false: a job is at work, call again when it has ended.
bool analysis_step(struct execution_run *run);
// Which sanitizers a program was built with.
uint32_t analysis_instrumented(const char *program);

#endif

// The execution environments of one instance, for its guard: what a process is started under, what the tools found once it has ended.
// Start reading here, then compose.c (what is started) and analysis.c (what is read). All calls take NULL for an instance without.
#ifndef PANTHER_AGENT_ENVIRONMENT_EXECUTION_EXECUTION_H
#define PANTHER_AGENT_ENVIRONMENT_EXECUTION_EXECUTION_H

#include <stdbool.h>
#include <stddef.h>

#include "agent/environment/execution/report.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/system/process.h"
#include "panther/v1/instance.pb-c.h"

struct execution;
struct execution_run; // of one process
struct loop;

struct execution_settings {
    const Pb__Initialize *initialize; // environments
    const char *work, *state;         // absolute; "" : none
    const char *plugin_path, *marker;
    const char *cgroup; // the instance's own, "": none
};
typedef void execution_note_fn(void *context, const char *text);

// NULL when the instance has no environment. What the host cannot do is said by execution_prepare.
struct execution *execution_new(struct loop *loop, const struct execution_settings *settings, execution_note_fn *note, void *context);
void execution_free(struct execution **execution);
// initialize() is done: what is spawned from now on is what is looked at. Before it only preparations run (builds, certificates).
void execution_activate(struct execution *execution);

struct execution_start {
    const char *name, *stem; // of the process: "nginx"; "nginx.2"
    unsigned number;
    const char *const *environment;
    const char *const *argv; // changed by execution_prepare
    const char *plan;        // "": nothing is done before the exec
    int tools_fd;            // to be given to the process as PLAN_TOOLS_FD, then closed; -1: none
};
// *run: NULL when none is for this process.
int execution_prepare(struct execution *execution, struct arena *arena, struct execution_start *start, struct execution_run **run,
                      struct panther_error *error);
// A time that was meant for the program as it is alone.
uint32_t execution_longer_ms(const struct execution *execution, uint32_t ms);
void execution_abandon(struct execution_run **run); // the program was not started
// It has ended; the tools are waited for and their output read from now on. Fills in what the environment knows of its death ("": nothing).
void execution_ended(struct execution_run **run, const struct process_end *end, char *why, size_t why_bytes);
// A child ended; false: it is none of ours.
bool execution_child_ended(struct execution *execution, const struct process_end *end);
bool execution_is_busy(const struct execution *execution);
// What was found so far; complete when it is not busy and no process runs.
const struct report *execution_report(struct execution *execution);
// Patterns of files that the tools leave; NULL behind the last one.
const char *execution_artifacts(const struct execution *execution, size_t index, const char **kind);

#endif

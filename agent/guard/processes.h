// The processes of the instance: only the guard spawns them. A process is over when it has ended and its output is drained, in
// this order: StreamEnd of its streams, ProcessExited, word to the host.
#ifndef PANTHER_AGENT_GUARD_PROCESSES_H
#define PANTHER_AGENT_GUARD_PROCESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/base/error.h"
#include "common/system/process.h"
#include "panther/v1/guard.pb-c.h"

struct events;
struct loop;
struct execution;
struct processes;
struct streams;

#define PROCESSES_FILES_UNLIMITED UINT64_MAX

struct text;

struct processes_callbacks {
    void (*spawned)(void *context, const Pb__SpawnAnswer *answer);
    void (*exited)(void *context, const Pb__HostProcessExited *exited);
    void (*all_gone)(void *context); // the last one is over
    // A command beside the service: it runs (process is its number), could not be started (problem), or has ended (end).
    void (*beside)(void *context, uint32_t command, uint32_t process, const struct process_end *end, const char *problem);
};

// work: where they run unless they say otherwise. marker: the entry that every environment of the instance holds.
struct processes *processes_new(struct loop *loop, struct events *events, struct streams *streams, const char *work, const char *marker,
                                const char *cgroup, const struct processes_callbacks *callbacks, void *context);
// From now on they are started under it.
void processes_use(struct processes *processes, struct execution *execution);
void processes_free(struct processes **processes);
void processes_spawn(struct processes *processes, const Pb__SpawnRequest *request); // answered by `spawned`, maybe later
// Of the guard itself, for this command: `beside` is told, not the plugin; no event tells of it, and no fault touches it.
void processes_spawn_beside(struct processes *processes, const Pb__SpawnRequest *request, uint32_t command);
// What the plugin wanted for the first of its processes that lives; NULL: there is none.
const Pb__SpawnRequest *processes_first(const struct processes *processes);
// The first that lives with files or clocks of its own (sandbox, clock fault); 0: there is none.
pid_t processes_apart(const struct processes *processes);
void processes_signal(struct processes *processes, const Pb__SignalRequest *request);
// From now on an end is STOPPED, not UNEXPECTED.
void processes_expect_end(struct processes *processes);
// Stop signal, grace, KILL to every one.
void processes_stop_all(struct processes *processes, uint32_t grace_ms);
// A ladder that has begun with a longer grace has only this one left.
void processes_hurry(struct processes *processes, uint32_t grace_ms);
bool processes_any(const struct processes *processes);
uint32_t processes_killed(const struct processes *processes); // that needed KILL
// A child ended; false: it is none of these.
bool processes_ended(struct processes *processes, const struct process_end *end);

// ---- faults (process_fault.c): done to all that the plugin started. `who` (may be NULL) is given their names and pids.
size_t processes_strike(struct processes *processes, int signal_number, struct text *who); // an end by it is no crash
size_t processes_pause(struct processes *processes, struct text *who);
void processes_resume(struct processes *processes);
// Also for those that start from now on; PROCESSES_FILES_UNLIMITED: as before.
int processes_limit_files(struct processes *processes, uint64_t limit_bytes, struct text *who, struct panther_error *error);
void processes_set_clock(struct processes *processes, int64_t offset_ns);   // of those that start from now on
void processes_memory_is_short(struct processes *processes, bool is_short); // who is killed now has not crashed

// What a dead process left behind: members of its group, and those that carry this entry in their environment.
size_t leftovers_kill(pid_t group, const char *marker);

#endif

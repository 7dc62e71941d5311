// Shared by the files guard*.c only.
#ifndef PANTHER_TESTS_SIMULATION_GUARD_INSIDE_H
#define PANTHER_TESTS_SIMULATION_GUARD_INSIDE_H

#include "tests/simulation/agent_host.h"
#include "tests/simulation/describe.h"
#include "tests/simulation/faults.h"
#include "tests/simulation/guard.h"
#include "tests/simulation/oracle.h"
#include "tests/simulation/world.h"

// ---- guard.c
uint64_t guard_boottime_ns(const struct guard *guard);
void guard_spoil(struct guard *guard, const char *why); // the first reason stays
void guard_first_is_answered(struct guard *guard);
const char *guard_name(const struct guard *guard); // "guard 3.1"

// ---- guard_spool.c
Pb__Event *guard_event(struct guard *guard, Pb__Event__BodyCase body);
void guard_say(struct guard *guard, const Pb__Event *event); // into the spool
void guard_sync_is_due(void *context);
void guard_loses_memory(struct guard *guard); // what waits for room on the disk goes with the process
void guard_loses_power(struct guard *guard);  // and what was not synced with the host

// ---- guard_work.c: the plugin's calls
void guard_begin_first(struct guard *guard);
void guard_work_is_due(void *context);
void guard_flow(struct guard *guard); // whatever can go on goes on
void guard_hurry(struct guard *guard);
struct process *guard_start_process(struct guard *guard, const char *name, bool finishes);
void guard_answer(struct guard *guard, Pb__CommandStatus status, const char *text);
const char *guard_phase(const struct guard *guard);

// ---- guard_beside.c: faults and commands of a timeline
void guard_begin_beside(struct guard *guard, const Pb__Command *command);
void guard_errand_is_over(struct guard *guard, struct process *process);
void guard_close_beside(struct guard *guard, const char *why);
void guard_stop_beside(struct guard *guard); // its timers

// ---- guard_end.c: processes, the plugin's death, the end
void guard_stop_processes(struct guard *guard);
bool guard_any_process(const struct guard *guard);
void guard_end(struct guard *guard, Pb__EndCause cause, const char *text);
void guard_lease_is_over(void *context);
void guard_plugin_is_gone(void *context);
void guard_process_is_over(void *context);
void guard_prints_pattern(struct guard *guard);
void guard_go_if_synced(struct guard *guard);

#endif

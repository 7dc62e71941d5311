// One instance's guard: what its parts share. Start reading in guard.c (from begin to end), then host.c (what the plugin host says) and
// commands_flow.c (what becomes of a command).
#ifndef PANTHER_AGENT_GUARD_GUARD_H
#define PANTHER_AGENT_GUARD_GUARD_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/environment/execution/execution.h"
#include "agent/guard/agent_link.h"
#include "agent/guard/answers.h"
#include "agent/guard/artifacts.h"
#include "agent/guard/beside.h"
#include "agent/guard/commands.h"
#include "agent/guard/events.h"
#include "agent/guard/faults.h"
#include "agent/guard/host_link.h"
#include "agent/guard/lease.h"
#include "agent/guard/ports.h"
#include "agent/guard/processes.h"
#include "agent/guard/shells.h"
#include "agent/guard/streams.h"
#include "common/base/lifecycle.h"
#include "common/base/memory.h"
#include "common/system/loop.h"

enum guard_state {
    GUARD_SERVING,  // the host lives
    GUARD_HOSTLESS, // it died: processes are stopped, commands are answered by the guard
    GUARD_ENDING,   // kill ladder, sweep, last words
    GUARD_ENDED,
};
extern const struct lifecycle guard_lifecycle;

enum ending_step { ENDING_PROCESSES, ENDING_SWEEP, ENDING_LAST_WORDS, ENDING_SYNC };

struct guard {
    struct loop *loop;
    struct arena *arena;         // what lives as long as the guard
    struct arena *message_arena; // one message from the host
    Pb__GuardSpec *spec;
    const char *marker; // PANTHER_INSTANCE=7.1
    const char *cgroup; // "": none
    unsigned state;

    struct events *events;
    struct streams *streams;
    struct stream *plugin_log;
    struct commands *commands;
    struct processes *processes;
    struct faults *faults;
    struct beside *beside;
    struct shells *shells;
    struct execution *execution; // NULL: none
    bool execution_told;
    struct artifacts *artifacts;
    struct ports *ports;
    struct host_link *host;
    struct agent_link *agent;
    struct lease *lease;

    struct loop_source *case_timer; // shows a case that takes longer
    uint32_t case_number;
    uint64_t case_began_ns;
    struct host_death death; // how the host ended
    bool hung;
    Pb__CommandDone *stopped; // the host's answer to Stop, told when its processes are gone
    bool ladder_runs;         // for the command that is first
    bool collecting, collected, cleanup_sent;

    enum ending_step ending_step;
    Pb__EndCause cause;
    char *cause_text;
    struct loop_source *ending_timer;
    uint64_t sweep_until_ns, host_until_ns;
    uint32_t swept;
    bool childless, disk_failed;
};

// ---- guard.c
int guard_open(struct guard **out, const char *folder, struct panther_error *error);
int guard_run(struct guard *guard);
void guard_close(struct guard **guard);
bool guard_has_host(const struct guard *guard);
uint32_t guard_grace_ms(const struct guard *guard); // between TERM and KILL
// The same for a stop that nobody hurries: what slows the program down slows its end down.
uint32_t guard_stop_grace_ms(const struct guard *guard);

// ---- host.c: what the plugin host says and does
extern const struct host_link_callbacks guard_host_callbacks;
extern const struct processes_callbacks guard_processes_callbacks;
extern const struct streams_callbacks guard_streams_callbacks;
void guard_host_started(struct guard *guard);
void guard_host_could_not_start(struct guard *guard, const char *problem);
void guard_host_overdue(void *guard, const struct command *command);
void guard_watch_case(struct guard *guard); // a case that became the first is shown after a while
void guard_case_shows(void *guard);

// ---- flow.c: what becomes of a command
void guard_take_command(struct guard *guard, const Pb__Command *command);
void guard_ask_status(struct guard *guard);
void guard_take_cases(struct guard *guard, const Pb__GuardCases *cases);
// No fault holds and no command runs beside the service from here on.
void guard_calm(struct guard *guard, const char *why);
// Looks whether the first open command can go on. true: there is work left for the next round.
bool guard_flow(struct guard *guard);

// ---- execution.c: what the tools found
void guard_open_execution(struct guard *guard);
// Metrics and notes as events; findings into the answer (a copy in the arena), which is NULL when nobody waits for one.
const Pb__CommandDone *guard_tell_execution(struct guard *guard, const Pb__CommandDone *done);

// ---- ending.c
void guard_end(struct guard *guard, Pb__EndCause cause, const char *text); // again: the first cause stays
bool guard_ending(struct guard *guard);                                    // goes on; true: work is left for the next round
void guard_reap(struct guard *guard);
void guard_abandon(struct guard *guard, const char *why); // the disk failed: kill all, say nothing, do not return

#endif

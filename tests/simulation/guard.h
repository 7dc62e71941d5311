// A model of one guard with what it guards: the plugin host, its service processes, the spool, the lease. It follows the rules of
// agent/guard (proto/PROTOCOL.md, "Agent and guard"): commands by number, once; events in order, told to the agent once they are synced,
// results of cases once they are written; the kill ladder; InstanceEnded last. What truly happened is kept beside, for the oracle.
#ifndef PANTHER_TESTS_SIMULATION_GUARD_H
#define PANTHER_TESTS_SIMULATION_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "panther/v1/guard.pb-c.h"
#include "tests/simulation/agenda.h"

struct world;
struct agent_host;

#define GUARD_PROCESSES_MAX 24
#define GUARD_FAULTS_MAX 16
#define GUARD_MATCHES_MAX 8
#define GUARD_OPEN_MAX 80

enum guard_stage {
    GUARD_STARTING, // no guard.pid yet
    GUARD_SERVING,
    GUARD_HOSTLESS, // the plugin is dead, the guard answers for it
    GUARD_ENDING,
    GUARD_ENDED, // said InstanceEnded, and left
    GUARD_KILLED,
};

enum deed { DEED_DONE, DEED_FAILS, DEED_INCONC, DEED_TIMES_OUT, DEED_HANGS, DEED_CRASHES, DEED_IS_KILLED };

struct process {
    struct guard *guard;
    uint32_t number;
    const char *name;
    bool lives, is_late, fails;
    uint32_t errand; // number of the command that it is run for, beside the service; 0: it is the service's own
    struct timer end;
    int signal; // it ends with; 0: status 0
    Pb__ExitExpectation expectation;
};

// What a timeline did, until it is taken back.
struct held_fault {
    struct guard *guard;
    uint32_t number; // of the command; 0: this place is free
    const char *id;
    struct timer end;
};

struct spooled {
    const uint8_t *data;
    size_t bytes;
    uint64_t end; // offset in the file after it
};

struct guard {
    struct world *world;
    struct agent_host *host;
    uint64_t instance;
    uint32_t generation;
    const Pb__GuardSpec *spec;
    enum guard_stage stage;
    bool has_folder;
    uint64_t boot; // of its host, when it was spawned
    uint64_t born_ns, killed_ns;
    // what lives
    bool plugin_lives;
    struct process processes[GUARD_PROCESSES_MAX];
    size_t process_count;
    // spool
    struct spooled *spool;
    size_t spool_count, spool_capacity; // said
    size_t written, told, synced;       // of them: in the file, may be read by the agent, survives a loss of power
    size_t taken;                       // after one: of what the spool lost, up to here the agent has it on its own disk
    bool lacks_room, sync_is_late;
    // commands
    uint32_t last_number;
    struct {
        uint32_t number;
        Pb__Command__BodyCase kind;
        const char *name;
        uint32_t timeout_ms;
        bool peer_failed; // of a case: who was executed for it
    } open[GUARD_OPEN_MAX];
    size_t open_first, open_count;
    enum deed deed; // of the first open one, when it is at work
    bool is_at_work, stop_called, cleanup_called, is_cancelled, hung;
    Pb__CommandStatus stop_status; // as the plugin answered
    int death_signal;
    const char *death_text;
    // beside the calls
    struct held_fault faults[GUARD_FAULTS_MAX];
    bool is_beside_closed;
    // lease
    uint64_t lease_ns; // boottime of its host
    struct timer lease, work, sync, start, plugin_end;
    Pb__EndCause cause;
    const char *cause_text;
    // its agent
    uint64_t attachment; // number of the connection that attached; 0: none
    uint64_t attachments;
    // what truly happened
    uint32_t cases_passed, executions;
    bool has_started, has_crashed, execute_failed;
    const char *profile;                    // that it was made with
    const char *case_delay;                 // a network's, as the last case wanted it; NULL: none
    uint64_t matches_ns[GUARD_MATCHES_MAX]; // when its output had the pattern, in the world's time
    size_t match_count;
    const char *spoiled; // why this cannot be a pass; NULL: nothing went wrong
    bool has_found_pattern, has_dropped, has_unclean_exit, is_poor, is_discarded, has_said_end;
};

struct guard *guard_spawn(struct agent_host *host, const Pb__GuardSpec *spec);
void guard_free(struct guard *guard);

// ---- its agent
uint64_t guard_attach(struct guard *guard); // the number of the connection
void guard_state(const struct guard *guard, Pb__GuardState *state);
void guard_hears(struct guard *guard, uint64_t attachment, const Pb__GuardRequest *request); // after a short while
uint64_t guard_spool_bytes(const struct guard *guard, size_t events);
size_t guard_kept(const struct guard *guard); // events that are in its spool or on its agent's disk

// ---- what befalls it
void guard_kill(struct guard *guard);      // SIGKILL; what it spawned may be left
uint32_t guard_sweep(struct guard *guard); // kills what is left; how many there were
void guard_power_off(struct guard *guard); // with its host
void guard_plugin_dies(struct guard *guard, int signal);
void guard_process_dies(struct guard *guard); // one of its services

// ---- questions
bool guard_runs(const struct guard *guard);           // its process
bool guard_anything_lives(const struct guard *guard); // of what it guards
bool guard_is_tester(const struct guard *guard);

#endif

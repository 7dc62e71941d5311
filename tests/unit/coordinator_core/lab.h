// A coordinator core with agents played by the test: no socket, no clock. Every record is kept, and lab_end() proves that replaying them
// gives the live durable state (P7). lab.c is the coordinator's side, lab_agent.c the agents' with their guards, lab_experiment.c what
// is submitted.
#ifndef PANTHER_TESTS_UNIT_COORDINATOR_CORE_LAB_H
#define PANTHER_TESTS_UNIT_COORDINATOR_CORE_LAB_H

#include "common/base/limits.h"
#include "common/base/verdict.h"
#include "coordinator/core/core.h"

#define LAB_AGENTS_MAX 4
#define LAB_CPUS 4 // of each host
#define LAB_MEMORY_BYTES (UINT64_C(8) << 30)
#define LAB_STORE_ID "00000000000000000000000000000001"
#define OPERATOR_ROUTE 900
#define NS_PER_MS UINT64_C(1000000)

// A guard as far as the coordinator can tell: it takes commands in their order, and ends by itself when its lease is over.
struct lab_fault {
    uint32_t number;
    char id[32];
    uint64_t until_ns; // 0: it is not taken back
};

struct lab_guard {
    struct lab_fault faults[4];
    size_t fault_count;
    uint64_t instance;
    uint32_t generation, last_command;
    uint64_t lease_ns;
    uint64_t outbox_last; // its last event
    uint32_t cases_done;
    bool is_tester, process_lives;
    bool is_wedged; // it does nothing more, but renews its lease
    bool ended;
    bool is_orphan; // its agent has forgotten it
    bool tainted;   // something happened that forbids a pass
};

struct lab_agent {
    char name[32], host_id[40], boot_id[40], epoch[40];
    const char *store_id; // that it knows
    uint32_t slots;
    uint64_t route, session;
    Pb__Event **outbox; // [sequence - 1]
    size_t sequence, outbox_capacity;
    uint64_t acknowledged;
    struct lab_guard *guards; // all there ever were
    size_t guard_count, guard_capacity;
    const Pb__Command **inbox; // of this session, when commands are queued
    size_t inbox_count, inbox_capacity, inbox_done;
    uint64_t beaten_ns; // last heartbeat
    uint64_t ahead_ns;  // its clock shows that much more than the coordinator's
    bool mute;          // takes commands, as if they had not arrived
    bool connected;
    const char *site;                         // its only label; NULL: it has none
    const char *server_file, *server_version; // of its plugin "server"; NULL: none is told
    bool is_unprobed;                         // it has not looked yet what its server can
    Pb__PlacePlugin *placing;                 // the last one it was asked for
    size_t placings;
    bool placing_keeps_its_place; // behind Welcome
};

struct lab {
    struct core *core;
    struct core_effects effects;
    uint64_t now_ns, random;
    const char *home; // of the store; another one: it is a copy
    struct lab_agent agents[LAB_AGENTS_MAX];
    size_t agent_count;
    Pb__Record **records;
    size_t record_count, record_capacity;
    struct arena *arena;  // of the whole test
    Pb__Reply *reply;     // last one
    Pb__Refused *refused; // last one, of a session or a request
    Pb__RunEnded *run_ended;
    Pb__CellEnded *cells[64];
    size_t cell_count;
    Pb__TrialEnded *trials[64];
    size_t trial_count;
    uint64_t gated;       // the last run whose gates were to be judged
    uint32_t gated_count; // how often
    bool is_async;        // commands wait for lab_agent_work, events for lab_agent_flush
    bool crash_next;      // the next step is not committed: only what needed no commit leaves, then the core is replayed
    // how services behave
    bool server_builds;    // it compiles in initialize
    bool server_unprobed;  // its host has not looked yet what it can
    bool server_lacks_two; // it does not declare the capability that case "two" needs
    bool server_executes;  // it has execute(), like a client
    int execute_verdict;
    bool has_network;            // hosts can make an emulated network
    const char *network_refused; // but say that they cannot
    const char *network_plugin;  // NULL: emulated
    const char *network_lack;    // what it is that they cannot; NULL: network.emulated
    bool server_crashes, streams_are_cut, server_fails_start, exit_dirty;
    int case_verdict, case_reason;
    int stop_verdict, stop_reason; // what servers say of themselves when they are stopped; VERDICT_NONE: nothing
    const char *fault_problem;     // why a fault cannot be done; NULL: it can
    bool run_fails;                // a command beside a service
    uint32_t faults_done, runs_done;
    uint32_t initialize_ms;                                                             // that the last initialize was given
    size_t hold_cases;                                                                  // cases that are taken as if they had not arrived
    void (*whim)(struct lab *lab, struct lab_guard *guard, const Pb__Command *command); // sets the above before each command
};

void lab_begin(struct lab *lab); // with two agents
void lab_begin_with(struct lab *lab, size_t agents);
void lab_end(struct lab *lab);
void lab_step(struct lab *lab, struct core_event *event);     // and delivers what comes out
void lab_pass_ms(struct lab *lab, uint64_t ms, bool beating); // ticks every 100 ms
void lab_tick(struct lab *lab);
void lab_restart(struct lab *lab);      // the core dies and is recovered: a snapshot, and the records after it
void lab_check_replay(struct lab *lab); // replay gives the live state, and so does a snapshot of any moment with the records after it
void lab_submit(struct lab *lab, const Pb__Experiment *experiment, const char *key, const char *hash, int role);
void lab_request(struct lab *lab, Pb__Request *request, int role);
void lab_cancel(struct lab *lab, const char *run, const char *why);

// ---- agents
void lab_agents_begin(struct lab *lab, size_t count);
void lab_agents_end(struct lab *lab);
void lab_agent_receive(struct lab *lab, size_t agent, const Pb__Envelope *envelope);
void lab_agent_hello(struct lab *lab, size_t agent); // a new session
void lab_agent_gone(struct lab *lab, size_t agent);
void lab_agent_beat(struct lab *lab, size_t agent);
bool lab_agent_flush(struct lab *lab, size_t agent);                   // sends a frame of events that are not acknowledged; false: none
void lab_agent_work(struct lab *lab, size_t agent, size_t commands);   // obeys what waits in the inbox
void lab_agent_expire(struct lab *lab, size_t agent);                  // guards whose lease is over end themselves
void lab_agent_faults(struct lab *lab, size_t agent);                  // faults whose time is over are taken back
void lab_agent_reboot(struct lab *lab, size_t agent);                  // a new boot id, every guard is gone and reported so
void lab_agent_wipe(struct lab *lab, size_t agent);                    // a new outbox; guards live on without their agent
void lab_event(struct lab *lab, size_t agent, const Pb__Event *event); // into the outbox
struct lab_guard *lab_guard(struct lab *lab, uint64_t instance, size_t *agent); // NULL: there never was one

// ---- experiments: a server and a tester with cases "one", "two"
Pb__Experiment *lab_experiment(struct lab *lab, uint32_t cells);
Pb__Assertion *lab_assertion(struct lab *lab, Pb__Experiment *experiment, const char *service);                 // its body is the caller's
Pb__TimelineEntry *lab_entry(struct lab *lab, Pb__Experiment *experiment, const char *id, const char *service); // its body is the caller's
void lab_cases(struct lab *lab, Pb__Experiment *experiment, size_t count);                                      // "one", "two", "c3", ...

#endif

// A coordinator core with agents played by the test: no socket, no clock. Every record is kept, and lab_end() proves that replaying them
// gives the live durable state (P7).
#ifndef PANTHER_TESTS_UNIT_COORDINATOR_CORE_LAB_H
#define PANTHER_TESTS_UNIT_COORDINATOR_CORE_LAB_H

#include "common/base/verdict.h"
#include "coordinator/core/core.h"

#define LAB_AGENTS_MAX 4
#define OPERATOR_ROUTE 900

struct lab_agent {
    char name[32], host_id[40], epoch[40];
    uint64_t route, session, sequence; // last event sent
    Pb__Event *outbox[4096];           // [sequence]
    uint64_t acknowledged;
    Pb__LiveInstance instances[256];
    size_t instance_count;
    bool mute; // takes commands, answers nothing
    bool connected;
};

struct lab {
    struct core *core;
    struct core_effects effects;
    uint64_t now_ns;
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
    // how services behave
    bool server_lacks_two; // it does not declare the capability that case "two" needs
    bool server_crashes, streams_are_cut, server_fails_start, exit_dirty;
    int case_verdict;
    size_t hold_cases; // answers to cases that are held back
};

void lab_begin(struct lab *lab);
void lab_end(struct lab *lab);
void lab_step(struct lab *lab, struct core_event *event); // and delivers what comes out
void lab_agent_hello(struct lab *lab, size_t agent);      // a new session
void lab_agent_gone(struct lab *lab, size_t agent);
void lab_agent_beat(struct lab *lab, size_t agent);
void lab_agent_flush(struct lab *lab, size_t agent);                   // sends events that are not acknowledged
void lab_event(struct lab *lab, size_t agent, const Pb__Event *event); // into the outbox
void lab_pass_ms(struct lab *lab, uint64_t ms, bool beating);          // ticks every 100 ms
void lab_restart(struct lab *lab);                                     // the core dies and is replayed
Pb__Experiment *lab_experiment(struct lab *lab, uint32_t cells);       // a server and a tester with cases "one", "two"
void lab_submit(struct lab *lab, const Pb__Experiment *experiment, const char *key, const char *hash, int role);
void lab_request(struct lab *lab, Pb__Request *request, int role);

#endif

// What a simulated agent does with commands: it answers each as a guard with the null plugin would, and keeps the answers until they
// are acknowledged. No process is started. Called by agent.c alone.
#ifndef PANTHER_TESTS_BENCH_SWARM_WORK_H
#define PANTHER_TESTS_BENCH_SWARM_WORK_H

#include "board.h"
#include "common/base/limits.h"
#include "common/system/loop.h"
#include "common/wire/wire.h"

// Live instances and ended ones whose events are not acknowledged.
#define WORK_INSTANCES_MAX 16
#define WORK_NAME_BYTES 64

struct work_case {
    uint32_t number;
    char name[WORK_NAME_BYTES];
};

struct work_instance {
    uint64_t id;
    uint32_t generation, last_command;
    bool ended;
    uint64_t sequence;    // of its own events
    uint64_t outbox_last; // its last event
    uint64_t lease_ns;    // it ends itself then
    char service[WORK_NAME_BYTES];
    struct work_case *cases; // to be run, one after the other
    size_t case_count, case_capacity, next_case;
};

struct work {
    struct board *board;
    struct work_instance instances[WORK_INSTANCES_MAX];
    size_t instance_count;
    uint64_t floor; // instances up to this one were forgotten
    // outbox: what is not acknowledged
    struct wire_bytes *events;
    size_t event_count, event_capacity;
    uint64_t acknowledged;
    uint64_t case_ns; // when the case at hand is done; 0: none is run
    uint64_t due_ns;  // the next of that and of the leases' ends; 0: none
};

void work_begin(struct work *work, struct board *board);
void work_end(struct work *work);
uint64_t work_last(const struct work *work); // sequence of the last event in the outbox
void work_command(struct work *work, const Pb__Command *command, uint64_t stamp_ns);
void work_discard(struct work *work, const Pb__Discard *discard);
void work_grant(struct work *work, const Pb__LeaseGrant *grant, uint64_t stamp_ns);
void work_acknowledged(struct work *work, uint64_t last);
void work_tick(struct work *work); // when due_ns has come

#endif

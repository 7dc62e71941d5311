// What the parts of faults.h share: faults.c (the table, events, time), fault_signal.c (kill, pause), fault_disk.c, fault_memory.c,
// fault_clock.c and fault_link.c (link, partition).
#ifndef PANTHER_AGENT_GUARD_FAULTS_STATE_H
#define PANTHER_AGENT_GUARD_FAULTS_STATE_H

#include "agent/guard/faults.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/system/loop.h"

enum fault_state { FAULT_BEGINS, FAULT_HOLDS, FAULT_ENDS };

struct fault {
    struct faults *all;
    struct fault *next;
    const struct fault_kind *kind;
    Pb__Fault *request; // a copy
    uint32_t number;    // of the command
    enum fault_state state;
    uint64_t asked_ns;         // FaultBegan stands there: before the effect
    struct loop_source *timer; // its end
    // of one kind each
    int fd; // link: the socket of a request; memory: what the taker says; disk_full: the filling file
    struct loop_source *source;
    struct loop_source *deadline; // of an answer
    struct text answer;
    pid_t taker;    // memory: the process that takes it; 0: none
    int taker_fd;   // its pidfd
    char *restored; // memory: the cgroup's limit before
};

struct faults {
    struct loop *loop;
    struct events *events;
    struct processes *processes;
    const char *work, *cgroup, *marker;
    struct fault *first;
    size_t count;
    const char *closed; // why none begins any more; NULL: they do
};

// begin: 0 it holds (what was done is in `done`); FAULT_LATER: fault_holds or fault_failed will be called; negative: it does not.
#define FAULT_LATER 1
struct fault_kind {
    const char *name;
    bool is_momentary; // without for_ms it is over at once
    int (*begin)(struct fault *fault, struct text *done, struct panther_error *error);
    // 0: taken back; FAULT_LATER: fault_over will be called; negative: it cannot be.
    int (*end)(struct fault *fault, struct panther_error *error);
    void (*drop)(struct fault *fault); // frees what it holds, undoing what is left; NULL: nothing
    bool ends_with_instance;           // nothing to undo when the instance ends
};
extern const struct fault_kind fault_kill, fault_pause, fault_disk_full, fault_memory, fault_clock, fault_link, fault_partition;

void fault_holds(struct fault *fault, const char *done);
void fault_failed(struct fault *fault, const struct panther_error *error); // it never began; frees it
void fault_over(struct fault *fault, const char *text, bool failed);       // frees it
const char *fault_option(const struct fault *fault, const char *name);     // NULL: not given
size_t fault_key_bytes(const char *id);                                    // "case 3" and "case 4" have one key

#endif

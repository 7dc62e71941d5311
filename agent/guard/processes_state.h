// What the parts of processes.h share: processes.c (the table), process_start.c, process_stop.c (ladder), process_end.c.
#ifndef PANTHER_AGENT_GUARD_PROCESSES_STATE_H
#define PANTHER_AGENT_GUARD_PROCESSES_STATE_H

#include "agent/guard/processes.h"
#include "common/base/identity.h"
#include "common/base/map.h"
#include "common/base/memory.h"

struct execution_run;
struct stream;

#define NAME_AND_NUMBER_BYTES (NAME_MAX_BYTES + 16)

// After a process has ended others may still hold its output open. First they may end by themselves, then they are killed, then the
// stream is ended over their heads.
#define DRAIN_MS 500

enum drain_step { DRAIN_NOT_YET, DRAIN_WAITING, DRAIN_KILLED };

struct process {
    struct processes *all;
    struct process *previous, *next;
    Pb__SpawnRequest *request; // a copy
    uint32_t number;
    char stem[NAME_AND_NUMBER_BYTES]; // of its streams: "nginx", "nginx.2"
    pid_t pid;
    int pidfd, status_fd, stdout_fd, stderr_fd;
    struct loop_source *status_source, *timer;
    struct stream *streams[2]; // NULL: not open yet, or at its end
    char *tails[2];            // stdout's, stderr's
    bool running;              // the program runs (else the trampoline still does)
    bool ended, end_expected, killing;
    enum drain_step drain;
    uint64_t kill_ns; // while killing
    struct process_end end;
    struct execution_run *run; // what it is started under; NULL: nothing, or it has ended
    bool is_apart;             // has files or clocks of its own: sandbox, clock fault
    char why[160];             // what the execution environment knows of its end
    uint32_t beside;           // the command it runs for; 0: the plugin's
    int struck_by;             // the last signal of a fault
    bool struck_to_end;        // ... which ends a process, whatever it makes of it
};

struct processes {
    struct loop *loop;
    struct events *events;
    struct streams *streams;
    const char *work, *marker, *cgroup;
    struct execution *execution; // NULL: none
    struct processes_callbacks callbacks;
    void *context;
    struct process *first;
    size_t count;
    uint32_t last_number, killed;
    bool ends_expected;
    // what faults do to those that start from now on, and to ends
    bool files_limited, memory_short;
    uint64_t files_limit_bytes;
    int64_t clock_offset_ns;
    struct map *names; // name -> how many so far, as a pointer-sized number
};

// process_start.c
void process_look_at_status(struct process *process); // does its program run by now?
// process_stop.c
int process_stop_signal(const struct process *process);
void process_begin_ladder(struct process *process, uint32_t grace_ms);
void process_timer_elapsed(void *process);
void process_set_timer(struct process *process, uint64_t delay_ms);
bool process_signal_ends(int signal_number); // by default, and meant so
// process_fault.c
void process_apply_faults(struct process *process); // those that hold when it starts
bool process_died_of_fault(const struct process *process);
// process_end.c
typedef void process_member_fn(void *context, pid_t pid);
size_t process_each_member(pid_t group, const char *marker, process_member_fn *member, void *context);
void process_free(struct process *process);
void process_stream_ended(void *process, struct stream *stream);
void process_kill_leftovers(struct process *process);
void process_end_streams(struct process *process);
const char *process_marker(const struct process *process, struct arena *arena);
void process_close(int *fd); // -1: is closed

#endif

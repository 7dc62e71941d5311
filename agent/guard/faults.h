// Faults of the timeline, done to this instance beside what its plugin does: begun, timed and taken back by the guard itself, so that
// they end also when nobody commands it any more. Called by flow.c (commands, stop), ending.c (the end) and guard.c.
#ifndef PANTHER_AGENT_GUARD_FAULTS_H
#define PANTHER_AGENT_GUARD_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/system/process.h"
#include "panther/v1/instance.pb-c.h"

struct events;
struct faults;
struct loop;
struct processes;

// work, cgroup and marker are borrowed and outlive it.
struct faults *faults_new(struct loop *loop, struct events *events, struct processes *processes, const char *work, const char *cgroup,
                          const char *marker);
void faults_free(struct faults **faults);
// Answered by CommandDone (phase "fault") when it has begun, or with why it has not.
void faults_begin(struct faults *faults, uint32_t number, const Pb__Fault *fault);
// Takes all back, and refuses those that come later, with this reason. Again: nothing happens.
void faults_close(struct faults *faults, const char *why);
bool faults_any(const struct faults *faults);
// A child ended; false: it is none of these.
bool faults_ended(struct faults *faults, const struct process_end *end);

#endif

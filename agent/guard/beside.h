// Commands that run beside the service (RunBeside): in its folder, network and environment, bounded by their timeout, ended with it.
// Called by flow.c.
#ifndef PANTHER_AGENT_GUARD_BESIDE_H
#define PANTHER_AGENT_GUARD_BESIDE_H

#include <stdint.h>

#include "common/system/process.h"
#include "panther/v1/instance.pb-c.h"

struct beside;
struct events;
struct loop;
struct processes;

struct beside *beside_new(struct loop *loop, struct events *events, struct processes *processes);
void beside_free(struct beside **beside);
// Answered by CommandDone (phase "run") when the command has ended. Its output is in the streams run.stdout and run.stderr.
void beside_run(struct beside *beside, uint32_t number, const Pb__RunBeside *run);
// What became of it, see processes.h.
void beside_takes(struct beside *beside, uint32_t number, uint32_t process, const struct process_end *end, const char *problem);
// Ends those that run, and refuses those that come later, with this reason.
void beside_close(struct beside *beside, const char *why);

#endif

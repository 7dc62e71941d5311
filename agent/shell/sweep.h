// Kills what a lost guard left: by its cgroup where there is one, by the mark that every process of an instance
// carries, and by the guard's session for those that wrote over their mark.
#ifndef PANTHER_AGENT_SHELL_SWEEP_H
#define PANTHER_AGENT_SHELL_SWEEP_H

#include <stdint.h>

struct loop;
struct sweeps;
typedef void swept_fn(void *context, uint64_t instance, uint32_t generation, uint32_t killed);

struct sweeps *sweeps_new(struct loop *loop, const char *state, const char *host_id, const char *cgroup, swept_fn *callback, void *context);
void sweeps_free(struct sweeps **sweeps);
// Calls back in the loop when nothing of it lives any more (or does not die: that is logged).
void sweeps_start(struct sweeps *sweeps, uint64_t instance, uint32_t generation);

#endif

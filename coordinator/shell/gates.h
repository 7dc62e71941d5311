// Judges the gates of runs whose last cell has ended, in a thread of its own and from what is committed. Used by the reactor.
#ifndef PANTHER_COORDINATOR_SHELL_GATES_H
#define PANTHER_COORDINATOR_SHELL_GATES_H

#include "common/base/error.h"
#include "coordinator/core/core.h"

struct loop;
struct gates;
// In the loop's thread; the result lives during the call.
typedef void gates_done_fn(void *context, uint64_t run, const Pb__RunGates *result);
int gates_new(struct gates **out, const char *folder, struct loop *loop, gates_done_fn *done, void *context, struct panther_error *error);
void gates_free(struct gates **gates); // waits for the one that is on its way; what still waits is asked for again by the next start
// To be judged when the batch of this number is committed.
void gates_hold(struct gates *gates, const struct core_gated *gated, uint64_t number);
void gates_release(struct gates *gates, uint64_t committed);

#endif

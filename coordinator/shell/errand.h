// One job at a time in a thread of its own: what reads or writes for so long that the loop must not wait. Used by backup.c, audits.c and
// snapshots.c; what the job is about belongs to the thread from errand_start until `done`.
#ifndef PANTHER_COORDINATOR_SHELL_ERRAND_H
#define PANTHER_COORDINATOR_SHELL_ERRAND_H

#include <stdbool.h>

#include "common/base/error.h"

struct loop;
struct errand;
typedef void errand_fn(void *context);
// perform: in the thread. done: afterwards, in the loop's.
int errand_new(struct errand **out, struct loop *loop, errand_fn *perform, errand_fn *done, void *context, struct panther_error *error);
void errand_free(struct errand **errand); // waits for one that is on its way; `done` is not called then
bool errand_is_busy(const struct errand *errand);
// PANTHER_ESTATE: one is on its way. PANTHER_ESYSTEM: no thread.
int errand_start(struct errand *errand);

#endif

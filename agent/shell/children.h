// The agent's children, reaped in one place: it is a subreaper, so strangers come along with the processes that it started.
#ifndef PANTHER_AGENT_SHELL_CHILDREN_H
#define PANTHER_AGENT_SHELL_CHILDREN_H

#include "common/system/loop.h"
#include "common/system/process.h"

struct children;
typedef void child_ended_fn(void *context, const struct process_end *end);

struct children *children_new(struct loop *loop);
void children_free(struct children **children);
// Called once, in the loop, when this child has ended.
void children_watch(struct children *children, pid_t pid, child_ended_fn *callback, void *context);
typedef void child_each_fn(void *context, pid_t pid);
void children_each(const struct children *children, child_each_fn *callback, void *context); // that are watched
bool children_has(const struct children *children, pid_t pid);                               // it is watched
void children_forget(struct children *children, pid_t pid);

#endif

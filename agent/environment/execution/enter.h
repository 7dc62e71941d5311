// In the new process, between the guard's fork and the program's exec: what plan.h says is done.
#ifndef PANTHER_AGENT_ENVIRONMENT_EXECUTION_ENTER_H
#define PANTHER_AGENT_ENVIRONMENT_EXECUTION_ENTER_H

#include <stddef.h>
#include <sys/types.h>

// guard: the parent of the companions, too. 0; -1: cannot be, with the reason in problem; the process must end then.
int execution_enter(const char *plan, pid_t guard, char *problem, size_t problem_bytes);

#endif

// A tool that runs beside the process and attaches itself to it: a child of the guard, in a session of its own, so that neither the
// program's waits nor the kill ladder meet it.
#ifndef PANTHER_AGENT_ENVIRONMENT_EXECUTION_COMPANION_H
#define PANTHER_AGENT_ENVIRONMENT_EXECUTION_COMPANION_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

// perf twice, and one tracer; and room for what is to come
#define COMPANIONS_MAX 8
// gdb's are some 40.
#define COMPANION_ARGUMENTS_MAX 64

struct companion {
    bool is_traced; // ready when the process is traced; else when it has answered on its control pipe
    const char *log;
    char *arguments[COMPANION_ARGUMENTS_MAX + 1];
    size_t argument_count;
    int go, alive, control, answers; // our ends of its pipes
};

// It waits for companion_attach, so that it sees nothing of what the process does until then, and is in no limit that it is put in.
int companion_start(struct companion *companion, pid_t guard); // -1: errno
// 0: it watches this process now. -1: it does not, and why is in problem.
int companion_attach(struct companion *companion, char *problem, size_t problem_bytes);

#endif

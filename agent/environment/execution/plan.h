// What a process becomes between the guard's fork and the program's exec: written by compose.c in the guard, read by enter.c in the new
// process, as one argument of the trampoline. Lines "WORD value"; values hold no newline.
#ifndef PANTHER_AGENT_ENVIRONMENT_EXECUTION_PLAN_H
#define PANTHER_AGENT_ENVIRONMENT_EXECUTION_PLAN_H

#define PLAN_CGROUP "cgroup "     // a folder whose limits hold for the process
#define PLAN_LIMIT "rlimit "      // "7 1024": RLIMIT_NOFILE
#define PLAN_SANDBOX "sandbox "   // "private" or "shared": its /tmp
#define PLAN_WRITABLE "writable " // a folder that stays writable in the sandbox
#define PLAN_READABLE "readable " // a folder below /tmp that is seen, read-only, in a private one
#define PLAN_COMPANION                                                                                                                     \
    "companion "                  // "traced LOG" or "acknowledged LOG": a tool beside the process, its output in LOG, and when it is there:
                                  // the process is traced, or the tool has answered on its control pipe
#define PLAN_ARGUMENT "argument " // of the companion before; see the words below
#define PLAN_ENTRY "environment " // "NAME=value" of the program alone: what is preloaded must not be in the trampoline or in tools
#define PLAN_WORD_PID "{pid}"     // the process
#define PLAN_WORD_CONTROL "{control}" // fd:N,M of perf

// The tool's end of a pipe that the guard reads: at its end all companions have ended.
#define PLAN_TOOLS_FD 5
// Tools that outlast their program are found by this entry of their environment.
#define PLAN_TOOL_MARKER "PANTHER_TOOL"

#endif

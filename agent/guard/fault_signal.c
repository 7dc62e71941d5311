// kill and pause: signals to all that the plugin started. A cgroup's freezer would hold its plugin host as well, which has to go on;
// so the processes are stopped one by one, a second time for those that were born meanwhile.
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "agent/guard/faults_state.h"
#include "agent/guard/processes.h"

static int nothing_runs(struct panther_error *error)
{
    return error_set(error, PANTHER_ESTATE, "none of its programs runs");
}

static int signal_named(const char *name)
{
    for (int number = 1; number < SIGRTMIN; number++) {
        const char *short_name = sigabbrev_np(number);
        if (short_name && (strcmp(short_name, name) == 0 || (strncmp(name, "SIG", 3) == 0 && strcmp(short_name, name + 3) == 0)))
            return number;
    }
    return 0;
}

static int begin_kill(struct fault *fault, struct text *done, struct panther_error *error)
{
    const char *given = fault_option(fault, "signal");
    int number = signal_named(given ? given : "KILL");
    if (number == 0)
        return error_set(error, PANTHER_EINVALID, "there is no signal \"%s\"", given);
    text_printf(done, "SIG%s to", sigabbrev_np(number));
    return processes_strike(fault->all->processes, number, done) > 0 ? 0 : nothing_runs(error);
}

static int end_kill(struct fault *fault, struct panther_error *error)
{
    (void)fault, (void)error; // what is dead stays dead
    return 0;
}

static int begin_pause(struct fault *fault, struct text *done, struct panther_error *error)
{
    text_append(done, "SIGSTOP to");
    return processes_pause(fault->all->processes, done) > 0 ? 0 : nothing_runs(error);
}

// Two that overlap: the last one to end lets them go on.
static bool another_pauses(const struct fault *fault)
{
    for (const struct fault *other = fault->all->first; other; other = other->next)
        if (other != fault && other->kind == &fault_pause && other->state == FAULT_HOLDS)
            return true;
    return false;
}

static int end_pause(struct fault *fault, struct panther_error *error)
{
    (void)error;
    if (!another_pauses(fault))
        processes_resume(fault->all->processes);
    return 0;
}

const struct fault_kind fault_kill = {.name = "kill", .is_momentary = true, .begin = begin_kill, .end = end_kill};
const struct fault_kind fault_pause = {.name = "pause", .begin = begin_pause, .end = end_pause};

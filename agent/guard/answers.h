// What the guard itself says to a command when its host cannot.
#ifndef PANTHER_AGENT_GUARD_ANSWERS_H
#define PANTHER_AGENT_GUARD_ANSWERS_H

#include <stdbool.h>

#include "agent/guard/commands.h"

struct events;

// How the host came to its end.
struct host_death {
    bool hung; // killed by the guard, because it did not come back
    int status, signal;
    const char *text; // one line: what happened
};

void answer_done(struct events *events, const struct command *command, Pb__CommandStatus status, const char *text);
// first: it was being worked on; else it waited. A case gets a result, everything else CommandDone HOST_DIED.
void answer_host_died(struct events *events, const struct command *command, bool first, const struct host_death *death);

#endif

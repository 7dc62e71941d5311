// The main thread: requests of the guard in, deadlines kept.
#ifndef PANTHER_AGENT_HOST_CONVERSATION_H
#define PANTHER_AGENT_HOST_CONVERSATION_H

#include "agent/host/host.h"

// When a command says nothing about its time.
#define PHASE_DEFAULT_MS 10000
#define CASE_DEFAULT_MS 60000

_Noreturn void conversation_run(struct host *host);

#endif

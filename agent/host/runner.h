// The plugin's thread: takes commands from the queue, one by one, and answers each exactly once.
#ifndef PANTHER_AGENT_HOST_RUNNER_H
#define PANTHER_AGENT_HOST_RUNNER_H

#include "agent/host/host.h"

void runner_start(struct host *host);

#endif

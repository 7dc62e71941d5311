// The agent as a whole: reactor, uplink, guards, catalogue, uploads, files; what the core decides is performed here.
#ifndef PANTHER_AGENT_SHELL_SHELL_H
#define PANTHER_AGENT_SHELL_SHELL_H

#include "agent/shell/settings.h"

// Runs until SIGTERM or SIGINT (0), or until it cannot go on (a negative error: exit and start again).
int shell_run(const struct settings *settings, struct panther_error *error);

#endif

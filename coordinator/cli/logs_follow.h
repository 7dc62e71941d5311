// panther-coord logs -f of a run, cell, trial or service.
#ifndef PANTHER_COORDINATOR_CLI_LOGS_FOLLOW_H
#define PANTHER_COORDINATOR_CLI_LOGS_FOLLOW_H

#include "coordinator/cli/client.h"
#include "coordinator/cli/log_lines.h"

// How long a line waits for an earlier one of another host: three times the longest way of a line through guard, agent, coordinator and the
// next question for it on hosts that are not busy. Longer, and nobody would call it live. The man page says it.
#define LOGS_HOLD_MS 1000
#define LOGS_EVERY_MS 300

// Until the run has ended. 0, or an exit status; *any: something was printed.
int logs_follow(struct client *client, const char *scope, struct log_lines *lines, bool *any);

#endif

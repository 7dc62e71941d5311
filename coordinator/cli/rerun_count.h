// k of n: how often a rerun ended as what it repeats.
#ifndef PANTHER_COORDINATOR_CLI_RERUN_COUNT_H
#define PANTHER_COORDINATOR_CLI_RERUN_COUNT_H

#include "coordinator/cli/repeat.h"

// Of `run`, whose cells have ended. 0, or an exit status.
int rerun_count_print(struct client *client, const struct repeat *repeat, const char *run);

#endif

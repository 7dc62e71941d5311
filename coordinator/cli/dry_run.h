// What `submit --dry-run` shows: cells, hosts, what would be run there. submit.c calls it.
#ifndef PANTHER_COORDINATOR_CLI_DRY_RUN_H
#define PANTHER_COORDINATOR_CLI_DRY_RUN_H

#include "coordinator/cli/client.h"

// Asks the agents for the commands of their plugins. Returns the exit status.
int dry_run_print(struct client *client, const Pb__Submitted *submitted);

#endif

// Waiting for a run: progress on a terminal, a line per ended cell, and the exit status of the run. Survives a coordinator that restarts.
#ifndef PANTHER_COORDINATOR_CLI_FOLLOW_H
#define PANTHER_COORDINATOR_CLI_FOLLOW_H

#include "coordinator/cli/client.h"

struct follow_options {
    bool cells;    // a line for each cell that ends
    bool progress; // a line that is drawn again and again, on a terminal only
};
// Until the run has ended. The exit status over its cells (EXIT_PASS, EXIT_FAIL, EXIT_INCONC), or EXIT_UNREACHABLE.
int follow_run(struct client *client, const char *run, const struct follow_options *options);
void wait_ms(unsigned ms);

#endif

// Waiting for a run: progress on a terminal, a line per ended cell, and the exit status of the run. Survives a coordinator that restarts.
#ifndef PANTHER_COORDINATOR_CLI_FOLLOW_H
#define PANTHER_COORDINATOR_CLI_FOLLOW_H

#include "coordinator/cli/client.h"

struct follow_options {
    bool cells;    // a line for each cell that ends
    bool progress; // a line that is drawn again and again, on a terminal only
    bool quiet;    // nothing is printed of the run's verdict
    bool holds;    // trials may be held: that all others have ended is enough, for what is held has its verdict
};
// Until the run has ended, or nothing but what is held is left of it; then its verdict is printed. The exit status over its cells
// (EXIT_PASS, EXIT_FAIL, EXIT_INCONC), or EXIT_UNREACHABLE.
int follow_run(struct client *client, const char *run, const struct follow_options *options);
void wait_ms(unsigned ms);
// The same between two rounds of output; false at once when nobody reads it any more (`logs -f | head`).
bool wait_while_read_ms(unsigned ms);

#endif

// The parts of `artifacts`.
#ifndef PANTHER_COORDINATOR_CLI_ARTIFACTS_H
#define PANTHER_COORDINATOR_CLI_ARTIFACTS_H

#include "coordinator/cli/client.h"

// what: "wireshark" or "qvis"; folder: where to put the files, NULL: below /tmp. An exit status.
int artifacts_open(struct client *client, const char *scope, const char *what, const char *folder);

#endif

// `results --matrix`, for lists.c.
#ifndef PANTHER_COORDINATOR_CLI_MATRIX_H
#define PANTHER_COORDINATOR_CLI_MATRIX_H

#include "coordinator/cli/client.h"

int print_matrix(struct client *client, const char *scope); // closes the client; the command's status

#endif

// Streams and artifacts as files below a folder, each under its full name and checked against its hash.
#ifndef PANTHER_COORDINATOR_CLI_SAVE_H
#define PANTHER_COORDINATOR_CLI_SAVE_H

#include "coordinator/cli/client.h"

// A name comes from a host under test: does it stay below the folder that it is put in?
bool save_name_is_safe(const char *name);
// EXIT_PASS, or EXIT_FAIL with a word on stderr. told: gets the path in a line; NULL: nobody.
int save_content(struct client *client, const char *folder, const char *name, const char *hash, FILE *told);

#endif

// What `explain` and `open` share.
#ifndef PANTHER_COORDINATOR_CLI_EXPLAIN_H
#define PANTHER_COORDINATOR_CLI_EXPLAIN_H

#include "coordinator/cli/evidence.h"

// The last attempt at a cell, or the trial that is named. 0 with its row alone in a table, or an exit status with a word on stderr.
int explain_find_trial(struct evidence *evidence, const char *scope, struct table **trial);
int explain_print(struct evidence *evidence, const char *scope, enum report_format format); // 0, or an exit status

#endif

// What `timeline` and `open` share.
#ifndef PANTHER_COORDINATOR_CLI_TIMELINE_H
#define PANTHER_COORDINATOR_CLI_TIMELINE_H

#include "coordinator/cli/evidence.h"

#define TIMELINE_DOCUMENTS REPORT_DOCUMENT(REPORT_HTML)
int timeline_print(struct evidence *evidence, const char *scope, enum report_format format); // 0, or an exit status

#endif

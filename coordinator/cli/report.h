// What `report` and `open` share: a run's tables gathered and printed as a document.
#ifndef PANTHER_COORDINATOR_CLI_REPORT_H
#define PANTHER_COORDINATOR_CLI_REPORT_H

#include "coordinator/cli/evidence.h"
#include "coordinator/report/run_report.h"

#define REPORT_DOCUMENTS                                                                                                                   \
    (REPORT_DOCUMENT(REPORT_JUNIT) | REPORT_DOCUMENT(REPORT_TAP) | REPORT_DOCUMENT(REPORT_CSV) | REPORT_DOCUMENT(REPORT_MARKDOWN) |        \
     REPORT_DOCUMENT(REPORT_HTML))

// 0, or an exit status; what was gathered is freed by run_report_free either way.
int report_gather(struct evidence *evidence, const char *scope, struct run_report *report);
// For a page: what captures show of the last attempts. As report_gather.
int report_gather_captures(struct evidence *evidence, struct run_report *report);
void report_print(const struct run_report *report, enum report_format format, FILE *out);

#endif

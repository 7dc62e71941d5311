// What `timeline` and `open` share.
#ifndef PANTHER_COORDINATOR_CLI_TIMELINE_H
#define PANTHER_COORDINATOR_CLI_TIMELINE_H

#include "coordinator/cli/evidence.h"
#include "coordinator/report/timeline.h"

#define TIMELINE_DOCUMENTS REPORT_DOCUMENT(REPORT_HTML)

struct timeline_wish {
    bool with[TIMELINE_SOURCES]; // the journal is always there
    size_t most;                 // of each source
};
// Metrics, and of each source as many as are looked at and as a page shows without trouble.
#define TIMELINE_MOST 10000
#define TIMELINE_WISH                                                                                                                      \
    {                                                                                                                                      \
        .with = {[TIMELINE_METRICS] = true}, .most = TIMELINE_MOST                                                                         \
    }
// "logs,packets", or "all"; false: a word of it is none.
bool timeline_wish_parse(const char *text, struct timeline_wish *wish);
int timeline_print(struct evidence *evidence, const char *scope, const struct timeline_wish *wish,
                   enum report_format format); // 0, or an exit status

// What is wanted beside the journal, from streams and artifacts. Whatever of it cannot be read is said on stderr: the status is then not 0,
// and the timeline holds the rest. rows: the table "timeline".
int timeline_observe(struct evidence *evidence, const char *scope, const struct timeline_wish *wish, const struct table *rows,
                     struct timeline *timeline);

#endif

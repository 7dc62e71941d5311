// Why a trial came to its verdict: what failed first, what followed, where it can be read, and whether laboratories know it by name. Pure.
#ifndef PANTHER_COORDINATOR_REPORT_EXPLAIN_H
#define PANTHER_COORDINATOR_REPORT_EXPLAIN_H

#include "coordinator/report/failure_patterns.h"
#include "coordinator/report/table.h"

// Of one trial: rows of the store's tables; trial has one row.
struct explain_input {
    const struct table *trial, *instances, *cases, *assertions, *streams, *timeline;
    // The content of a stream from its beginning, heap, NUL-terminated; NULL: there is none. May be NULL.
    char *(*read)(void *context, const char *stream, size_t *bytes);
    void *context;
};

struct explain_link {
    char *what;    // one line
    char *where;   // "r1/smoke/1#1/load/null.stderr@812", "events 44"; what was decided: ""
    char *service; // "" of none
    const struct failure_pattern *pattern;
};
struct explanation {
    char *verdict; // "r1/smoke/1#1: fail (assertion): ..."
    struct explain_link *links;
    size_t count, capacity;
    const struct failure_pattern *pattern; // the first link's that has one, or what all of them are together
};
void explain(const struct explain_input *input, struct explanation *explanation);
void explanation_free(struct explanation *explanation);

void explanation_text(const struct explanation *explanation, struct text *out);
struct table *explanation_table(const struct explanation *explanation);

#endif

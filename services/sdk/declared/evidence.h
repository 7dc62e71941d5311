// What one run of commands left, and what is judged by it: between the driver, which runs, and the judge (metric.c, results.c, verdict.c).
#ifndef PANTHER_SERVICES_SDK_DECLARED_EVIDENCE_H
#define PANTHER_SERVICES_SDK_DECLARED_EVIDENCE_H

#include "services/sdk/declared/scope.h"

struct evidence {
    struct scope *scope; // with the service, the case and the arena
    int process;         // of the tool (panther_output works on it); 0: it was not started
    struct panther_exit exit;
    bool has_ended;    // exit is there; else the driver has ended it
    bool is_timed_out; // by its own timeout, or the case's
    bool is_cancelled;
    const char *standard_output, *standard_error; // NUL-terminated, never NULL
    size_t standard_output_bytes, standard_error_bytes;
};

// A copy that the arena holds, with NUL bytes made blanks in place: what stands behind one shall be seen by rules, too.
const char *evidence_printable(const char *text, size_t bytes);

// judge.c: takes metrics, tells them, reads results, tries the rules: `first` (the case's, may be NULL), then the document's; always
// says a panther_result. Returns what run_test or execute shall return.
int evidence_judge(struct evidence *evidence, const struct verdict_rules *first);

// Before a case of a tester: files of the work folder that rules, metrics and results look at are removed, so that what an earlier case
// left is not taken for this one's.
void evidence_forget(struct scope *scope, const struct verdict_rules *first);
void evidence_forget_file(struct scope *scope, const struct template *file); // one of them; NULL, "-": none

// metric.c, results.c, verdict.c: readers of their keys; members are struct metric_rules *, struct results_rule *, struct verdict_rules *.
// Metrics are read before verdicts, so that a rule that names an unknown one is a mistake.
void read_metrics(struct reading *reading, const struct value *value, const struct key *key, void *member);
void read_results(struct reading *reading, const struct value *value, const struct key *key, void *member);
void read_verdict(struct reading *reading, const struct value *value, const struct key *key, void *member);
// Is there a metric of this name (NAME, NAME_p99)? For $(metric.NAME).
bool metric_is_known(const struct document *document, const char *name);

#endif

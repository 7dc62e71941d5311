// The key `results`: where a suite's own report is, and what it says of a case.
#ifndef PANTHER_SERVICES_SDK_DECLARED_RESULTS_H
#define PANTHER_SERVICES_SDK_DECLARED_RESULTS_H

#include "services/sdk/declared/evidence.h"
#include "services/sdk/declared/report.h"

enum results_kind { RESULTS_JUNIT, RESULTS_TAP, RESULTS_JSON };
struct results_rule {
    enum results_kind kind;
    const struct template *file;  // "-": stdout
    const struct template *entry; // NULL: all
    struct json_form form;
};

// What a report says: of no report (not there, not whole) neither holds but is_failed, when one failed.
struct results_found {
    bool is_read; // there was one
    size_t passed, failed, skipped;
    const char *problem;      // NULL: whole
    const char *failed_names; // "a, b and 3 more"; "": none
};

void results_take(struct evidence *evidence, struct results_found *found);
void results_forget(struct scope *scope); // as metrics_forget

#endif

// Verdict rules: the first one that holds decides; none: inconc (incomplete).
#ifndef PANTHER_SERVICES_SDK_DECLARED_VERDICT_H
#define PANTHER_SERVICES_SDK_DECLARED_VERDICT_H

#include "services/sdk/declared/evidence.h"

struct text_rule { // what shall stand in a text, or not
    const struct template *present, *absent;
    const struct template *matches, *lacks;
};

struct metric_bound { // { NAME: {at_least: 1, below: $(option.x)} }
    const char *name;
    const struct template *at_least, *at_most, *above, *below;
};

enum results_wanted { RESULTS_NOT_ASKED, RESULTS_PASS, RESULTS_FAIL, RESULTS_ANY };
enum exit_kind { EXIT_NOT_ASKED, EXIT_STATUSES, EXIT_ANY };
struct verdict_rule {
    const struct condition *when;
    enum exit_kind exit;
    size_t status_count;
    int *statuses;
    bool asks_signal, asks_timeout;
    int signal; // 0: any
    bool timeout;
    struct text_rule standard_output, standard_error, output;
    bool asks_standard_output, asks_standard_error, asks_output, asks_file;
    const struct template *file_path;
    bool file_exists, asks_file_exists;
    struct text_rule file;
    size_t bound_count;
    struct metric_bound *bounds;
    enum results_wanted results;
    int verdict; // enum panther_verdict
    int reason;  // enum panther_reason
    const struct template *text;
};

struct verdict_rules {
    size_t count;
    struct verdict_rule *items;
};

#endif

// What `panther-plugin check` found, and how it is printed: for people, for scripts, for a build server.
#ifndef PANTHER_SERVICES_SDK_AUTHOR_CHECK_REPORT_H
#define PANTHER_SERVICES_SDK_AUTHOR_CHECK_REPORT_H

#include "services/sdk/author/contract.h"

struct check_report {
    const char *plugin;
    const struct clause *clauses[CONTRACT_LIST_MAX];
    struct judgement judgements[CONTRACT_LIST_MAX];
    size_t count, bad, skipped;
    uint64_t took_ns;
    void (*progress)(const struct check_report *report, size_t index); // after each clause; NULL: none
};

void check_print_line(const struct check_report *report, size_t index);
void check_print_table(const struct check_report *report); // the sum: the lines were printed one by one
void check_print_json(const struct check_report *report);
void check_print_junit(const struct check_report *report);

#endif

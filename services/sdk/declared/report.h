// The report that a test suite writes itself (JUnit, TAP, JSON) as a list of entries.
#ifndef PANTHER_SERVICES_SDK_DECLARED_REPORT_H
#define PANTHER_SERVICES_SDK_DECLARED_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/memory.h"

enum report_status { REPORT_PASSED, REPORT_FAILED, REPORT_SKIPPED };
struct report_entry {
    const char *name; // JUnit: its name; group: its class
    const char *group;
    enum report_status status;
};

// Entries of one report: a suite of suites.
#define REPORT_ENTRIES_MAX 100000

struct report {
    struct arena *arena;
    struct report_entry *items;
    size_t count, capacity;
    const char *problem; // NULL: whole; else why nothing in it can pass ("it ends in the middle")
};

void report_add(struct report *report, const char *group, const char *name, enum report_status status);
void report_free(struct report *report); // its list; texts are in the arena
// Each takes the text of a whole file.
void report_read_junit(struct report *report, const char *text);
void report_read_tap(struct report *report, const char *text);

struct json_form {
    const char *list; // the member that is the list of entries; NULL: the document itself
    const char *name; // members of an entry
    const char *status;
    const char *const *passed; // values of status; others are skipped
    const char *const *failed;
};
void report_read_json(struct report *report, const char *text, size_t bytes, const struct json_form *form);

#endif

// What references and conditions are resolved against: one instance (or a dry run), and the case and item at hand.
#ifndef PANTHER_SERVICES_SDK_DECLARED_SCOPE_H
#define PANTHER_SERVICES_SDK_DECLARED_SCOPE_H

#include "services/sdk/declared/document.h"

#define SCOPE_PROBLEM_BYTES 512

struct scope {
    const struct document *document;
    struct panther_service *service; // NULL: a dry run, where no instance exists
    struct arena *arena;             // where texts go
    const void *settings;            // one slot per option; the profile is in it
    const int *ports;                // [port_count]: 0: this instance has no such port
    const struct panther_certificate *certificate;
    const char *build;     // folder; NULL: nothing was built
    const char *case_name; // NULL: outside of cases
    const char *item;      // of an `each`
    // The metric of this name, as a person reads it; NULL: there is none. context: the judge's.
    const char *(*metric)(const char *name, struct arena *arena, void *context);
    void *metric_context;
    bool is_undecided;                 // a dry run met a condition that only an instance decides: it did not hold
    char problem[SCOPE_PROBLEM_BYTES]; // of the last text that could not be made
};

// Where the value of an option is.
const void *scope_slot(const struct scope *scope, const struct panther_option *option);
// A scalar option as text, in the form that experiments normalise to (ms, bytes, true); a list: its items with a space between.
const char *scope_option_text(struct scope *scope, const struct panther_option *option);

#endif

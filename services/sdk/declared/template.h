// A text with references: `http://$(drive.server.endpoint)/$(option.path)`. Taken apart when the file is read, so that an unknown reference
// is a mistake with its place; put together when a scope knows the values.
#ifndef PANTHER_SERVICES_SDK_DECLARED_TEMPLATE_H
#define PANTHER_SERVICES_SDK_DECLARED_TEMPLATE_H

#include "services/sdk/declared/reading.h"

struct scope;

// Where a text stands decides what it may refer to.
enum {
    REFERENCES_OPTIONS = 1,                                                         // option
    REFERENCES_INSTANCE = 2,                                                        // address, ports, certificate, peers, work, seed, names
    REFERENCES_CASE = 4,                                                            // case
    REFERENCES_ITEM = 8,                                                            // item
    REFERENCES_METRIC = 16,                                                         // metric.NAME
    REFERENCES_PLUGIN = 32,                                                         // plugin
    REFERENCES_BUILD = 64,                                                          // build
    REFERENCES_COMPILE = REFERENCES_OPTIONS | REFERENCES_PLUGIN | REFERENCES_BUILD, // what a cached build may depend on
    REFERENCES_RUN = REFERENCES_COMPILE | REFERENCES_INSTANCE | REFERENCES_CASE,
};

// What a template becomes may not be longer: a hostile repetition of options is cut with an error.
#define TEMPLATE_TEXT_MAX_BYTES (4 * 1024 * 1024)

struct template;
struct templates {
    size_t count;
    const struct template **items;
};
// Always returns a template; mistakes are in the diagnostics.
const struct template *template_parse(struct reading *reading, const char *text, const struct value *place, unsigned allowed);
// The same of a file's text: mistakes have their places in that file.
const struct template *template_parse_file(struct reading *reading, const char *text, const char *file, unsigned allowed);
bool template_is_literal(const struct template *template); // without a reference
const char *template_source(const struct template *template);
// The text, in the scope's arena; NULL: a reference has no value here (an absent port, no such peer), the reason is in the scope's problem.
const char *template_text(const struct template *template, struct scope *scope);
// The option whose list is the whole text, "$(option.NAME)"; NULL: it is something else.
const struct panther_option *template_list_option(const struct template *template);

#endif

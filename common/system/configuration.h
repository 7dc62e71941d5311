// Configuration of a program: YAML file < environment < flags, by one table of option descriptions, checked by common/schema.
#ifndef PANTHER_COMMON_SYSTEM_CONFIGURATION_H
#define PANTHER_COMMON_SYSTEM_CONFIGURATION_H

#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/schema/schema.h"

// Declares an option without protobuf's noise.
struct configuration_option {
    const char *name; // "listen"; environment: PREFIX_LISTEN; flag: --listen
    Pb__OptionType type;
    const char *default_value; // NULL: none
    const char *help;
};

struct configuration;
// flags: name/value pairs given on the command line (value NULL-terminated list by name "x", may repeat for lists).
struct configuration_flag {
    const char *name;
    const char *value;
};
// path NULL: no file. Errors: all diagnostics, joined by newlines, in error->message's place order (printed by the caller).
int configuration_load(struct configuration **out, const char *path, const char *environment_prefix,
                       const struct configuration_option *options, size_t option_count, const struct configuration_flag *flags,
                       size_t flag_count, struct panther_error *error);
void configuration_free(struct configuration **configuration);
const char *configuration_text(const struct configuration *configuration, const char *name); // NULL: not set
uint64_t configuration_number(const struct configuration *configuration, const char *name);  // integers, durations (ms), sizes
bool configuration_flag_is_set(const struct configuration *configuration, const char *name);
size_t configuration_list(const struct configuration *configuration, const char *name, const char *const **values);
const char *configuration_source(const struct configuration *configuration,
                                 const char *name); // "lab.yaml:3", "environment", "flag", "default"

#endif

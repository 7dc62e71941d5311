// A plugin's descriptor: is it sound, and what it says about itself on the wire.
#ifndef PANTHER_SERVICES_SDK_DESCRIPTION_H
#define PANTHER_SERVICES_SDK_DESCRIPTION_H

#include "common/base/memory.h"
#include "panther/plugin.h"
#include "panther/v1/plugin.pb-c.h"

// Numbers of a descriptor's tables: what ends a table that has no end.
#define CASES_MAX 20000
#define TEXTS_MAX 256

// NULL: this host can run it; else why not, in the arena. Only the first three members are read when they do not fit.
const char *description_abi_problem(const struct panther_plugin *plugin, struct arena *arena);
// NULL: sound; else what its author must mend.
const char *description_problem(const struct panther_plugin *plugin, struct arena *arena);
Pb__PluginDescription *description_make(const struct panther_plugin *plugin, struct arena *arena);
const struct panther_case *description_case(const struct panther_plugin *plugin, const char *name); // NULL: none

struct panther_capabilities {
    struct arena *arena;
    size_t count;
    char *names[TEXTS_MAX];
};
struct panther_plan {
    struct text text; // one command a line
};

#endif

// Makes a folder from the templates of new plugins: files with @WORDS@ in them that are replaced.
#ifndef PANTHER_SERVICES_SDK_AUTHOR_TEMPLATE_H
#define PANTHER_SERVICES_SDK_AUTHOR_TEMPLATE_H

#include <stdbool.h>

#include "common/base/error.h"
#include "common/base/memory.h"

struct template_values {
    const char *name, *protocol, *version;
    bool is_tester, yaml;
    const char *folder; // in: where to, NULL: its usual place; out: where it is
    bool in_tree;       // out: it is a folder of panther's own tree
    struct arena *arena;
};

// Refuses a folder that has anything in it. After a failure nothing new is left.
int template_make(struct template_values *values, struct panther_error *error);

#endif

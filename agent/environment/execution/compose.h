// From environments and a program's argv to what is started: prefix, environment entries, plan. One function per type, called in the order
// of environment_types.
#ifndef PANTHER_AGENT_ENVIRONMENT_EXECUTION_COMPOSE_H
#define PANTHER_AGENT_ENVIRONMENT_EXECUTION_COMPOSE_H

#include <stdbool.h>

#include "common/base/memory.h"
#include "common/schema/environments.h"

// The tools' files, in the work folder: COMPOSE_FOLDER/TYPE.NUMBER-NAME...
#define COMPOSE_FOLDER "environment"

struct limits;

struct composing {
    struct arena *arena;
    const char *work, *state; // absolute
    const char *stem;         // "3-nginx": number and name of the process
    const char *plugin;       // the plugin's folder
    const struct limits *limits;
    const Pb__ExecutionEnvironment *environment; // the one that is at work
    const char **prefix;
    size_t prefix_count, prefix_capacity;
    const char *const *argv; // of the program
    const char *const *entries;
    const char **added; // "NAME=value", over those of `entries`
    size_t added_count, added_capacity;
    struct text plan;
};

bool environment_is_for(const Pb__ExecutionEnvironment *environment, const char *process);
void compose(struct composing *composing, enum environment_kind kind);
void composing_free(struct composing *composing);

#endif

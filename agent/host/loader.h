// Loads one plugin and says clearly why when it cannot.
#ifndef PANTHER_AGENT_HOST_LOADER_H
#define PANTHER_AGENT_HOST_LOADER_H

#include "common/base/error.h"
#include "common/base/memory.h"
#include "panther/plugin.h"

// NULL with the reason; what was loaded stays until the process ends. The plugin's constructors run here.
const struct panther_plugin *loader_load(const char *path, struct arena *arena, struct panther_error *error);
// The first program that is not installed, or NULL.
const char *loader_missing_program(const struct panther_plugin *plugin, struct arena *arena);
// What is installed here, asked of the plugin; "" when it does not say.
const char *loader_version(const struct panther_plugin *plugin, struct arena *arena);
size_t loader_capabilities(const struct panther_plugin *plugin, struct arena *arena, char ***names);

#endif

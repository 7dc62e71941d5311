// Loads one plugin and says clearly why when it cannot.
#ifndef PANTHER_AGENT_HOST_LOADER_H
#define PANTHER_AGENT_HOST_LOADER_H

#include "common/base/memory.h"
#include "panther/plugin.h"

// A shared object, or a service.yaml (a path that ends with .yaml). NULL: the reason is in *problem (in the arena), of a service.yaml a
// line for each mistake. What was loaded stays until the process ends; a shared object's constructors run here.
const struct panther_plugin *loader_load(const char *path, struct arena *arena, const char **problem);
// The first program that is not installed, or NULL.
const char *loader_missing_program(const struct panther_plugin *plugin, struct arena *arena);
// What is installed here, asked of the plugin; "" when it does not say.
const char *loader_version(const struct panther_plugin *plugin, struct arena *arena);
size_t loader_capabilities(const struct panther_plugin *plugin, struct arena *arena, char ***names);

#endif

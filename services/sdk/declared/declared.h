// A service.yaml as a plugin: what agent/host's loader calls for a path that ends with .yaml.
#ifndef PANTHER_SERVICES_SDK_DECLARED_DECLARED_H
#define PANTHER_SERVICES_SDK_DECLARED_DECLARED_H

#include "common/base/memory.h"
#include "panther/plugin.h"

// NULL: *problem (in the arena) has all mistakes, a line each: "service.yaml:14:9: unknown key ...". One per process, as a plugin is.
const struct panther_plugin *declared_load(const char *path, struct arena *arena, const char **problem);

#endif

// What compile makes: kept in the build cache, shared by all instances on a host (panther/build.h).
#ifndef PANTHER_SERVICES_SDK_DECLARED_BUILD_H
#define PANTHER_SERVICES_SDK_DECLARED_BUILD_H

#include "services/sdk/declared/scope.h"

bool build_is_wanted(const struct document *document); // it has a phase that compiles
// Phases that compile and the key `build` come together.
void build_check(struct reading *reading, const struct value *root);
// *folder: NULL when there is nothing to compile. Below 0: panther_fail was called.
int build_make(struct scope *scope, const char **folder);

#endif

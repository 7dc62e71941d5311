// Walks every pair of states of a lifecycle's table.
#ifndef PANTHER_TESTS_UNIT_LIFECYCLE_WALK_H
#define PANTHER_TESTS_UNIT_LIFECYCLE_WALK_H

#include "common/base/lifecycle.h"

// Each move is one that the table names and that happens, or an impossible one that ends the process and says which. States have names
// of their own, all are reached from the first one, all reach an end, and nothing leaves an end.
void lifecycle_walk(const struct lifecycle *lifecycle);
// A README that shows this table: each state's line stands in it, maybe with a remark behind.
void lifecycle_is_shown(const struct lifecycle *lifecycle, const char *readme);

#endif

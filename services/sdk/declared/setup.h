// The keys of a tester's case that say what it needs before its tool runs. cases.c names them.
#ifndef PANTHER_SERVICES_SDK_DECLARED_SETUP_H
#define PANTHER_SERVICES_SDK_DECLARED_SETUP_H

#include "services/sdk/declared/reading.h"

// All into a struct case_rule.
void read_case_profiles(struct reading *reading, const struct value *value, const struct key *key, void *member);
void read_case_execute(struct reading *reading, const struct value *value, const struct key *key, void *member);
void read_case_fresh(struct reading *reading, const struct value *value, const struct key *key, void *member);
void read_case_conditions(struct reading *reading, const struct value *value, const struct key *key, void *member);

#endif

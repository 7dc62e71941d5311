// `when:` — a map from what is asked (option.NAME, role, protocol, protocol.version, case, capability.NAME, drive.WORD.PORT) to the value,
// or the list of values, that it may have. All entries must hold.
#ifndef PANTHER_SERVICES_SDK_DECLARED_CONDITION_H
#define PANTHER_SERVICES_SDK_DECLARED_CONDITION_H

#include "services/sdk/declared/reading.h"

struct scope;
struct condition;

const struct condition *condition_parse(struct reading *reading, const struct value *value);
bool condition_holds(const struct condition *condition, struct scope *scope); // NULL: it does

#endif

// See network_conditions.h; setup.c calls it.
#include "services/sdk/declared/network_conditions.h"

#include "common/schema/conditions.h"

void network_conditions_check(const Pb__PlacedSetting *const *settings, size_t count, struct diagnostics *diagnostics)
{
    conditions_check(settings, count, "a case", diagnostics);
}

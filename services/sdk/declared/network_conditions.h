// Conditions of the network as a case lists them. In a file of its own: common/schema's enum condition and our struct condition (of
// `when`) share their tag.
#ifndef PANTHER_SERVICES_SDK_DECLARED_NETWORK_CONDITIONS_H
#define PANTHER_SERVICES_SDK_DECLARED_NETWORK_CONDITIONS_H

#include "common/schema/diagnostics.h"
#include "panther/v1/environment.pb-c.h"

void network_conditions_check(const Pb__PlacedSetting *const *settings, size_t count, struct diagnostics *diagnostics);

#endif

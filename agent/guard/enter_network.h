// The guard of a service that has a place in an emulated network lives in that place: so does all that it starts.
#ifndef PANTHER_AGENT_GUARD_ENTER_NETWORK_H
#define PANTHER_AGENT_GUARD_ENTER_NETWORK_H

#include "common/base/error.h"
#include "panther/v1/guard.pb-c.h"

// Before anything is opened or started. An instance without a place: nothing.
int network_enter(const Pb__GuardSpec *spec, struct panther_error *error);

#endif

// A program that came with the experiment, in place of the host's own: a copy in the instance's folder `program`, which comes first in the
// PATH of the guard and of all that it starts. So who starts it by name, a plugin, its scripts or a tool around it, starts this one.
#ifndef PANTHER_AGENT_GUARD_SENT_PROGRAM_H
#define PANTHER_AGENT_GUARD_SENT_PROGRAM_H

#include "common/base/error.h"
#include "panther/v1/guard.pb-c.h"

// Before the plugin host starts, in the instance's folder. An instance that brings none has nothing to do.
int sent_program_place(const Pb__GuardSpec *spec, struct panther_error *error);

#endif

// A time namespace for the calling process, which has one thread: used by the trampoline, and tried by fault_clock.c.
#ifndef PANTHER_AGENT_GUARD_CLOCK_OFFSET_H
#define PANTHER_AGENT_GUARD_CLOCK_OFFSET_H

#include <stdint.h>

// Shifts CLOCK_MONOTONIC and CLOCK_BOOTTIME. Without CAP_SYS_ADMIN in a user namespace that maps the own ids only. -1 and errno.
int clock_offset_enter(int64_t offset_ns);

#endif

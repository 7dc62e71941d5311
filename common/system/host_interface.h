// The network interface with an address, and what it does by itself. For host.c.
#ifndef PANTHER_COMMON_SYSTEM_HOST_INTERFACE_H
#define PANTHER_COMMON_SYSTEM_HOST_INTERFACE_H

#include "common/system/host.h"

// Empty: this network namespace has no interface with it.
void host_interface_read(const char *address, char interface[HOST_TEXT_BYTES], char offloads[HOST_TEXT_BYTES]);

#endif

// Readiness: looks again and again at what the plugin declared, until all of it holds.
#ifndef PANTHER_AGENT_HOST_PROBE_H
#define PANTHER_AGENT_HOST_PROBE_H

#include "agent/host/host.h"

// 0: ready; else text says what is missing: a condition that never held, or a process that has ended.
int probe_until_ready(struct host *host, struct panther_service *service, char *text, size_t text_bytes);

#endif

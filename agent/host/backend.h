// What stands behind the plugin's handle in this process: requests to the guard, and what the main thread has learned from it.
#ifndef PANTHER_AGENT_HOST_BACKEND_H
#define PANTHER_AGENT_HOST_BACKEND_H

#include "agent/host/host.h"
#include "services/sdk/backend.h"

extern const struct service_backend host_backend; // its context is the struct host

// Stop signal, grace, KILL for everything that runs; waits until all is gone or the phase is late. Returns how many still run.
size_t backend_end_all(struct host *host);
// The line that a watch waits for has come.
bool backend_line_is_seen(struct host *host, int watch);
void backend_metric(void *context, const Pb__Metric *metric);

#endif

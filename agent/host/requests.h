// What the guard is asked for and answers: processes and ports. One request at a time is open; the plugin's thread waits for its answer.
#ifndef PANTHER_AGENT_HOST_REQUESTS_H
#define PANTHER_AGENT_HOST_REQUESTS_H

#include "agent/host/host.h"
#include "panther/service.h"

// Parts of the SDK's backend (services/sdk/backend.h); the context is the struct host.
int request_spawn(void *context, const struct panther_process *process, const char *program, char *problem);
int request_port(void *context, const char *name, Pb__Transport transport, unsigned wanted, char *problem);
// protobuf-c's structs have no const: for a text that is packed, not changed.
char *request_text(const char *text);

#endif

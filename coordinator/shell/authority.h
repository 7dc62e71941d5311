// Keys and roles as files and records: makes a new data folder, and answers key requests while no coordinator runs.
// The records themselves are the core's: `keys add` goes the same way whether it comes over the wire or from here.
#ifndef PANTHER_COORDINATOR_SHELL_AUTHORITY_H
#define PANTHER_COORDINATOR_SHELL_AUTHORITY_H

#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/bus/bus.h"
#include "panther/v1/client.pb-c.h"

// Makes FOLDER with server.key and admin.key (an operator named "admin"), and records the admin's key. A folder that has a server.key
// already is left as it is: PANTHER_EEXISTS. endpoint: what peer files say ("tcp://10.0.0.1:7400").
int authority_init(const char *folder, const char *endpoint, struct panther_error *error);
int authority_server_key(const char *folder, struct bus_peer_file *file, struct panther_error *error);
// One request (keys only) as the local operator, straight on the data folder; its lock must be free. The reply lives in the arena.
int authority_request(const char *folder, Pb__Request *request, struct arena *arena, Pb__Reply **reply, struct panther_error *error);

#endif

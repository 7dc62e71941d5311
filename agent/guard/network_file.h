// What a network instance shall make, as JSON for its program: the file `network.json` in the work folder, and the links of a fault.
#ifndef PANTHER_AGENT_GUARD_NETWORK_FILE_H
#define PANTHER_AGENT_GUARD_NETWORK_FILE_H

#include <jansson.h>

#include "common/base/error.h"
#include "panther/v1/guard.pb-c.h"

// Before its plugin host starts. An instance that is no network gets none.
int network_file_write(const Pb__GuardSpec *spec, struct panther_error *error);
// [{"from": "client", "to": "", "conditions": {"delay": "20ms", "drop_nth": ["3", "5"]}}]; an empty end: every service.
json_t *network_links_json(Pb__LinkRule *const *links, size_t count);

#endif

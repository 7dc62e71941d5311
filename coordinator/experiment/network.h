// `network_environment` of a test, and what follows from it for where services run.
#ifndef PANTHER_COORDINATOR_EXPERIMENT_NETWORK_H
#define PANTHER_COORDINATOR_EXPERIMENT_NETWORK_H

#include "coordinator/experiment/scope.h"

#define NETWORK_SERVICE "network"   // of an emulated network; of a lab: network.SERVICE
#define NETWORK_EMULATED "emulated" // types, and the plugins that make them
#define NETWORK_LAB "lab"

extern const struct document_key network_keys[]; // without the conditions
extern const struct document_key network_capture_keys[];
extern const char *const network_types[], *const network_families[];

// Into test->network; it stays NULL for the bare wire between the hosts. Services are known by name.
void network_read(struct scope *scope, const struct value *network);
// When timeline and cases are known: what needs a network makes one, and places of services that contradict it are refused.
void network_complete(struct scope *scope, const struct value *network);
bool network_is_emulated(const Pb__Network *network); // NULL: no
// With the axes of a combination put in.
void network_check_values(const struct document *document, const Pb__Network *network);

#endif

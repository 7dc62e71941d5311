// `host:` of a service: where it may run.
#ifndef PANTHER_COORDINATOR_EXPERIMENT_HOSTS_H
#define PANTHER_COORDINATOR_EXPERIMENT_HOSTS_H

#include "coordinator/experiment/scope.h"

extern const struct document_key hosts_keys[], hosts_axis_keys[], hosts_resource_keys[];

// Reads `host:` (a name, or a map) of the service into a rule; without one, any host.
Pb__HostRule *hosts_read(struct scope *scope, const struct value *host, const char *service);
// Reads `host:` of an axis's value: a name, or a map of name, labels and not, without references. NULL: it says nothing.
Pb__HostRule *hosts_read_axis(const struct document *document, const struct value *host);
// Rules of two services that no placement can meet.
void hosts_check_together(const struct scope *scope);
// Labels as a map of names and texts.
size_t hosts_read_labels(const struct document *document, const struct value *labels, Pb__Label ***result);

#endif

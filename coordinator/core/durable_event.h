// Shared by durable.c and durable_event.c only: the fold of one event, and the moves that both make.
#ifndef PANTHER_COORDINATOR_CORE_DURABLE_EVENT_H
#define PANTHER_COORDINATOR_CORE_DURABLE_EVENT_H

#include "coordinator/core/durable.h"

void event_fold(struct durable *durable, struct instance *instance, const Pb__Event *event);
void instance_move(struct instance *instance, unsigned to);
void instance_end(struct durable *durable, struct instance *instance); // leaves its agent

#endif

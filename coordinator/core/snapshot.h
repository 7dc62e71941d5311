// The durable state as a sequence of messages, and back: a start need not replay all of the journal. Called by core.c for the shell and
// for tests; what is loaded is exactly what was saved, order included, so that replay goes on from it as from the live state (P7).
#ifndef PANTHER_COORDINATOR_CORE_SNAPSHOT_H
#define PANTHER_COORDINATOR_CORE_SNAPSHOT_H

#include "coordinator/core/core.h"
#include "coordinator/core/durable.h"

void snapshot_save(const struct durable *durable, core_part_fn *callback, void *context);
// Into a new one, part by part in their order. NULL, or a static reason why the part does not fit; then the whole is to be thrown away.
const char *snapshot_load(struct durable *durable, const Pb__SnapshotPart *part);

#endif

// The newest committed events of the outbox, in memory: what is sent next is nearly always here, the database is the fallback.
#ifndef PANTHER_AGENT_SHELL_RECENT_H
#define PANTHER_AGENT_SHELL_RECENT_H

#include "agent/shell/storage.h"

// Beyond it the oldest are dropped: a disconnected agent reads them from disk when it is back.
#define RECENT_MAX_BYTES (16 * 1024 * 1024)

struct recent;
struct recent *recent_new(void);
void recent_free(struct recent **recent);
// Follows the records of a committed batch, in the order of commits, so that it always holds a part of what is on disk.
void recent_apply(struct recent *recent, const struct batch *batch);
// All of first..first+count-1, or nothing (false). Valid until the next apply.
bool recent_get(const struct recent *recent, uint64_t first, size_t count, struct wire_bytes *events);

#endif

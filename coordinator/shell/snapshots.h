// Makes a snapshot now and then, in a thread of its own and from the disk: what the last snapshot and the records after it add up to. The
// loop is not stopped, and what the running core has in memory is not trusted. Used by the reactor.
#ifndef PANTHER_COORDINATOR_SHELL_SNAPSHOTS_H
#define PANTHER_COORDINATOR_SHELL_SNAPSHOTS_H

#include <stdint.h>

#include "common/base/error.h"

struct loop;
struct snapshots;
// version: of the program. covered: the sequence that the snapshot on the disk covers.
int snapshots_new(struct snapshots **out, const char *folder, const char *version, uint64_t covered, struct loop *loop,
                  struct panther_error *error);
void snapshots_free(struct snapshots **snapshots); // waits for one that is being made
// The journal has grown to `sequence`: makes a snapshot when it is time.
void snapshots_tick(struct snapshots *snapshots, uint64_t sequence);

#endif

// From a data folder to a core that knows all of it: the last snapshot and the records after it, or the whole journal when there is no
// snapshot of use. Called by the reactor and the offline keys before their first step, and by snapshots.c, which goes the same way to make
// the next snapshot: so each one has been read before it counts.
#ifndef PANTHER_COORDINATOR_SHELL_RECOVERY_H
#define PANTHER_COORDINATOR_SHELL_RECOVERY_H

#include "coordinator/core/core.h"
#include "coordinator/store/store.h"

// Records that a start replays at most, plus those of the time that making a snapshot takes: a third of a second.
#define SNAPSHOT_RECORDS 65536

struct recovery {
    struct store_position position; // of the last record
    uint64_t snapshot;              // the sequence that the snapshot covers; 0: none was of use
    struct panther_error problem;   // why one that is there was not; code 0: nothing to tell
};
int recovery_run(const char *folder, const struct core_options *options, struct core **core, struct recovery *recovery,
                 struct panther_error *error);
// Keeps what the core knows; it is at recovery->position.
int recovery_keep(const char *folder, const struct core_options *options, const struct core *core, const struct recovery *recovery,
                  struct panther_error *error);
// Is the snapshot what the journal adds up to? PANTHER_ESTATE: no. PANTHER_ENOTFOUND, PANTHER_EVERSION, PANTHER_EINVALID: a start would not
// use it.
int recovery_prove(const char *folder, enum store_place place, const struct core_options *options, struct panther_error *error);

#endif

#include "coordinator/shell/snapshots.h"

#include "common/base/memory.h"
#include "common/system/log.h"
#include "coordinator/shell/errand.h"
#include "coordinator/shell/recovery.h"

struct snapshots {
    struct errand *errand;
    char *folder, *version;
    uint64_t tried; // the sequence at the last try
    // of the one that is being made
    int result;
    struct panther_error error;
};

static void make(void *context)
{
    struct snapshots *snapshots = context;
    struct core *core = NULL;
    struct recovery recovery;
    const struct core_options options = {.version = snapshots->version};
    snapshots->result = recovery_run(snapshots->folder, &options, &core, &recovery, &snapshots->error);
    if (snapshots->result == 0) {
        snapshots->result = recovery_keep(snapshots->folder, &options, core, &recovery, &snapshots->error);
    }
    core_free(&core);
}

// Without a snapshot a start takes longer, and that is all.
static void made(void *context)
{
    struct snapshots *snapshots = context;
    if (snapshots->result) {
        log_warning("no snapshot was made, the last one stays: %s", snapshots->error.message);
    }
}

int snapshots_new(struct snapshots **out, const char *folder, const char *version, uint64_t covered, struct loop *loop,
                  struct panther_error *error)
{
    struct snapshots *snapshots = NEW(struct snapshots);
    *snapshots = (struct snapshots){.folder = memory_string(folder), .version = memory_string(version), .tried = covered};
    int result = errand_new(&snapshots->errand, loop, make, made, snapshots, error);
    if (result < 0) {
        snapshots_free(&snapshots);
        return result;
    }
    *out = snapshots;
    return 0;
}

void snapshots_free(struct snapshots **pointer)
{
    struct snapshots *snapshots = *pointer;
    if (!snapshots) {
        return;
    }
    errand_free(&snapshots->errand);
    free(snapshots->folder);
    free(snapshots->version);
    free(snapshots);
    *pointer = NULL;
}

void snapshots_tick(struct snapshots *snapshots, uint64_t sequence)
{
    if (!errand_is_busy(snapshots->errand) && sequence - snapshots->tried >= SNAPSHOT_RECORDS) {
        snapshots->tried = sequence;
        errand_start(snapshots->errand);
    }
}

#include "coordinator/shell/recovery.h"

static int replay_one(void *context, uint64_t sequence, const Pb__Record *record, struct panther_error *error)
{
    const char *impossible = core_replay(context, record);
    if (!impossible)
        return 0;
    return error_set(error, PANTHER_EIO,
                     "record %llu of the journal cannot follow those before it: %s; a faulty program wrote it: restore a backup",
                     (unsigned long long)sequence, impossible);
}

static const char *load_one(void *context, const Pb__SnapshotPart *part)
{
    return core_load(context, part);
}

static int recover_whole(const char *folder, const struct core_options *options, struct core **core, struct recovery *recovery,
                         struct panther_error *error)
{
    *core = core_new(options);
    recovery->position = (struct store_position){0};
    recovery->snapshot = 0;
    int result = store_replay_from(folder, STORE_LIVE, &recovery->position, replay_one, *core, error);
    if (result < 0) {
        core_free(core);
    }
    return result;
}

// 1: there is no snapshot of use, and the journal is as good as ever.
static int recover_from_snapshot(const char *folder, const struct core_options *options, struct core **core, struct recovery *recovery,
                                 struct panther_error *error)
{
    *core = core_new(options);
    int result = snapshot_file_read(folder, options->version, load_one, *core, &recovery->position, &recovery->problem);
    bool is_none = result < 0;
    if (result == PANTHER_ENOTFOUND) {
        recovery->problem = (struct panther_error){0};
    } else if (result == 0) {
        recovery->snapshot = recovery->position.sequence;
        result = store_replay_from(folder, STORE_LIVE, &recovery->position, replay_one, *core, &recovery->problem);
        is_none = result == PANTHER_ENOTFOUND; // it is of another journal
    }
    if (result < 0) {
        core_free(core);
    }
    if (result < 0 && !is_none && error) {
        *error = recovery->problem;
    }
    return is_none ? 1 : result;
}

int recovery_run(const char *folder, const struct core_options *options, struct core **core, struct recovery *recovery,
                 struct panther_error *error)
{
    *recovery = (struct recovery){0};
    int result = recover_from_snapshot(folder, options, core, recovery, error);
    return result == 1 ? recover_whole(folder, options, core, recovery, error) : result;
}

static void add_part(void *context, const Pb__SnapshotPart *part)
{
    snapshot_file_add(context, part);
}

int recovery_keep(const char *folder, const struct core_options *options, const struct core *core, const struct recovery *recovery,
                  struct panther_error *error)
{
    struct snapshot_file *file = snapshot_file_new(&recovery->position, options->version);
    core_save(core, add_part, file);
    int result = snapshot_file_write(file, folder, error);
    snapshot_file_free(&file);
    return result;
}

// ---- a proof that both ways lead to the same

struct proof {
    struct core *core;
    uint64_t until; // the record that the snapshot covers
};

static int replay_until(void *context, uint64_t sequence, const Pb__Record *record, struct panther_error *error)
{
    struct proof *proof = context;
    return sequence <= proof->until ? replay_one(proof->core, sequence, record, error) : 0;
}

static bool is_same(const struct core *left, const struct core *right)
{
    static const struct store_position nowhere;
    struct snapshot_file *files[] = {snapshot_file_new(&nowhere, ""), snapshot_file_new(&nowhere, "")};
    core_save(left, add_part, files[0]);
    core_save(right, add_part, files[1]);
    bool same = snapshot_file_equal(files[0], files[1]);
    snapshot_file_free(&files[0]);
    snapshot_file_free(&files[1]);
    return same;
}

int recovery_prove(const char *folder, enum store_place place, const struct core_options *options, struct panther_error *error)
{
    struct store_position covered, end = {0};
    struct core *loaded = core_new(options);
    struct proof proof = {.core = core_new(options)};
    int result = snapshot_file_read(folder, options->version, load_one, loaded, &covered, error);
    if (result == 0) {
        proof.until = covered.sequence;
        result = store_replay_from(folder, place, &end, replay_until, &proof, error);
    }
    if (result == 0 && (end.sequence < covered.sequence || !is_same(loaded, proof.core))) {
        result = error_set(error, PANTHER_ESTATE, "it is not what the %llu records that it covers add up to",
                           (unsigned long long)covered.sequence);
    }
    core_free(&loaded);
    core_free(&proof.core);
    return result;
}

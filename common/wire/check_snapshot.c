// snapshot.proto: our own state, read back from a disk after its hash was found right. The check asks for what the core follows.
#include "common/wire/check.h"

static const char *snapshot_key_check(const Pb__SnapshotKey *key)
{
    REFUSE(key->key == NULL, "snapshot_key.key is missing");
    REFUSE(!name_is_valid(key->key->name), "snapshot_key.key has no name");
    REFUSE(!is_curve_key(key->key->public_key), "snapshot_key.key is not a key in Z85");
    return NULL;
}

static const char *snapshot_run_check(const Pb__SnapshotRun *run)
{
    REFUSE(run->run == 0, "snapshot_run.run is not set");
    REFUSE(run->experiment == NULL, "snapshot_run.experiment is missing");
    REFUSE(run->n_tests != run->experiment->n_tests, "snapshot_run.tests are not those of its experiment");
    return NULL;
}

static const char *snapshot_trial_check(const Pb__SnapshotTrial *trial)
{
    REFUSE(trial->trial == 0 || trial->run == 0 || trial->attempt == 0, "snapshot_trial has an id that is not set");
    REFUSE(trial->plan == NULL, "snapshot_trial.plan is missing");
    REFUSE(trial->instances != trial->plan->n_services, "snapshot_trial.instances are not those of its plan");
    REFUSE(trial->n_entries != trial->plan->n_timeline, "snapshot_trial.entries are not those of its timeline");
    return NULL;
}

static const char *snapshot_instance_check(const Pb__SnapshotInstance *instance)
{
    REFUSE(instance->trial == 0 || instance->instance == 0 || instance->generation == 0, "snapshot_instance has an id that is not set");
    REFUSE(!name_is_valid(instance->agent), "snapshot_instance.agent is not a name");
    REFUSE(instance->case_verdicts.len != instance->n_cases, "snapshot_instance.case_verdicts are not one a case");
    REFUSE(instance->n_case_numbers != instance->n_cases, "snapshot_instance.case_numbers are not one a case");
    return NULL;
}

const char *snapshot_part_invalid(const Pb__SnapshotPart *part)
{
    NESTED(unsound(part));
    switch (part->body_case) {
    case PB__SNAPSHOT_PART__BODY_HEAD:
        return is_empty(part->head->store_id) ? "snapshot_head.store_id is empty" : NULL;
    case PB__SNAPSHOT_PART__BODY_KEY:
        return snapshot_key_check(part->key);
    case PB__SNAPSHOT_PART__BODY_AGENT:
        return name_is_valid(part->agent->name) ? NULL : "agent.name is not a name"; // its epoch is empty before its first Hello
    case PB__SNAPSHOT_PART__BODY_DESCRIPTION:
        return described_plugin_check(part->description);
    case PB__SNAPSHOT_PART__BODY_SUBMISSION:
        return part->submission->run != 0 ? NULL : "snapshot_submission.run is not set";
    case PB__SNAPSHOT_PART__BODY_RUN:
        return snapshot_run_check(part->run);
    case PB__SNAPSHOT_PART__BODY_TRIAL:
        return snapshot_trial_check(part->trial);
    case PB__SNAPSHOT_PART__BODY_INSTANCE:
        return snapshot_instance_check(part->instance);
    default:
        return "snapshot_part.body is missing";
    }
}

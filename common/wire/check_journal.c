// journal.proto: our own records, read back from a disk. The check finds what no hash link finds: a record that a faulty program
// wrote. So it asks for the ids that replay follows, and leaves texts alone:
// a record that replay refuses closes the store.
#include "common/wire/check.h"

static const char *store_opened_check(const Pb__StoreOpened *opened)
{
    REFUSE(is_empty(opened->store_id), "store_opened.store_id is empty");
    REFUSE(!is_within(opened->home, SHORT_MAX_BYTES), "store_opened.home is too long");
    return NULL;
}

static const char *agent_seen_check(const Pb__AgentSeen *seen)
{
    REFUSE(!name_is_valid(seen->name), "agent_seen.name is not a name");
    REFUSE(is_empty(seen->epoch), "agent_seen.epoch is empty");
    return NULL;
}

static const char *run_accepted_check(const Pb__RunAccepted *accepted)
{
    REFUSE(accepted->run == 0, "run_accepted.run is not set");
    REFUSE(accepted->experiment == NULL, "run_accepted.experiment is missing");
    REFUSE(accepted->cells == 0, "run_accepted.cells is not set");
    NESTED(rerun_check(accepted->rerun));
    return experiment_check(accepted->experiment);
}

static const char *placed_service_check(const Pb__PlacedService *service)
{
    REFUSE(!name_is_valid(service->service), "placed_service.service is not a name");
    REFUSE(!name_is_valid(service->agent), "placed_service.agent is not a name");
    REFUSE(service->instance == 0, "placed_service.instance is not set");
    REFUSE(!is_hash_or_empty(service->file_hash), "placed_service.file_hash is not a hash");
    return NULL;
}

static const char *trial_started_check(const Pb__TrialStarted *started)
{
    REFUSE(started->trial == 0 || started->run == 0 || started->attempt == 0, "trial_started has an id that is not set");
    REFUSE(started->plan == NULL, "trial_started.plan is missing");
    EACH(started->n_services, started->services, placed_service_check);
    return cell_plan_check(started->plan);
}

static const char *command_issued_check(const Pb__CommandIssued *issued)
{
    REFUSE(issued->trial == 0, "command_issued.trial is not set");
    REFUSE(issued->command == NULL, "command_issued.command is missing");
    const Pb__Command *command = issued->command;
    REFUSE(command->instance == 0 || command->generation == 0 || command->number == 0, "command_issued.command has an id that is not set");
    return NULL;
}

static const char *instance_renewed_check(const Pb__InstanceRenewed *renewed)
{
    REFUSE(renewed->trial == 0 || renewed->instance == 0 || renewed->generation < 2, "instance_renewed has an id that is not set");
    REFUSE(!is_within(renewed->profile, SHORT_MAX_BYTES), "instance_renewed.profile is too long");
    return NULL;
}

static const char *cases_released_check(const Pb__CasesReleased *released)
{
    REFUSE(released->trial == 0 || released->instance == 0 || released->generation == 0, "cases_released has an id that is not set");
    REFUSE(released->first_number == 0, "cases_released.first_number is not set");
    REFUSE(released->first_number > UINT32_MAX - released->n_cases, "cases_released has numbers out of range");
    REFUSE(released->execute == (released->n_cases > 0), "cases_released has both cases and execute, or neither");
    REFUSE(!are_tokens(released->n_cases, released->cases, CASES_PER_SERVICE_MAX), "cases_released.cases are too many or unprintable");
    return NULL;
}

static const char *instance_event_check(const Pb__InstanceEvent *event)
{
    REFUSE(!name_is_valid(event->agent), "instance_event.agent is not a name");
    REFUSE(is_empty(event->epoch) || event->sequence == 0, "instance_event has no place in an outbox");
    REFUSE(event->event == NULL, "instance_event.event is missing");
    return event_check(event->event);
}

static const char *trial_ended_check(const Pb__TrialEnded *ended)
{
    REFUSE(ended->trial == 0, "trial_ended.trial is not set");
    REFUSE(ended->outcome == NULL, "trial_ended.outcome is missing");
    return NULL;
}

static const char *trial_held_check(const Pb__TrialHeld *held)
{
    REFUSE(held->trial == 0, "trial_held.trial is not set");
    REFUSE(held->hold_ms == 0 || held->hold_ms > HOLD_MAX_MS, "trial_held.hold_ms is zero or too long");
    REFUSE(held->verdict == NULL, "trial_held.verdict is missing");
    return trial_ended_check(held->verdict);
}

static const char *cell_ended_check(const Pb__CellEnded *ended)
{
    REFUSE(ended->run == 0, "cell_ended.run is not set");
    REFUSE(ended->outcome == NULL, "cell_ended.outcome is missing");
    return NULL;
}

static const char *run_ended_check(const Pb__RunEnded *ended)
{
    REFUSE(ended->run == 0, "run_ended.run is not set");
    REFUSE(ended->gates != NULL && ended->gates->outcome == NULL, "run_ended.gates.outcome is missing");
    for (size_t i = 0; ended->gates != NULL && i < ended->gates->n_results; i++)
        REFUSE(ended->gates->results[i]->outcome == NULL, "run_ended.gates.result.outcome is missing");
    return NULL;
}

static const char *content_stored_check(const Pb__ContentStored *stored)
{
    REFUSE(stored->instance == 0 || stored->generation == 0, "content_stored has an id that is not set");
    REFUSE(!is_hash(stored->hash), "content_stored.hash is not a hash");
    return NULL;
}

static const char *removed_content_check(const Pb__RemovedContent *removed)
{
    REFUSE(removed->instance == 0 || removed->generation == 0, "evidence_removed has an id that is not set");
    REFUSE(!is_hash(removed->hash), "evidence_removed.hash is not a hash");
    return NULL;
}

static const char *evidence_removed_check(const Pb__EvidenceRemoved *removed)
{
    REFUSE(removed->run == 0, "evidence_removed.run is not set");
    REFUSE(removed->n_contents == 0, "evidence_removed.contents are missing");
    EACH(removed->n_contents, removed->contents, removed_content_check);
    return NULL;
}

static const char *run_annotated_check(const Pb__RunAnnotated *annotated)
{
    REFUSE(annotated->run == 0, "run_annotated.run is not set");
    REFUSE(!are_names(annotated->n_tags, annotated->tags, FEW_MAX), "run_annotated.tags are not names");
    REFUSE(!are_names(annotated->n_not_tags, annotated->not_tags, FEW_MAX), "run_annotated.not_tags are not names");
    return NULL;
}

static const char *key_record_check(const Pb__KeyRecord *key)
{
    REFUSE(!name_is_valid(key->name), "key_added.name is not a name");
    REFUSE(key->role == PB__ROLE__ROLE_UNSPECIFIED, "key_added.role is not set");
    REFUSE(!is_curve_key(key->public_key), "key_added.public_key is not a key in Z85");
    return NULL;
}

static const char *timeline_mark_check(const Pb__TimelineMark *mark)
{
    REFUSE(mark->trial == 0, "timeline_mark.trial is not set");
    REFUSE(!name_is_valid(mark->agent), "timeline_mark.agent is not a name");
    return NULL;
}

static const char *record_body_check(const Pb__Record *record)
{
    switch (record->body_case) {
    case PB__RECORD__BODY_STORE_OPENED:
        return store_opened_check(record->store_opened);
    case PB__RECORD__BODY_KEY_ADDED:
        return key_record_check(record->key_added);
    case PB__RECORD__BODY_KEY_REVOKED:
        return name_is_valid(record->key_revoked->name) ? NULL : "key_revoked.name is not a name";
    case PB__RECORD__BODY_AGENT_DRAINED:
        return name_is_valid(record->agent_drained->name) ? NULL : "agent_drained.name is not a name";
    case PB__RECORD__BODY_AGENT_SEEN:
        return agent_seen_check(record->agent_seen);
    case PB__RECORD__BODY_DESCRIPTION:
        return described_plugin_check(record->description);
    case PB__RECORD__BODY_RUN_ACCEPTED:
        return run_accepted_check(record->run_accepted);
    case PB__RECORD__BODY_RUN_CANCELLED:
        return record->run_cancelled->run != 0 ? NULL : "run_cancelled.run is not set";
    case PB__RECORD__BODY_TRIAL_STARTED:
        return trial_started_check(record->trial_started);
    case PB__RECORD__BODY_COMMAND_ISSUED:
        return command_issued_check(record->command_issued);
    case PB__RECORD__BODY_CASES_RELEASED:
        return cases_released_check(record->cases_released);
    case PB__RECORD__BODY_INSTANCE_EVENT:
        return instance_event_check(record->instance_event);
    case PB__RECORD__BODY_INSTANCE_RENEWED:
        return instance_renewed_check(record->instance_renewed);
    case PB__RECORD__BODY_INSTANCE_LOST:
        return record->instance_lost->instance != 0 ? NULL : "instance_lost.instance is not set";
    case PB__RECORD__BODY_TIMELINE_MARK:
        return timeline_mark_check(record->timeline_mark);
    case PB__RECORD__BODY_TRIAL_STOPPING:
        return record->trial_stopping->trial != 0 ? NULL : "trial_stopping.trial is not set";
    case PB__RECORD__BODY_TRIAL_HELD:
        return trial_held_check(record->trial_held);
    case PB__RECORD__BODY_TRIAL_ENDED:
        return trial_ended_check(record->trial_ended);
    case PB__RECORD__BODY_CELL_ENDED:
        return cell_ended_check(record->cell_ended);
    case PB__RECORD__BODY_RUN_ENDED:
        return run_ended_check(record->run_ended);
    case PB__RECORD__BODY_CONTENT_STORED:
        return content_stored_check(record->content_stored);
    case PB__RECORD__BODY_RUN_ANNOTATED:
        return run_annotated_check(record->run_annotated);
    case PB__RECORD__BODY_EVIDENCE_REMOVED:
        return evidence_removed_check(record->evidence_removed);
    default:
        return "record.body is missing";
    }
}

const char *record_invalid(const Pb__Record *record)
{
    NESTED(unsound(record));
    REFUSE(record->format == 0, "record.format is not set");
    return record_body_check(record);
}

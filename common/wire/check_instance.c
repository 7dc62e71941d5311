// instance.proto: commands and events, the same from coordinator to guard and back.
#include "common/wire/check.h"

// ---- commands

static const char *peer_check(const Pb__Peer *peer)
{
    REFUSE(!name_is_valid(peer->service), "peer.service is not a name");
    REFUSE(!is_name_or_empty(peer->plugin), "peer.plugin is not a name");
    REFUSE(!is_name_or_empty(peer->role), "peer.role is not a name");
    REFUSE(!is_name_or_empty(peer->host), "peer.host is not a name");
    REFUSE(peer->n_endpoints > ENDPOINTS_PER_INSTANCE, "peer.endpoints are too many");
    EACH(peer->n_endpoints, peer->endpoints, endpoint_check);
    REFUSE(!is_within(peer->folder, PATH_MAX_BYTES), "peer.folder is too long");
    return NULL;
}

static const char *case_peer_check(const Pb__CasePeer *peer)
{
    REFUSE(!name_is_valid(peer->drive), "case_peer.drive is not a name");
    REFUSE(peer->peer == NULL, "case_peer.peer is missing");
    NESTED(peer_check(peer->peer));
    REFUSE(peer->peer->instance == 0 || peer->peer->generation == 0, "case_peer.peer is no instance");
    REFUSE(!is_within(peer->profile, SHORT_MAX_BYTES), "case_peer.profile is too long");
    REFUSE(!peer->executed && peer->outcome != NULL, "case_peer.outcome without an execution");
    REFUSE(peer->ended_ns < peer->began_ns, "case_peer ended before it began");
    return peer->outcome == NULL ? NULL : outcome_check(peer->outcome);
}

static const char *output_rule_check(const Pb__OutputRule *rule)
{
    REFUSE(is_empty(rule->pattern) || !is_within(rule->pattern, PATTERN_MAX_BYTES), "output_rule.pattern is empty or too long");
    REFUSE(!is_within(rule->stream, TOKEN_MAX_BYTES), "output_rule.stream is too long");
    return NULL;
}

static const char *initialize_lists_check(const Pb__Initialize *initialize)
{
    REFUSE(initialize->n_settings > SETTINGS_MAX, "initialize.settings are too many");
    EACH(initialize->n_settings, initialize->settings, setting_check);
    REFUSE(initialize->n_peers > SERVICES_PER_TEST_MAX, "initialize.peers are too many");
    EACH(initialize->n_peers, initialize->peers, peer_check);
    REFUSE(initialize->n_environments > FEW_MAX, "initialize.environments are too many");
    EACH(initialize->n_environments, initialize->environments, execution_environment_check);
    REFUSE(initialize->n_drives > FEW_MAX, "initialize.drives are too many");
    EACH(initialize->n_drives, initialize->drives, drive_check);
    REFUSE(initialize->n_files > FILES_MAX, "initialize.files are too many");
    EACH(initialize->n_files, initialize->files, file_reference_check);
    REFUSE(initialize->n_output_rules > OUTPUT_RULES_MAX, "initialize.output_rules are too many");
    EACH(initialize->n_output_rules, initialize->output_rules, output_rule_check);
    return NULL;
}

static const char *network_place_check(const Pb__NetworkPlace *place)
{
    REFUSE(place != NULL && place->instance == 0, "network_place.instance is not set");
    REFUSE(place != NULL && !is_address(place->address), "network_place.address is not numeric");
    return NULL;
}

const char *initialize_check(const Pb__Initialize *initialize)
{
    REFUSE(!name_is_valid(initialize->plugin), "initialize.plugin is not a name");
    REFUSE(!is_hash_or_empty(initialize->description_hash), "initialize.description_hash is not a hash");
    REFUSE(is_empty(initialize->trial_name) || !is_within(initialize->trial_name, FULL_NAME_MAX_BYTES - 1),
           "initialize.trial_name is empty or too long");
    REFUSE(!name_is_valid(initialize->service), "initialize.service is not a name");
    REFUSE(!is_name_or_empty(initialize->role), "initialize.role is not a name");
    REFUSE(!is_name_or_empty(initialize->protocol_name), "initialize.protocol_name is not a name");
    REFUSE(!is_within(initialize->protocol_version, SHORT_MAX_BYTES), "initialize.protocol_version is too long");
    NESTED(initialize_lists_check(initialize));
    NESTED(network_check(initialize->network));
    REFUSE(!are_names(initialize->n_network_services, initialize->network_services, SERVICES_PER_TEST_MAX),
           "initialize.network_services are not names");
    NESTED(network_place_check(initialize->network_place));
    REFUSE(initialize->lease_ms == 0, "initialize.lease_ms is not set");
    REFUSE(initialize->initialize_ms == 0 || initialize->start_ms == 0 || initialize->stop_ms == 0,
           "initialize has no deadline for its calls");
    REFUSE(wire_packed_bytes(initialize) > COMMAND_MAX_BYTES, "initialize is too large for a guard's packet");
    return NULL;
}

const char *run_case_check(const Pb__RunCase *run_case)
{
    REFUSE(!is_token(run_case->name), "run_case.name is empty or unprintable");
    REFUSE(run_case->timeout_ms == 0, "run_case.timeout_ms is not set");
    REFUSE(run_case->n_peers > SERVICES_PER_TEST_MAX, "run_case.peers are too many");
    EACH(run_case->n_peers, run_case->peers, case_peer_check);
    REFUSE(run_case->n_conditions > FEW_MAX, "run_case.conditions are too many");
    EACH(run_case->n_conditions, run_case->conditions, setting_check);
    REFUSE(run_case->n_peers > 0 && wire_packed_bytes(run_case) > COMMAND_MAX_BYTES, "run_case is too large for a guard's packet");
    return NULL;
}

const char *execute_check(const Pb__Execute *execute)
{
    REFUSE(execute->timeout_ms == 0, "execute.timeout_ms is not set");
    return NULL;
}

const char *stop_check(const Pb__Stop *stop)
{
    REFUSE(!is_within(stop->why, TEXT_MAX_BYTES), "stop.why is too long");
    return NULL;
}

const char *command_check(const Pb__Command *command)
{
    REFUSE(command->instance == 0, "command.instance is not set");
    REFUSE(command->generation == 0, "command.generation is not set");
    REFUSE(command->number == 0, "command.number is not set");
    bool is_first = command->body_case == PB__COMMAND__BODY_INITIALIZE;
    REFUSE(is_first != (command->number == 1), "command 1, and no other, is initialize");
    switch (command->body_case) {
    case PB__COMMAND__BODY_INITIALIZE:
        return initialize_check(command->initialize);
    case PB__COMMAND__BODY_RUN_CASE:
        return run_case_check(command->run_case);
    case PB__COMMAND__BODY_EXECUTE:
        return execute_check(command->execute);
    case PB__COMMAND__BODY_STOP:
        return stop_check(command->stop);
    case PB__COMMAND__BODY_FAULT:
        return fault_check(command->fault);
    case PB__COMMAND__BODY_RUN:
        return run_beside_check(command->run);
    default: // start and cleanup say nothing but themselves
        return NULL;
    }
}

const char *command_invalid(const Pb__Command *command)
{
    NESTED(unsound(command));
    return command_check(command);
}

// ---- events

static const char *finding_check(const Pb__Finding *finding)
{
    REFUSE(!is_token(finding->signature), "finding.signature is empty or unprintable");
    REFUSE(!is_within(finding->title, SHORT_MAX_BYTES), "finding.title is too long");
    return NULL;
}

static const char *host_state_check(const Pb__HostState *host)
{
    const char *const texts[] = {host->kernel,       host->architecture, host->distribution, host->governor,
                                 host->clock_source, host->interface,    host->offloads};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        REFUSE(!is_within(texts[i], SHORT_MAX_BYTES), "host: a text is too long");
    }
    REFUSE(host->memory_bytes > INT64_MAX || host->clock_error_us > INT64_MAX, "host: a number is out of range");
    return NULL;
}

const char *command_done_check(const Pb__CommandDone *done)
{
    REFUSE(done->number == 0, "command_done.number is not set");
    REFUSE(done->status == PB__COMMAND_STATUS__COMMAND_STATUS_UNSPECIFIED, "command_done.status is not set");
    REFUSE(!is_within(done->text, TEXT_MAX_BYTES), "command_done.text is too long");
    REFUSE(!is_within(done->phase, TOKEN_MAX_BYTES), "command_done.phase is too long");
    REFUSE(done->n_endpoints > ENDPOINTS_PER_INSTANCE, "command_done.endpoints are too many");
    EACH(done->n_endpoints, done->endpoints, endpoint_check);
    REFUSE(done->n_metrics > METRICS_MAX, "command_done.metrics are too many");
    EACH(done->n_metrics, done->metrics, metric_check);
    REFUSE(done->n_findings > FINDINGS_MAX, "command_done.findings are too many");
    EACH(done->n_findings, done->findings, finding_check);
    REFUSE(!is_within(done->implementation_version, SHORT_MAX_BYTES), "command_done.implementation_version is too long");
    NESTED(done->host == NULL ? NULL : host_state_check(done->host));
    return done->outcome == NULL ? NULL : outcome_check(done->outcome);
}

static const char *process_started_check(const Pb__ProcessStarted *started)
{
    REFUSE(started->process == 0, "process_started.process is not set");
    REFUSE(!is_stream_name(started->name), "process_started.name is not a file name");
    REFUSE(started->n_argv > ARGUMENTS_MAX, "process_started.argv is too long");
    return NULL;
}

#define SIGNAL_MAX 64 // SIGRTMAX

static const char *process_exited_check(const Pb__ProcessExited *exited)
{
    REFUSE(exited->process == 0, "process_exited.process is not set");
    REFUSE(!is_stream_name(exited->name), "process_exited.name is not a file name");
    REFUSE(exited->status < -1 || exited->status > UINT8_MAX, "process_exited.status is not an exit status");
    REFUSE(exited->signal < 0 || exited->signal > SIGNAL_MAX, "process_exited.signal is not a signal");
    REFUSE((exited->status == -1) != (exited->signal != 0), "process_exited has both status and signal, or neither");
    REFUSE(exited->expectation == PB__EXIT_EXPECTATION__EXIT_EXPECTATION_UNSPECIFIED, "process_exited.expectation is not set");
    REFUSE(!is_within(exited->tail, TEXT_MAX_BYTES), "process_exited.tail is too long");
    return NULL;
}

const char *case_started_check(const Pb__CaseStarted *started)
{
    REFUSE(started->number == 0, "case_started.number is not set");
    REFUSE(!is_token(started->name), "case_started.name is empty or unprintable");
    return NULL;
}

const char *case_result_check(const Pb__CaseResult *result)
{
    REFUSE(result->number == 0, "case_result.number is not set");
    REFUSE(!is_token(result->name), "case_result.name is empty or unprintable");
    REFUSE(result->outcome == NULL, "case_result.outcome is not set");
    NESTED(outcome_check(result->outcome));
    REFUSE(result->n_metrics > METRICS_MAX, "case_result.metrics are too many");
    EACH(result->n_metrics, result->metrics, metric_check);
    REFUSE(result->n_findings > FINDINGS_MAX, "case_result.findings are too many");
    EACH(result->n_findings, result->findings, finding_check);
    return NULL;
}

static const char *output_match_check(const Pb__OutputMatch *match)
{
    REFUSE(!is_stream_name(match->stream), "output_match.stream is not a file name");
    REFUSE(!is_within(match->line, TEXT_MAX_BYTES), "output_match.line is too long");
    return NULL;
}

static const char *stream_end_check(const Pb__StreamEnd *end)
{
    REFUSE(!is_stream_name(end->stream), "stream_end.stream is not a file name");
    REFUSE(!is_hash(end->hash), "stream_end.hash is not a hash");
    REFUSE(end->dropped_bytes > end->length_bytes, "stream_end has dropped more than its length");
    REFUSE(end->n_read_times % 3 || end->n_read_times > 3 * READ_TIMES_MAX, "stream_end.read_times are too many, or not three each");
    return NULL;
}

static const char *artifact_ready_check(const Pb__ArtifactReady *artifact)
{
    REFUSE(!is_inner_path(artifact->path), "artifact.path leaves the work folder");
    REFUSE(!is_within(artifact->kind, SHORT_MAX_BYTES), "artifact.kind is too long");
    REFUSE(!is_hash(artifact->hash), "artifact.hash is not a hash");
    REFUSE(artifact->created_wall_ns < 0 || artifact->changed_wall_ns < 0, "artifact was made before 1970");
    return NULL;
}

static const char *host_died_check(const Pb__HostDied *died)
{
    REFUSE(died->signal < 0 || died->signal > SIGNAL_MAX, "host_died.signal is not a signal");
    REFUSE(!is_within(died->phase, TOKEN_MAX_BYTES), "host_died.phase is too long");
    REFUSE(!is_within(died->tail, TEXT_MAX_BYTES), "host_died.tail is too long");
    return NULL;
}

static const char *gap_check(const Pb__Gap *gap)
{
    REFUSE(!gap->artifact && !is_stream_name(gap->stream), "gap.stream is not a file name");
    REFUSE(gap->artifact && !is_inner_path(gap->stream), "gap.stream is not a path inside the work folder");
    REFUSE(!is_within(gap->reason, TEXT_MAX_BYTES), "gap.reason is too long");
    return NULL;
}

static const char *instance_ended_check(const Pb__InstanceEnded *ended)
{
    REFUSE(ended->cause == PB__END_CAUSE__END_CAUSE_UNSPECIFIED, "instance_ended.cause is not set");
    REFUSE(!is_within(ended->text, TEXT_MAX_BYTES), "instance_ended.text is too long");
    return NULL;
}

const char *note_check(const Pb__Note *note)
{
    REFUSE(!is_within(note->text, TEXT_MAX_BYTES), "note.text is too long");
    return NULL;
}

static const char *event_body_check(const Pb__Event *event)
{
    switch (event->body_case) {
    case PB__EVENT__BODY_COMMAND_DONE:
        return command_done_check(event->command_done);
    case PB__EVENT__BODY_PROCESS_STARTED:
        return process_started_check(event->process_started);
    case PB__EVENT__BODY_PROCESS_EXITED:
        return process_exited_check(event->process_exited);
    case PB__EVENT__BODY_CASE_STARTED:
        return case_started_check(event->case_started);
    case PB__EVENT__BODY_CASE_RESULT:
        return case_result_check(event->case_result);
    case PB__EVENT__BODY_METRIC:
        return metric_check(event->metric);
    case PB__EVENT__BODY_OUTPUT_MATCH:
        return output_match_check(event->output_match);
    case PB__EVENT__BODY_STREAM_END:
        return stream_end_check(event->stream_end);
    case PB__EVENT__BODY_ARTIFACT_READY:
        return artifact_ready_check(event->artifact_ready);
    case PB__EVENT__BODY_HOST_DIED:
        return host_died_check(event->host_died);
    case PB__EVENT__BODY_GAP:
        return gap_check(event->gap);
    case PB__EVENT__BODY_INSTANCE_ENDED:
        return instance_ended_check(event->instance_ended);
    case PB__EVENT__BODY_NOTE:
        return note_check(event->note);
    case PB__EVENT__BODY_FAULT_BEGAN:
        return fault_began_check(event->fault_began);
    case PB__EVENT__BODY_FAULT_ENDED:
        return fault_ended_check(event->fault_ended);
    default:
        return "event.body is missing";
    }
}

const char *event_check(const Pb__Event *event)
{
    REFUSE(event->instance == 0, "event.instance is not set");
    REFUSE(event->generation == 0, "event.generation is not set");
    REFUSE(event->sequence == 0, "event.sequence is not set");
    REFUSE(!is_name_or_empty(event->service), "event.service is not a name");
    NESTED(event_body_check(event));
    REFUSE(wire_packed_bytes(event) > EVENT_MAX_BYTES, "event is too large");
    return NULL;
}

const char *event_invalid(const Pb__Event *event)
{
    NESTED(unsound(event));
    return event_check(event);
}

// guard.proto: agent and guard, guard and plugin host. What a host says was said by a plugin: it is the least trusted of all.
#include <string.h>

#include "common/wire/check.h"

#define SIGNAL_MAX 64
#define PID_MAX 4194304 // of Linux
#define CLEAN_STATUSES_MAX 32
#define LOG_LEVEL_MAX 7

const char *guard_spec_check(const Pb__GuardSpec *spec)
{
    REFUSE(spec->instance == 0, "spec.instance is not set");
    REFUSE(spec->generation == 0, "spec.generation is not set");
    REFUSE(!name_is_valid(spec->agent), "spec.agent is not a name");
    REFUSE(spec->initialize == NULL, "spec.initialize is missing");
    NESTED(initialize_check(spec->initialize));
    REFUSE(is_empty(spec->plugin_path) || !is_within(spec->plugin_path, PATH_MAX_BYTES), "spec.plugin_path is empty or too long");
    REFUSE(is_empty(spec->host_program) || !is_within(spec->host_program, PATH_MAX_BYTES), "spec.host_program is empty or too long");
    REFUSE(!is_empty(spec->address) && !is_address(spec->address), "spec.address is not numeric");
    REFUSE(spec->port_first > UINT16_MAX || spec->port_count > UINT16_MAX + 1 - spec->port_first, "spec.ports are out of range");
    REFUSE(spec->port_count > 0 && spec->port_first == 0, "spec.port_first is not set");
    REFUSE(spec->lease_expires_ns == 0, "spec.lease_expires_ns is not set");
    REFUSE(!is_within(spec->cgroup, PATH_MAX_BYTES), "spec.cgroup is too long");
    REFUSE(!is_empty(spec->boot_id) && !is_boot_id(spec->boot_id), "spec.boot_id is not a boot id");
    REFUSE(!is_within(spec->work_path, PATH_MAX_BYTES) || !is_within(spec->state_path, PATH_MAX_BYTES),
           "spec.work_path or state_path is too long");
    REFUSE(spec->network_pid > PID_MAX, "spec.network_pid is no process");
    REFUSE((spec->network_pid == 0) != (spec->network_pid_start == 0), "spec.network_pid without its start time, or that alone");
    return NULL;
}

const char *guard_spec_invalid(const Pb__GuardSpec *spec)
{
    NESTED(unsound(spec));
    REFUSE(spec->version == 0, "spec.version is not set");
    return guard_spec_check(spec);
}

// ---- agent -> guard

static const char *attach_check(const Pb__GuardAttach *attach)
{
    REFUSE(attach->version == 0, "attach.version is not set");
    REFUSE(!is_name_or_empty(attach->agent), "attach.agent is not a name");
    return NULL;
}

static const char *guard_case_check(const Pb__Command *command)
{
    REFUSE(command->body_case != PB__COMMAND__BODY_RUN_CASE, "cases.cases has a command that is no case");
    return command_check(command);
}

static const char *guard_cases_check(const Pb__GuardCases *cases)
{
    REFUSE(cases->n_cases == 0 || cases->n_cases > CASES_IN_FLIGHT_MAX, "cases.cases are none or too many");
    EACH(cases->n_cases, cases->cases, guard_case_check);
    return NULL;
}

const char *guard_request_invalid(const Pb__GuardRequest *request)
{
    NESTED(unsound(request));
    switch (request->body_case) {
    case PB__GUARD_REQUEST__BODY_COMMAND:
        return command_check(request->command);
    case PB__GUARD_REQUEST__BODY_LEASE:
        return request->lease->expires_ns != 0 ? NULL : "lease.expires_ns is not set";
    case PB__GUARD_REQUEST__BODY_DISCARD:
        return is_within(request->discard->why, TEXT_MAX_BYTES) ? NULL : "discard.why is too long";
    case PB__GUARD_REQUEST__BODY_ATTACH:
        return attach_check(request->attach);
    case PB__GUARD_REQUEST__BODY_CASES:
        return guard_cases_check(request->cases);
    case PB__GUARD_REQUEST__BODY_SHELL:
        return shell_call_check(request->shell);
    default: // acknowledged: any number
        return NULL;
    }
}

// ---- guard -> agent

static const char *guard_state_check(const Pb__GuardState *state)
{
    REFUSE(state->version == 0, "state.version is not set");
    REFUSE(state->instance == 0, "state.instance is not set");
    REFUSE(state->generation == 0, "state.generation is not set");
    return NULL;
}

static const char *stream_size_check(const Pb__StreamSize *size)
{
    REFUSE(!is_stream_name(size->stream), "streams.stream is not a file name");
    return NULL;
}

static const char *streams_grown_check(const Pb__StreamsGrown *streams)
{
    EACH(streams->n_streams, streams->streams, stream_size_check);
    return NULL;
}

static const char *host_status_check(const Pb__HostStatus *status)
{
    REFUSE(!is_within(status->state, SHORT_MAX_BYTES), "status.state is too long");
    REFUSE(!is_within(status->text, TEXT_MAX_BYTES), "status.text is too long");
    REFUSE(!is_within(status->phase, SHORT_MAX_BYTES), "status.phase is too long");
    return NULL;
}

const char *guard_notice_invalid(const Pb__GuardNotice *notice)
{
    NESTED(unsound(notice));
    switch (notice->body_case) {
    case PB__GUARD_NOTICE__BODY_STATE:
        return guard_state_check(notice->state);
    case PB__GUARD_NOTICE__BODY_STREAMS:
        return streams_grown_check(notice->streams);
    case PB__GUARD_NOTICE__BODY_STATUS:
        return host_status_check(notice->status);
    case PB__GUARD_NOTICE__BODY_SHELL:
        return shell_answer_check(notice->shell);
    default: // spool: any numbers
        return NULL;
    }
}

// ---- guard -> host

static bool is_command(const Pb__HostRequest *request)
{
    switch (request->body_case) {
    case PB__HOST_REQUEST__BODY_INITIALIZE:
    case PB__HOST_REQUEST__BODY_START:
    case PB__HOST_REQUEST__BODY_RUN_CASE:
    case PB__HOST_REQUEST__BODY_EXECUTE:
    case PB__HOST_REQUEST__BODY_STOP:
    case PB__HOST_REQUEST__BODY_CLEANUP:
        return true;
    default:
        return false;
    }
}

static const char *host_initialize_check(const Pb__HostInitialize *initialize)
{
    REFUSE(initialize->spec == NULL, "initialize.spec is missing");
    REFUSE(initialize->spec->version == 0, "spec.version is not set");
    return guard_spec_check(initialize->spec);
}

static const char *line_seen_check(const Pb__LineSeen *seen)
{
    REFUSE(!is_within(seen->line, TEXT_MAX_BYTES), "line_seen.line is too long");
    return NULL;
}

static const char *host_case_check(const Pb__HostCase *host_case)
{
    REFUSE(host_case->number == 0, "cases.number is not set");
    REFUSE(host_case->run_case == NULL, "cases.run_case is missing");
    return run_case_check(host_case->run_case);
}

static const char *host_cases_check(const Pb__HostCases *cases)
{
    REFUSE(cases->n_cases == 0 || cases->n_cases > CASES_IN_FLIGHT_MAX, "cases.cases are none or too many");
    EACH(cases->n_cases, cases->cases, host_case_check);
    return NULL;
}

const char *host_request_invalid(const Pb__HostRequest *request)
{
    NESTED(unsound(request));
    REFUSE(is_command(request) && request->number == 0, "host_request.number is not set");
    switch (request->body_case) {
    case PB__HOST_REQUEST__BODY_INITIALIZE:
        return host_initialize_check(request->initialize);
    case PB__HOST_REQUEST__BODY_RUN_CASE:
        return run_case_check(request->run_case);
    case PB__HOST_REQUEST__BODY_EXECUTE:
        return execute_check(request->execute);
    case PB__HOST_REQUEST__BODY_STOP:
        return stop_check(request->stop);
    case PB__HOST_REQUEST__BODY_SPAWNED:
        return is_within(request->spawned->problem, TEXT_MAX_BYTES) ? NULL : "spawned.problem is too long";
    case PB__HOST_REQUEST__BODY_PORT:
        REFUSE(request->port->port > UINT16_MAX, "port.port is not a port");
        return is_within(request->port->problem, TEXT_MAX_BYTES) ? NULL : "port.problem is too long";
    case PB__HOST_REQUEST__BODY_LINE_SEEN:
        return line_seen_check(request->line_seen);
    case PB__HOST_REQUEST__BODY_PROCESS_OUTPUT:
        return is_stream_name(request->process_output->stream) ? NULL : "process_output.stream is not a file name";
    case PB__HOST_REQUEST__BODY_CASES:
        return host_cases_check(request->cases);
    default: // start, cleanup, status, process_exited: numbers of the guard's own
        return NULL;
    }
}

// ---- host -> guard

static const char *environment_check(const Pb__EnvironmentEntry *entry)
{
    REFUSE(is_empty(entry->name) || strchr(entry->name, '=') != NULL, "spawn.environment has a name that is empty or holds '='");
    REFUSE(!is_within(entry->name, SHORT_MAX_BYTES), "spawn.environment has a name that is too long");
    return NULL;
}

static const char *spawn_check(const Pb__SpawnRequest *spawn)
{
    REFUSE(!is_stream_name(spawn->name) || !is_within(spawn->name, NAME_MAX_BYTES - 1), "spawn.name is not a short file name");
    REFUSE(spawn->n_argv == 0 || is_empty(spawn->argv[0]), "spawn.argv names no program");
    REFUSE(spawn->n_argv > ARGUMENTS_MAX, "spawn.argv is too long");
    REFUSE(spawn->n_environment > SETTINGS_MAX, "spawn.environment is too long");
    EACH(spawn->n_environment, spawn->environment, environment_check);
    REFUSE(!is_within(spawn->working_directory, PATH_MAX_BYTES), "spawn.working_directory is too long");
    REFUSE(spawn->n_clean_statuses > CLEAN_STATUSES_MAX, "spawn.clean_statuses are too many");
    REFUSE(spawn->stop_signal < 0 || spawn->stop_signal > SIGNAL_MAX, "spawn.stop_signal is not a signal");
    return NULL;
}

static const char *signal_check(const Pb__SignalRequest *request)
{
    REFUSE(request->process == 0, "signal.process is not set");
    REFUSE(request->signal < 0 || request->signal > SIGNAL_MAX, "signal.signal is not a signal");
    return NULL;
}

static const char *port_request_check(const Pb__PortRequest *request)
{
    REFUSE(!name_is_valid(request->name), "port.name is not a name");
    REFUSE(request->transport == PB__TRANSPORT__TRANSPORT_UNSPECIFIED, "port.transport is not set");
    REFUSE(request->wanted > UINT16_MAX, "port.wanted is not a port");
    return NULL;
}

static const char *watch_line_check(const Pb__WatchLine *watch)
{
    REFUSE(is_empty(watch->pattern) || !is_within(watch->pattern, PATTERN_MAX_BYTES), "watch_line.pattern is empty or too long");
    REFUSE(!is_within(watch->stream, TOKEN_MAX_BYTES), "watch_line.stream is too long");
    return NULL;
}

static const char *declare_artifact_check(const Pb__DeclareArtifact *artifact)
{
    REFUSE(!is_inner_path(artifact->path), "artifact.path leaves the work folder");
    REFUSE(!is_within(artifact->kind, SHORT_MAX_BYTES), "artifact.kind is too long");
    return NULL;
}

static const char *host_results_check(const Pb__HostResults *results)
{
    REFUSE(results->n_results == 0 || results->n_results > CASES_IN_FLIGHT_MAX, "results.results are none or too many");
    EACH(results->n_results, results->results, case_result_check);
    return NULL;
}

const char *host_notice_invalid(const Pb__HostNotice *notice)
{
    NESTED(unsound(notice));
    switch (notice->body_case) {
    case PB__HOST_NOTICE__BODY_DONE:
        return command_done_check(notice->done);
    case PB__HOST_NOTICE__BODY_CASE_STARTED:
        return case_started_check(notice->case_started);
    case PB__HOST_NOTICE__BODY_CASE_RESULT:
        return case_result_check(notice->case_result);
    case PB__HOST_NOTICE__BODY_METRIC:
        return metric_check(notice->metric);
    case PB__HOST_NOTICE__BODY_LOG:
        return notice->log->level <= LOG_LEVEL_MAX ? NULL : "log.level is not known";
    case PB__HOST_NOTICE__BODY_SPAWN:
        return spawn_check(notice->spawn);
    case PB__HOST_NOTICE__BODY_SIGNAL:
        return signal_check(notice->signal);
    case PB__HOST_NOTICE__BODY_PORT:
        return port_request_check(notice->port);
    case PB__HOST_NOTICE__BODY_WATCH_LINE:
        return watch_line_check(notice->watch_line);
    case PB__HOST_NOTICE__BODY_ARTIFACT:
        return declare_artifact_check(notice->artifact);
    case PB__HOST_NOTICE__BODY_STATUS:
        return host_status_check(notice->status);
    case PB__HOST_NOTICE__BODY_NOTE:
        return note_check(notice->note);
    case PB__HOST_NOTICE__BODY_RESULTS:
        return host_results_check(notice->results);
    default:
        return "host_notice.body is missing";
    }
}

// What the plugin host says and does, up to its death. What it says is checked by common/wire and then against what is open: a host
// is a crashing, lying stranger.
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "agent/guard/guard.h"
#include "agent/guard/host_state.h"
#include "common/base/limits.h"
#include "common/base/message.h"
#include "common/system/log.h"
#include "common/wire/wire.h"

// A case that is shown while it runs; shorter ones are shown by their result alone.
#define CASE_SHOWS_NS (200ULL * 1000 * 1000)

static void send_to_host(struct guard *guard, Pb__HostRequest__BodyCase body, void *message)
{
    Pb__HostRequest request;
    pb__host_request__init(&request);
    request.body_case = body;
    request.spawned = message; // a union of pointers
    host_link_send(guard->host, &request);
}

// ---- answers to commands

static void tell_initialized(struct guard *guard, Pb__CommandDone *done)
{
    struct arena *arena = arena_new(0);
    done->host = host_state(guard->spec->address, arena);
    EVENT_ADD(guard->events, COMMAND_DONE, command_done, done);
    done->host = NULL;
    arena_free(&arena);
}

static void done_is_told(struct guard *guard, Pb__CommandDone *done)
{
    const struct command *command = commands_find(guard->commands, done->number);
    if (!command || command->kind == PB__COMMAND__BODY_RUN_CASE) {
        events_note(guard->events, "the plugin host answered command %u, which is not open", done->number);
        return;
    }
    CLEANUP_FREE char *phase = memory_string(command_phase(command));
    done->phase = phase;
    done->host = NULL; // what it is on is for the guard to say
    if (command->kind == PB__COMMAND__BODY_STOP && !guard->stopped) {
        guard->stopped = MESSAGE_COPY(done, NULL);
        commands_hold(guard->commands, true);
        return;
    }
    bool cleaned = command->kind == PB__COMMAND__BODY_CLEANUP;
    if (command->kind == PB__COMMAND__BODY_INITIALIZE) {
        execution_activate(guard->execution);
        tell_initialized(guard, done);
    } else {
        EVENT_ADD(guard->events, COMMAND_DONE, command_done, done);
    }
    commands_answered(guard->commands, done->number);
    if (cleaned)
        guard_end(guard, PB__END_CAUSE__END_CAUSE_CLEANED, "cleaned up");
}

static void case_has_result(struct guard *guard, Pb__CaseResult *result)
{
    const struct command *command = commands_find(guard->commands, result->number);
    if (!command || command->kind != PB__COMMAND__BODY_RUN_CASE) {
        events_note(guard->events, "the plugin host gave a result for case %u, which is not open", result->number);
        return;
    }
    result->name = command->name;
    EVENT_ADD(guard->events, CASE_RESULT, case_result, result);
    if (guard->case_number == result->number)
        loop_timer_set(guard->case_timer, 0);
    commands_answered(guard->commands, result->number);
}

// The host need not say that it begins with a case: it begins when the case has become the first.
void guard_watch_case(struct guard *guard)
{
    const struct command *command = commands_first(guard->commands);
    if (!command || command->kind != PB__COMMAND__BODY_RUN_CASE || command->number == guard->case_number)
        return;
    guard->case_number = command->number;
    guard->case_began_ns = clock_boottime_ns();
    loop_timer_set(guard->case_timer, guard->case_began_ns + CASE_SHOWS_NS);
}

void guard_case_shows(void *context)
{
    struct guard *guard = context;
    const struct command *command = commands_find(guard->commands, guard->case_number);
    Pb__CaseStarted started;
    if (!command || !command->name)
        return;
    pb__case_started__init(&started);
    started.number = command->number;
    started.name = command->name;
    started.running_ns = clock_boottime_ns() - guard->case_began_ns;
    EVENT_ADD(guard->events, CASE_STARTED, case_started, &started);
}

// ---- requests

static void spawn_is_wanted(struct guard *guard, const Pb__SpawnRequest *request)
{
    processes_spawn(guard->processes, request);
}

static void port_is_wanted(struct guard *guard, const Pb__PortRequest *request)
{
    struct panther_error error;
    static char nothing[] = "";
    Pb__PortAnswer answer;
    pb__port_answer__init(&answer);
    answer.token = request->token;
    answer.problem = nothing;
    if (ports_take(guard->ports, request->transport, request->wanted, &answer.port, &error) < 0)
        answer.problem = error.message;
    send_to_host(guard, PB__HOST_REQUEST__BODY_PORT, &answer);
}

static void line_is_wanted(struct guard *guard, const Pb__WatchLine *watch)
{
    struct panther_error error;
    if (streams_watch(guard->streams, watch, &error) < 0)
        stream_log(guard->plugin_log, LOG_LEVEL_ERROR, error.message);
}

static void artifact_is_declared(struct guard *guard, const Pb__DeclareArtifact *declared)
{
    struct panther_error error;
    if (artifacts_declare(guard->artifacts, declared, &error) < 0)
        events_note(guard->events, "%s", error.message);
}

static void take_notice(struct guard *guard, Pb__HostNotice *notice)
{
    switch (notice->body_case) {
    case PB__HOST_NOTICE__BODY_DONE:
        done_is_told(guard, notice->done);
        break;
    case PB__HOST_NOTICE__BODY_CASE_RESULT:
        case_has_result(guard, notice->case_result);
        break;
    case PB__HOST_NOTICE__BODY_RESULTS:
        for (size_t i = 0; i < notice->results->n_results; i++)
            case_has_result(guard, notice->results->results[i]);
        break;
    case PB__HOST_NOTICE__BODY_METRIC:
        EVENT_ADD(guard->events, METRIC, metric, notice->metric);
        break;
    case PB__HOST_NOTICE__BODY_LOG:
        stream_log(guard->plugin_log, notice->log->level, notice->log->text);
        break;
    case PB__HOST_NOTICE__BODY_SPAWN:
        spawn_is_wanted(guard, notice->spawn);
        break;
    case PB__HOST_NOTICE__BODY_SIGNAL:
        processes_signal(guard->processes, notice->signal);
        break;
    case PB__HOST_NOTICE__BODY_PORT:
        port_is_wanted(guard, notice->port);
        break;
    case PB__HOST_NOTICE__BODY_WATCH_LINE:
        line_is_wanted(guard, notice->watch_line);
        break;
    case PB__HOST_NOTICE__BODY_ARTIFACT:
        artifact_is_declared(guard, notice->artifact);
        break;
    case PB__HOST_NOTICE__BODY_NOTE:
        EVENT_ADD(guard->events, NOTE, note, notice->note);
        break;
    case PB__HOST_NOTICE__BODY_STATUS:
        agent_link_status(guard->agent, notice->status);
        break;
    default:
        break; // a start that the guard sees by itself
    }
}

static void host_received(void *context, const void *data, size_t bytes)
{
    struct guard *guard = context;
    struct panther_error error = {0};
    if (guard->state != GUARD_SERVING)
        return; // on its way when the end began
    arena_reset(guard->message_arena);
    Pb__HostNotice *notice = wire_host_notice(data, bytes, guard->message_arena, &error);
    if (notice) {
        take_notice(guard, notice);
        return;
    }
    events_note(guard->events, "the plugin host broke the protocol and is killed: %s", error.message);
    host_link_kill(guard->host);
}

// ---- what it is told

static void spawned(void *context, const Pb__SpawnAnswer *answer)
{
    Pb__SpawnAnswer copy = *answer;
    send_to_host(context, PB__HOST_REQUEST__BODY_SPAWNED, &copy);
}

static void process_exited(void *context, const Pb__HostProcessExited *exited)
{
    Pb__HostProcessExited copy = *exited;
    send_to_host(context, PB__HOST_REQUEST__BODY_PROCESS_EXITED, &copy);
}

static void all_gone(void *context)
{
    (void)context; // flow and ending look at it after the round
}

static void beside_goes_on(void *context, uint32_t command, uint32_t process, const struct process_end *end, const char *problem)
{
    const struct guard *guard = context;
    beside_takes(guard->beside, command, process, end, problem);
}

static void line_seen(void *context, uint32_t watch, const char *line)
{
    Pb__LineSeen seen;
    CLEANUP_FREE char *text = memory_string(line);
    pb__line_seen__init(&seen);
    seen.watch = watch;
    seen.line = text;
    send_to_host(context, PB__HOST_REQUEST__BODY_LINE_SEEN, &seen);
}

static void output(void *context, uint32_t process, const char *stream, const void *data, size_t bytes)
{
    Pb__ProcessOutput message;
    CLEANUP_FREE char *name = memory_string(stream);
    pb__process_output__init(&message);
    message.process = process;
    message.stream = name;
    message.data.len = bytes;
    message.data.data = (uint8_t *)(uintptr_t)data;
    send_to_host(context, PB__HOST_REQUEST__BODY_PROCESS_OUTPUT, &message);
}

static void grown(void *context)
{
    struct guard *guard = context;
    if (guard->agent)
        agent_link_streams_grown(guard->agent);
}

const struct processes_callbacks guard_processes_callbacks = {spawned, process_exited, all_gone, beside_goes_on};
const struct streams_callbacks guard_streams_callbacks = {line_seen, output, grown};

void guard_host_started(struct guard *guard)
{
    Pb__HostInitialize initialize;
    Pb__HostRequest request;
    pb__host_initialize__init(&initialize);
    pb__host_request__init(&request);
    initialize.spec = guard->spec;
    request.number = 1;
    request.body_case = PB__HOST_REQUEST__BODY_INITIALIZE;
    request.initialize = &initialize;
    host_link_send(guard->host, &request);
}

// ---- its end

// From here on the guard answers, see flow.c.
static void lose_host(struct guard *guard, const char *text)
{
    guard->death.text = arena_string(guard->arena, text);
    lifecycle_move(&guard_lifecycle, &guard->state, GUARD_HOSTLESS);
    loop_timer_set(guard->case_timer, 0);
    guard_calm(guard, guard->death.text);
    processes_expect_end(guard->processes);
    processes_stop_all(guard->processes, guard_grace_ms(guard));
}

void guard_host_could_not_start(struct guard *guard, const char *problem)
{
    answer_done(guard->events, commands_first(guard->commands), PB__COMMAND_STATUS__COMMAND_STATUS_FAILED, problem);
    commands_answered(guard->commands, 1);
    lose_host(guard, problem);
}

static const char *describe_death(const struct guard *guard, const struct process_end *end, const char *phase, char *text, size_t bytes)
{
    const char *when = *phase ? phase : "no call";
    if (guard->hung)
        snprintf(text, bytes, "the plugin did not come back from %s and was killed", when);
    else if (end->signal)
        snprintf(text, bytes, "the plugin host was ended by SIG%s in %s", sigabbrev_np(end->signal), when);
    else
        snprintf(text, bytes, "the plugin host ended with status %d in %s", end->status, when);
    return text;
}

static void tell_death(struct guard *guard, const struct process_end *end, const char *phase, const char *tail)
{
    Pb__HostDied died;
    CLEANUP_FREE char *own_phase = memory_string(phase), *own_tail = memory_string(tail);
    pb__host_died__init(&died);
    died.status = end->status;
    died.signal = end->signal;
    died.phase = own_phase;
    died.hung = guard->hung;
    died.tail = own_tail;
    EVENT_ADD(guard->events, HOST_DIED, host_died, &died);
}

static void host_ended(void *context, const struct process_end *end, const char *problem, const char *tail)
{
    struct guard *guard = context;
    char text[256];
    if (guard->state != GUARD_SERVING)
        return;
    if (problem) {
        guard_host_could_not_start(guard, problem);
        return;
    }
    const char *phase = command_phase(commands_first(guard->commands));
    guard->death = (struct host_death){.hung = guard->hung, .status = end->status, .signal = end->signal};
    tell_death(guard, end, phase, tail);
    lose_host(guard, describe_death(guard, end, phase, text, sizeof text));
}

const struct host_link_callbacks guard_host_callbacks = {host_received, host_ended};

void guard_host_overdue(void *context, const struct command *command)
{
    struct guard *guard = context;
    if (guard->state != GUARD_SERVING)
        return;
    log_warning("the plugin did not come back from %s: its host is killed", command_phase(command));
    guard->hung = true;
    host_link_kill(guard->host);
}

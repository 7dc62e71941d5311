// What becomes of a command: passed to the host at once, except Cleanup, before which the guard stops what runs and collects
// artifacts; answered by the host, or by the guard when the host is dead.
#include <string.h>

#include "agent/guard/guard.h"
#include "common/base/limits.h"
#include "common/base/message.h"
#include "common/system/log.h"

// ---- intake

static bool is_for_us(const struct guard *guard, const Pb__Command *command)
{
    return command->instance == guard->spec->instance && command->generation == guard->spec->generation;
}

static void pass_on(struct guard *guard, const Pb__Command *command)
{
    Pb__HostRequest request;
    pb__host_request__init(&request);
    request.number = command->number;
    switch (command->body_case) {
    case PB__COMMAND__BODY_START:
        request.body_case = PB__HOST_REQUEST__BODY_START;
        request.start = command->start;
        break;
    case PB__COMMAND__BODY_RUN_CASE:
        request.body_case = PB__HOST_REQUEST__BODY_RUN_CASE;
        request.run_case = command->run_case;
        break;
    case PB__COMMAND__BODY_EXECUTE:
        request.body_case = PB__HOST_REQUEST__BODY_EXECUTE;
        request.execute = command->execute;
        break;
    case PB__COMMAND__BODY_STOP:
        request.body_case = PB__HOST_REQUEST__BODY_STOP;
        request.stop = command->stop;
        break;
    default:
        return; // Cleanup is passed on when its turn has come
    }
    host_link_send(guard->host, &request);
}

static void pass_cleanup(struct guard *guard, uint32_t number)
{
    Pb__HostRequest request;
    Pb__Cleanup cleanup;
    pb__host_request__init(&request);
    pb__cleanup__init(&cleanup);
    request.number = number;
    request.body_case = PB__HOST_REQUEST__BODY_CLEANUP;
    request.cleanup = &cleanup;
    host_link_send(guard->host, &request);
}

// false: it is not for us, not now, or was taken before.
static bool take(struct guard *guard, const Pb__Command *command)
{
    struct panther_error error;
    if (!is_for_us(guard, command)) {
        log_warning("a command for instance %llu.%u came here", (unsigned long long)command->instance, command->generation);
        return false;
    }
    if (guard->state >= GUARD_ENDING)
        return false; // InstanceEnded says all
    int problem = commands_take(guard->commands, command, &error);
    if (problem == PANTHER_EEXISTS) {
        log_debug("%s", error.message);
    } else if (problem < 0) {
        log_error("a command is refused: %s", error.message);
        events_note(guard->events, "a command is refused: %s", error.message);
    }
    return problem == 0;
}

// The host knows nothing of it.
static void do_beside(struct guard *guard, const Pb__Command *command)
{
    if (command->body_case == PB__COMMAND__BODY_FAULT)
        faults_begin(guard->faults, command->number, command->fault);
    else
        beside_run(guard->beside, command->number, command->run);
}

void guard_take_command(struct guard *guard, const Pb__Command *command)
{
    if (!take(guard, command))
        return;
    if (command_is_beside(command)) {
        do_beside(guard, command);
        return;
    }
    if (command->body_case == PB__COMMAND__BODY_STOP && command->stop->cancel) {
        processes_expect_end(guard->processes);
        commands_hurry(guard->commands);
    }
    pass_on(guard, command);
}

// Answered beside the running call; without a host by nobody.
void guard_ask_status(struct guard *guard)
{
    Pb__HostRequest request;
    Pb__HostStatusRequest status;
    pb__host_request__init(&request);
    pb__host_status_request__init(&status);
    request.body_case = PB__HOST_REQUEST__BODY_STATUS;
    request.status = &status;
    host_link_send(guard->host, &request);
}

// What came together is passed on together.
void guard_take_cases(struct guard *guard, const Pb__GuardCases *cases)
{
    Pb__HostCase items[CASES_IN_FLIGHT_MAX], *list[CASES_IN_FLIGHT_MAX];
    Pb__HostCases several;
    Pb__HostRequest request;
    pb__host_cases__init(&several);
    pb__host_request__init(&request);
    several.cases = list;
    for (size_t i = 0; i < cases->n_cases; i++) {
        if (!take(guard, cases->cases[i]))
            continue;
        Pb__HostCase *item = list[several.n_cases] = &items[several.n_cases];
        several.n_cases++;
        pb__host_case__init(item);
        item->number = cases->cases[i]->number;
        item->run_case = cases->cases[i]->run_case;
    }
    request.body_case = PB__HOST_REQUEST__BODY_CASES;
    request.cases = &several;
    if (several.n_cases > 0)
        host_link_send(guard->host, &request);
}

void guard_calm(struct guard *guard, const char *why)
{
    faults_close(guard->faults, why);
    beside_close(guard->beside, why);
}

// ---- the first one's way

static void begin_ladder(struct guard *guard)
{
    if (!guard->ladder_runs)
        processes_stop_all(guard->processes, guard_stop_grace_ms(guard));
    guard->ladder_runs = true;
}

static void close_first(struct guard *guard, const struct command *command)
{
    guard->ladder_runs = false;
    commands_answered(guard->commands, command->number);
}

static void answer_stop(struct guard *guard, const struct command *command)
{
    Pb__CommandDone own;
    pb__command_done__init(&own);
    own.number = command->number;
    own.status = PB__COMMAND_STATUS__COMMAND_STATUS_OK;
    CLEANUP_FREE char *phase = memory_string(command_phase(command));
    own.phase = phase;
    Pb__CommandDone done = *guard_tell_execution(guard, guard->stopped ? guard->stopped : &own);
    EVENT_ADD(guard->events, COMMAND_DONE, command_done, &done);
}

// Stopped means: nothing of it runs. So the answer waits for the last process, and comes after all they printed.
static bool flow_stop(struct guard *guard, const struct command *command)
{
    guard_calm(guard, "the instance is stopped");
    shells_close(guard->shells, "the instance is stopped");
    processes_expect_end(guard->processes);
    if (guard_has_host(guard) && !guard->stopped)
        return false;
    if (processes_any(guard->processes)) {
        begin_ladder(guard);
        return false;
    }
    if (faults_any(guard->faults) || shells_any(guard->shells))
        return false; // its last process is on its way
    if (execution_is_busy(guard->execution))
        return false; // what its tools wrote is being read
    answer_stop(guard, command);
    message_free(guard->stopped);
    guard->stopped = NULL;
    close_first(guard, command);
    return true;
}

// true: artifacts are still being collected.
static bool collect(struct guard *guard)
{
    if (!guard->collected)
        guard->collected = !artifacts_step(guard->artifacts);
    return !guard->collected;
}

static bool flow_cleanup(struct guard *guard, const struct command *command)
{
    guard_calm(guard, "the instance is cleaned up");
    shells_close(guard->shells, "the instance is cleaned up");
    processes_expect_end(guard->processes);
    if (guard->cleanup_sent && guard_has_host(guard))
        return false;
    commands_hold(guard->commands, true);
    if (processes_any(guard->processes)) {
        begin_ladder(guard);
        return false;
    }
    if (shells_any(guard->shells) || execution_is_busy(guard->execution))
        return false;
    guard_tell_execution(guard, NULL);
    if (collect(guard))
        return true;
    if (guard_has_host(guard)) {
        guard->cleanup_sent = true;
        commands_hold(guard->commands, false);
        pass_cleanup(guard, command->number);
        return false;
    }
    answer_done(guard->events, command, PB__COMMAND_STATUS__COMMAND_STATUS_OK, "");
    close_first(guard, command);
    guard_end(guard, PB__END_CAUSE__END_CAUSE_CLEANED, "cleaned up");
    return false;
}

static void answer_for_dead_host(struct guard *guard, const struct command *command)
{
    // Only what was being worked on when it died can have hung it.
    answer_host_died(guard->events, command, guard->hung, &guard->death);
    guard->hung = false;
    close_first(guard, command);
}

bool guard_flow(struct guard *guard)
{
    const struct command *command;
    while (guard->state < GUARD_ENDING && (command = commands_first(guard->commands))) {
        if (command->kind == PB__COMMAND__BODY_STOP) {
            if (!flow_stop(guard, command))
                return false;
        } else if (command->kind == PB__COMMAND__BODY_CLEANUP) {
            return flow_cleanup(guard, command);
        } else if (guard_has_host(guard)) {
            return false;
        } else {
            answer_for_dead_host(guard, command);
        }
    }
    return false;
}

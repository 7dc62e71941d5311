// The fold of what instances report. Called by durable.c for every InstanceEvent that is not stale; decides what is broken and which
// verdict an event alone stands for (EXPERIMENT language, "Verdicts").
#include "coordinator/core/durable_fold.h"

#include <stdio.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/limits.h"
#include "common/base/memory.h"
#include "common/base/message.h"

// A plugin may report metrics without end: kept are those that the verdict asks for. The others are rows of the store.
static bool metric_is_asserted(const struct instance *instance, const char *name)
{
    const Pb__CellPlan *plan = instance->trial->plan;
    for (size_t i = 0; i < plan->n_assertions; i++) {
        const Pb__Assertion *assertion = plan->assertions[i];
        if (assertion->body_case == PB__ASSERTION__BODY_METRIC && strcmp(assertion->service, instance->service) == 0 &&
            strcmp(assertion->metric->name, name) == 0) {
            return true;
        }
    }
    return false;
}

// What is measured while a trial is being cut short says nothing about a whole one.
static void metric_seen(struct instance *instance, const Pb__Metric *metric)
{
    if (instance->trial->cancelled || !metric_is_asserted(instance, metric->name)) {
        return;
    }
    struct metric_range *range = map_get_text(instance->metrics, metric->name);
    if (!range) {
        range = NEW(struct metric_range);
        range->least = range->most = metric->value;
        map_put_text(instance->metrics, metric->name, range);
    }
    range->least = metric->value < range->least ? metric->value : range->least;
    range->most = metric->value > range->most ? metric->value : range->most;
    range->count++;
}

static void outcome_seen(struct instance *instance, const Pb__Outcome *outcome)
{
    outcome_worsen(&instance->outcome, (int)outcome->verdict, (int)outcome->reason, outcome->text);
    instance->any_fail |= outcome->verdict == VERDICT_FAIL;
}

static void outcome_found(struct instance *instance, int verdict, int reason, const char *text)
{
    outcome_worsen(&instance->outcome, verdict, reason, text);
    instance->any_fail |= verdict == VERDICT_FAIL;
}

// Which case has this number; none: how many there are. They rise.
static uint32_t case_of_number(const struct instance *instance, uint32_t number)
{
    uint32_t low = 0, high = instance->case_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (instance->case_numbers[middle] < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < instance->case_count && instance->case_numbers[low] == number ? low : instance->case_count;
}

static void event_case_result(struct instance *instance, const Pb__CaseResult *result)
{
    uint32_t index = case_of_number(instance, result->number);
    if (index == instance->case_count || instance->case_verdicts[index] != CASE_UNANSWERED) {
        return; // the first durable one stays
    }
    FOLD_NEEDS(instance->trial->durable, (unsigned)result->outcome->verdict <= VERDICT_ERROR, "%d is no verdict",
               (int)result->outcome->verdict);
    instance_case_concluded(instance, index, (int)result->outcome->verdict);
    instances_have_served(instance);
    if (result->outcome->verdict == VERDICT_NONE && result->outcome->reason == REASON_UNSUPPORTED) {
        // Released were only those that every driven service declares: spoils nothing if declared, but this was not.
        char *text = memory_printf("%s: %s: unsupported against a declared capability", instance->service, result->name);
        outcome_found(instance, VERDICT_INCONC, REASON_UNSUPPORTED, text);
        free(text);
    } else if (result->outcome->verdict > VERDICT_PASS) {
        char *text = memory_printf("%s: %s", result->name, result->outcome->text);
        outcome_found(instance, (int)result->outcome->verdict, (int)result->outcome->reason, text);
        free(text);
    } else {
        outcome_seen(instance, result->outcome);
    }
    for (size_t i = 0; i < result->n_metrics; i++) {
        metric_seen(instance, result->metrics[i]);
    }
    if (instance->state == INSTANCE_RUNNING && instance_work_is_done(instance)) {
        instance_move(instance, INSTANCE_FINISHED);
    }
}

// It cannot go on, and nor can its trial; but what was only brought up for one case takes that case with it and no more. What becomes of
// the network says nothing of who used it.
static void breaks(struct instance *instance, int verdict, int reason, const char *text)
{
    bool is_network = instance_plan(instance)->is_network;
    if (!is_network && instance_preparation_failed(instance, verdict == VERDICT_ERROR ? VERDICT_INCONC : verdict, reason, text)) {
        return;
    }
    instance->broken = true;
    if (is_network) {
        outcome_found(instance, VERDICT_INCONC, REASON_INFRASTRUCTURE, text);
    } else {
        outcome_found(instance, verdict, reason, text);
    }
}

static void command_failed(struct instance *instance, const Pb__CommandDone *done)
{
    if (done->status == PB__COMMAND_STATUS__COMMAND_STATUS_HOST_DIED && instance->host_died) {
        return; // HostDied said how, which decides (a tester that was killed is inconc), and broke it
    }
    char *text = memory_printf("%s (%s): %s: %s", instance->service, instance->plugin, done->phase,
                               *done->text ? done->text : "failed without a reason");
    if (done->status == PB__COMMAND_STATUS__COMMAND_STATUS_TIMEOUT) {
        breaks(instance, VERDICT_ERROR, REASON_TIMEOUT, text);
    } else if (done->status == PB__COMMAND_STATUS__COMMAND_STATUS_HOST_DIED) {
        breaks(instance, VERDICT_ERROR, REASON_CRASH, text);
    } else {
        breaks(instance, VERDICT_ERROR, REASON_INFRASTRUCTURE, text);
    }
    free(text);
}

static void done_lifecycle(struct instance *instance, const Pb__CommandDone *done)
{
    bool ok = done->status == PB__COMMAND_STATUS__COMMAND_STATUS_OK;
    int kind = (int)instance->open->body_case;
    message_free(instance->open);
    instance->open = NULL;
    switch (kind) {
    case PB__COMMAND__BODY_INITIALIZE:
        if (ok) {
            message_free(instance->initialized);
            instance->initialized = MESSAGE_COPY(done, NULL);
            instance->port = done->n_endpoints ? done->endpoints[0]->port : instance->port;
            instance_move(instance, INSTANCE_INITIALIZED);
        }
        break;
    case PB__COMMAND__BODY_START:
        if (ok) {
            instance_move(instance, INSTANCE_READY);
        }
        break;
    case PB__COMMAND__BODY_STOP:
        instance_move(instance, INSTANCE_STOPPED);
        break;
    default:
        break; // cleanup: the end is InstanceEnded
    }
}

// The conditions of a case that the network could not make.
static void conditions_done(struct instance *instance, const Pb__CommandDone *done)
{
    instance->conditions_hold = done->status == PB__COMMAND_STATUS__COMMAND_STATUS_OK;
    if (!instance->conditions_hold) {
        char *text = memory_printf("%s: the network's conditions: %s", instance->service, *done->text ? done->text : "not done");
        instance_preparation_failed(instance, VERDICT_INCONC, REASON_INFRASTRUCTURE, text);
        free(text);
    }
}

// A fault or a run: what became of it is its entry's, or its case's.
static bool done_beside(struct instance *instance, const Pb__CommandDone *done)
{
    Pb__Command *command = map_remove_number(instance->beside, done->number);
    if (command && instance->conditions && instance->conditions->number == done->number) {
        conditions_done(instance, done);
    }
    message_free(command);
    return command != NULL;
}

// What a client did for a case is for the case's tester to judge.
static bool done_for_case(struct instance *instance, const Pb__Event *event)
{
    const Pb__CommandDone *done = event->command_done;
    bool is_it = instance->for_tester && instance->execute_number && done->number == instance->execute_number && !instance->is_tester;
    if (!is_it || (done->status == PB__COMMAND_STATUS__COMMAND_STATUS_HOST_DIED && instance->host_died)) {
        return false;
    }
    message_free(instance->executed);
    instance->executed = MESSAGE_COPY(event, NULL);
    return true;
}

static void event_command_done(struct instance *instance, const Pb__Event *event)
{
    const Pb__CommandDone *done = event->command_done;
    const uint64_t boottime_ns = event->boottime_ns;
    if (done_beside(instance, done)) {
        return;
    }
    bool for_case = done_for_case(instance, event);
    for (size_t i = 0; i < done->n_metrics; i++) {
        metric_seen(instance, done->metrics[i]);
    }
    if (done->outcome && !for_case) {
        outcome_seen(instance, done->outcome);
    }
    if (!for_case && done->status != PB__COMMAND_STATUS__COMMAND_STATUS_OK) {
        command_failed(instance, done);
    }
    if (instance->execute_number && done->number == instance->execute_number) {
        instance->execute_answered = true;
        if (instance->state == INSTANCE_RUNNING && instance_work_is_done(instance)) {
            instance_move(instance, INSTANCE_FINISHED);
        }
    } else if (instance->open && done->number == instance->open->number) {
        instance->moved_ns = boottime_ns;
        done_lifecycle(instance, done);
    } else if (instance->initialize && done->number == instance->initialize->number) {
        message_free(instance->initialize);
        instance->initialize = NULL;
    }
}

static void event_process_started(struct instance *instance, const Pb__ProcessStarted *started)
{
    if (!map_put_number(instance->processes, started->process, instance)) {
        instance->processes_started++;
    }
}

// An exit without its start is evidence of nothing: it must not stand for one that is missing.
static void exit_seen(struct instance *instance, const Pb__ProcessExited *exited)
{
    if (!map_remove_number(instance->processes, exited->process)) {
        return;
    }
    if (exited->expectation == PB__EXIT_EXPECTATION__EXIT_EXPECTATION_FAULT) {
        return; // a fault's way, not the program's
    }
    if (instance->trial->cancelled && exited->expectation == PB__EXIT_EXPECTATION__EXIT_EXPECTATION_STOPPED) {
        return; // in a trial that is cut short it is the kill ladder's way, not the program's
    }
    struct exit_range *exits = &instance->exits;
    int32_t end = exited->signal ? -exited->signal : exited->status;
    bool is_first = exits->count++ == 0;
    exits->least = is_first || end < exits->least ? end : exits->least;
    exits->most = is_first || end > exits->most ? end : exits->most;
    instance->exits_clean &= exited->clean;
}

static void event_process_exited(struct instance *instance, const Pb__ProcessExited *exited)
{
    exit_seen(instance, exited);
    if (exited->expectation != PB__EXIT_EXPECTATION__EXIT_EXPECTATION_UNEXPECTED || instance->is_tester) {
        return;
    }
    // what it said at last ends with a line's end, and the text does not
    int tail_bytes = (int)strlen(exited->tail);
    while (tail_bytes > 0 && strchr(" \r\n", exited->tail[tail_bytes - 1])) {
        tail_bytes--;
    }
    const char *said = tail_bytes > 0 ? "; last output: " : "";
    char *text = exited->signal ? memory_printf("%s: %s died of signal %d%s%s%.*s", instance->service, exited->name, exited->signal,
                                                exited->core_dumped ? " (core dumped)" : "", said, tail_bytes, exited->tail)
                                : memory_printf("%s: %s ended by itself with status %d%s%.*s", instance->service, exited->name,
                                                exited->status, said, tail_bytes, exited->tail);
    breaks(instance, VERDICT_FAIL, REASON_CRASH, text);
    free(text);
}

static void event_host_died(struct instance *instance, const Pb__HostDied *died)
{
    instance->host_died = true;
    const char *in = *died->phase ? " in " : ""; // else between two commands
    char *text =
        died->hung ? memory_printf("%s: plugin %s hung in %s and was killed", instance->service, instance->plugin, died->phase)
        : died->signal
            ? memory_printf("%s: plugin %s died of signal %d%s%s", instance->service, instance->plugin, died->signal, in, died->phase)
            : memory_printf("%s: plugin %s exited with status %d%s%s", instance->service, instance->plugin, died->status, in, died->phase);
    bool in_case = strcmp(died->phase, "run_case") == 0;
    if (instance->is_tester && died->signal == 9 && !died->hung) {
        breaks(instance, VERDICT_INCONC, REASON_KILLED, text);
    } else if (in_case && died->hung) {
        breaks(instance, VERDICT_INCONC, REASON_TIMEOUT, text);
    } else {
        breaks(instance, VERDICT_ERROR, died->hung ? REASON_TIMEOUT : REASON_CRASH, text);
    }
    free(text);
}

static const char *end_cause_text(int cause)
{
    switch (cause) {
    case PB__END_CAUSE__END_CAUSE_LEASE:
        return "its lease ran out";
    case PB__END_CAUSE__END_CAUSE_GUARD_LOST:
        return "its guard was killed";
    case PB__END_CAUSE__END_CAUSE_REBOOT:
        return "its host was rebooted";
    case PB__END_CAUSE__END_CAUSE_REFUSED:
        return "the agent could not make it";
    default:
        return "it ended before it was told to";
    }
}

static void event_instance_ended(struct durable *durable, struct instance *instance, const Pb__InstanceEnded *ended)
{
    instance->end_cause = (int)ended->cause;
    instance->broken |= instance->state < INSTANCE_STOPPING;
    bool was_cleaned = instance->state == INSTANCE_CLEANING && !instance->open; // it was told to, and said that it is done
    if (ended->cause != PB__END_CAUSE__END_CAUSE_CLEANED || !was_cleaned) {
        bool lease = ended->cause == PB__END_CAUSE__END_CAUSE_LEASE || ended->cause == PB__END_CAUSE__END_CAUSE_REBOOT;
        char *text = memory_printf("%s on %s: %s%s%s", instance->service, instance->agent, end_cause_text((int)ended->cause),
                                   *ended->text ? ": " : "", ended->text);
        outcome_found(instance, VERDICT_ERROR, lease ? REASON_LOST : REASON_INFRASTRUCTURE, text);
        free(text);
    }
    bool goes_on = instance->wanted_generation > instance->generation && instance->trial->state == TRIAL_RUNNING;
    if (goes_on && was_cleaned && ended->cause == PB__END_CAUSE__END_CAUSE_CLEANED) {
        instance_begin_next(instance);
        return;
    }
    instance->broken |= goes_on;
    instance_end(durable, instance);
}

static void event_output_match(struct instance *instance, uint32_t rule)
{
    const Pb__CellPlan *plan = instance->trial->plan;
    if (rule > 0 && rule <= plan->n_assertions && strcmp(plan->assertions[rule - 1]->service, instance->service) == 0) {
        map_put_number(instance->matches, rule, instance);
    }
}

// The plugin's own log and its host's errors are streams too, and must not stand for a process's that is missing; what a person did in a
// shell says nothing about the service.
static void event_stream_end(struct instance *instance, const Pb__StreamEnd *end)
{
    if (stream_is_of_shell(end->stream)) {
        return;
    }
    bool of_process = strcmp(end->stream, "plugin.log") != 0 && strcmp(end->stream, "host.stderr") != 0;
    instance->streams_ended += of_process;
    instance->gap_bytes += end->dropped_bytes;
}

// Bytes of streams are counted by their ends. A gap in the events themselves is of notes and metrics: guards drop nothing else.
static void event_gap(struct instance *instance, const Pb__Gap *gap)
{
    instance->files_cut += gap->artifact ? 1 : 0;
    instance->metrics_lost |= !gap->artifact && strcmp(gap->stream, GAP_OF_EVENTS) == 0;
}

void event_fold(struct durable *durable, struct instance *instance, const Pb__Event *event)
{
    instance->heard = true;
    instance->last_event = event->sequence;
    entry_event(instance, event);
    sightings_event(instance, event);
    switch (event->body_case) {
    case PB__EVENT__BODY_COMMAND_DONE:
        event_command_done(instance, event);
        break;
    case PB__EVENT__BODY_CASE_RESULT:
        event_case_result(instance, event->case_result);
        break;
    case PB__EVENT__BODY_METRIC:
        metric_seen(instance, event->metric);
        break;
    case PB__EVENT__BODY_PROCESS_STARTED:
        event_process_started(instance, event->process_started);
        break;
    case PB__EVENT__BODY_PROCESS_EXITED:
        event_process_exited(instance, event->process_exited);
        break;
    case PB__EVENT__BODY_STREAM_END:
        event_stream_end(instance, event->stream_end);
        break;
    case PB__EVENT__BODY_OUTPUT_MATCH:
        event_output_match(instance, event->output_match->rule);
        break;
    case PB__EVENT__BODY_GAP:
        event_gap(instance, event->gap);
        break;
    case PB__EVENT__BODY_HOST_DIED:
        event_host_died(instance, event->host_died);
        break;
    case PB__EVENT__BODY_INSTANCE_ENDED:
        event_instance_ended(durable, instance, event->instance_ended);
        break;
    default:
        break; // evidence for readers only
    }
}

// Stories of verdicts: what is evidence, what is missing, and that nothing passes without it (P9).
#include "tests/unit/coordinator_core/story.h"

#include <string.h>

#include "coordinator/core/state.h"

static Pb__MetricAssertion at_least(struct lab *lab, const char *name, double bound)
{
    Pb__MetricAssertion metric = PB__METRIC_ASSERTION__INIT;
    metric.name = arena_string(lab->arena, name);
    metric.has_at_least = true;
    metric.at_least = bound;
    return metric;
}

// An event of the instance, and what the core makes of it.
static void report(struct lab *lab, uint64_t instance, Pb__Event *event)
{
    size_t agent = 0;
    struct lab_guard *guard = lab_guard(lab, instance, &agent);
    assert_non_null(guard);
    event->instance = instance;
    event->generation = 1;
    lab_event(lab, agent, event);
    guard->outbox_last = lab->agents[agent].sequence;
    while (lab_agent_flush(lab, agent)) {
    }
}

static void report_exit(struct lab *lab, uint64_t instance, uint32_t process, int status, Pb__ExitExpectation expectation)
{
    Pb__Event event = PB__EVENT__INIT;
    Pb__ProcessExited exited = PB__PROCESS_EXITED__INIT;
    exited.process = process;
    exited.name = (char *)(uintptr_t) "httpd";
    exited.status = status;
    exited.clean = status == 0;
    exited.expectation = expectation;
    event.body_case = PB__EVENT__BODY_PROCESS_EXITED;
    event.process_exited = &exited;
    report(lab, instance, &event);
}

static void report_stream(struct lab *lab, uint64_t instance, const char *name)
{
    Pb__Event event = PB__EVENT__INIT;
    Pb__StreamEnd end = PB__STREAM_END__INIT;
    end.stream = (char *)(uintptr_t)name;
    event.body_case = PB__EVENT__BODY_STREAM_END;
    event.stream_end = &end;
    report(lab, instance, &event);
}

static void report_metric(struct lab *lab, uint64_t instance, const char *name, double value)
{
    Pb__Event event = PB__EVENT__INIT;
    Pb__Metric metric = PB__METRIC__INIT;
    metric.name = (char *)(uintptr_t)name;
    metric.value = value;
    event.body_case = PB__EVENT__BODY_METRIC;
    event.metric = &metric;
    report(lab, instance, &event);
}

static void report_gap(struct lab *lab, uint64_t instance, const char *name, bool artifact)
{
    Pb__Event event = PB__EVENT__INIT;
    Pb__Gap gap = PB__GAP__INIT;
    gap.stream = (char *)(uintptr_t)name;
    gap.artifact = artifact;
    gap.bytes = 100;
    event.body_case = PB__EVENT__BODY_GAP;
    event.gap = &gap;
    report(lab, instance, &event);
}

// Before each command of the tester: something of it was not kept.
static const char *lost_name;
static bool lost_artifact;
static void lose_evidence(struct lab *lab, struct lab_guard *guard, const Pb__Command *command)
{
    if (guard->is_tester && command->body_case == PB__COMMAND__BODY_START)
        report_gap(lab, guard->instance, lost_name, lost_artifact);
}

static void submit_with_metric(struct lab *lab, double bound)
{
    Pb__Experiment *experiment = lab_experiment(lab, 1);
    Pb__MetricAssertion metric = at_least(lab, "rate", bound);
    Pb__Assertion *assertion = lab_assertion(lab, experiment, "load");
    assertion->body_case = PB__ASSERTION__BODY_METRIC;
    assertion->metric = &metric;
    submit_experiment(lab, experiment);
}

STORY(a_bound_is_not_proven_when_metrics_were_dropped)
{
    BEGIN;
    lost_name = GAP_OF_EVENTS, lost_artifact = false;
    lab.whim = lose_evidence;
    submit_with_metric(&lab, 1);
    assert_only_cell(&lab, VERDICT_INCONC, REASON_INCOMPLETE);
    assert_non_null(strstr(lab.cells[0]->outcome->text, "not every metric was kept"));
    lab_end(&lab);
}

STORY(a_bound_that_is_broken_stays_broken_when_metrics_were_dropped)
{
    BEGIN;
    lost_name = GAP_OF_EVENTS, lost_artifact = false;
    lab.whim = lose_evidence;
    submit_with_metric(&lab, 101);
    assert_only_cell(&lab, VERDICT_FAIL, REASON_ASSERTION);
    lab_end(&lab);
}

// What no assertion reads spoils no verdict, but a pass says that it is not there.
STORY(a_pass_says_what_was_not_kept)
{
    BEGIN;
    lost_name = "capture.pcap", lost_artifact = true;
    lab.whim = lose_evidence;
    submit(&lab, 1);
    assert_only_cell(&lab, VERDICT_PASS, REASON_UNSPECIFIED);
    assert_string_equal(lab.cells[0]->outcome->text, "not kept: 0 bytes of output, 1 files");
    lab_end(&lab);
}

STORY(a_failed_case_fails_the_cell)
{
    BEGIN;
    lab.case_verdict = VERDICT_FAIL;
    submit(&lab, 1);
    assert_only_cell(&lab, VERDICT_FAIL, REASON_VIOLATION);
    lab_end(&lab);
}

STORY(a_server_that_dies_is_a_crash)
{
    BEGIN;
    lab.server_crashes = true;
    submit(&lab, 1);
    assert_only_cell(&lab, VERDICT_FAIL, REASON_CRASH);
    assert_non_null(strstr(lab.cells[0]->outcome->text, "signal 11"));
    lab_end(&lab);
}

STORY(a_server_whose_log_says_that_it_crashed_has_crashed)
{
    BEGIN;
    lab.stop_verdict = VERDICT_FAIL;
    lab.stop_reason = REASON_CRASH;
    submit(&lab, 1);
    assert_only_cell(&lab, VERDICT_FAIL, REASON_CRASH);
    assert_non_null(strstr(lab.cells[0]->outcome->text, "child 7 exit signal 11"));
    lab_end(&lab);
}

STORY(a_server_whose_log_blames_the_host_is_infrastructure)
{
    BEGIN;
    lab.case_verdict = VERDICT_FAIL; // what a tester saw of it counts for less
    lab.stop_verdict = VERDICT_ERROR;
    lab.stop_reason = REASON_INFRASTRUCTURE;
    submit(&lab, 1);
    assert_only_cell(&lab, VERDICT_ERROR, REASON_INFRASTRUCTURE);
    lab_end(&lab);
}

STORY(a_server_that_cannot_start_is_infrastructure)
{
    BEGIN;
    lab.server_fails_start = true;
    submit(&lab, 1);
    assert_only_cell(&lab, VERDICT_ERROR, REASON_INFRASTRUCTURE);
    lab_end(&lab);
}

STORY(a_pass_without_its_streams_is_inconclusive)
{
    BEGIN;
    lab.streams_are_cut = true;
    submit(&lab, 1);
    assert_only_cell(&lab, VERDICT_INCONC, REASON_INCOMPLETE);
    lab_end(&lab);
}

STORY(a_metric_out_of_bounds_fails)
{
    BEGIN;
    Pb__Experiment *experiment = lab_experiment(&lab, 1);
    Pb__MetricAssertion metric = at_least(&lab, "rate", 101);
    Pb__Assertion *assertion = lab_assertion(&lab, experiment, "load");
    assertion->body_case = PB__ASSERTION__BODY_METRIC;
    assertion->metric = &metric;
    submit_experiment(&lab, experiment);
    assert_only_cell(&lab, VERDICT_FAIL, REASON_ASSERTION);
    lab_end(&lab);
}

STORY(a_metric_nobody_reported_is_inconclusive)
{
    BEGIN;
    Pb__Experiment *experiment = lab_experiment(&lab, 1);
    Pb__MetricAssertion metric = at_least(&lab, "unheard_of", 0);
    Pb__Assertion *assertion = lab_assertion(&lab, experiment, "load");
    assertion->body_case = PB__ASSERTION__BODY_METRIC;
    assertion->metric = &metric;
    submit_experiment(&lab, experiment);
    assert_only_cell(&lab, VERDICT_INCONC, REASON_INCOMPLETE);
    lab_end(&lab);
}

STORY(an_unclean_exit_fails_its_assertion)
{
    BEGIN;
    lab.exit_dirty = true;
    Pb__Experiment *experiment = lab_experiment(&lab, 1);
    Pb__ExitAssertion clean = PB__EXIT_ASSERTION__INIT;
    clean.clean = true;
    Pb__Assertion *assertion = lab_assertion(&lab, experiment, "server");
    assertion->body_case = PB__ASSERTION__BODY_EXIT;
    assertion->exit = &clean;
    submit_experiment(&lab, experiment);
    assert_only_cell(&lab, VERDICT_FAIL, REASON_ASSERTION);
    lab_end(&lab);
}

STORY(a_case_that_its_server_declares_it_cannot_do_spoils_nothing)
{
    BEGIN;
    lab.server_lacks_two = true;
    for (size_t i = 0; i < 2; i++) {
        lab_agent_gone(&lab, i);
        lab_agent_hello(&lab, i);
    }
    submit(&lab, 1);
    assert_only_cell(&lab, VERDICT_PASS, REASON_UNSPECIFIED);
    assert_int_equal(lab.trials[0]->n_unfinished, 1);
    assert_string_equal(lab.trials[0]->unfinished[0]->name, "two");
    assert_int_equal(lab.trials[0]->unfinished[0]->outcome->verdict, VERDICT_NONE);
    assert_int_equal(lab.trials[0]->unfinished[0]->outcome->reason, REASON_UNSUPPORTED);
    lab_end(&lab);
}

// Else a trial right after an agent's start would ask none of the cases, and pass.
STORY(what_a_server_can_do_is_waited_for_when_a_case_asks)
{
    BEGIN;
    lab.server_unprobed = true;
    for (size_t round = 0; round < 2; round++) {
        for (size_t i = 0; i < 2; i++) {
            lab_agent_gone(&lab, i);
            lab_agent_hello(&lab, i);
        }
        if (round == 0) {
            submit(&lab, 1);
            assert_int_equal(lab.cell_count, 0);
            lab.server_unprobed = false;
        }
    }
    assert_only_cell(&lab, VERDICT_PASS, REASON_UNSPECIFIED);
    assert_int_equal(lab.trials[0]->n_unfinished, 0);
    lab_end(&lab);
}

// The server declares http/2, and http/1.1 is what it is asked to speak.
STORY(a_case_of_another_protocol_version_spoils_nothing)
{
    static const struct {
        const char *version;
        size_t unfinished;
    } versions[] = {{"1.1", 1}, {"2", 0}, {"", 0}};
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        BEGIN;
        Pb__Experiment *experiment = lab_experiment(&lab, 1);
        experiment->tests[0]->protocol_name = arena_string(lab.arena, "http");
        experiment->tests[0]->protocol_version = arena_string(lab.arena, versions[i].version);
        submit_experiment(&lab, experiment);
        assert_only_cell(&lab, VERDICT_PASS, REASON_UNSPECIFIED);
        assert_int_equal(lab.trials[0]->n_unfinished, versions[i].unfinished);
        if (versions[i].unfinished > 0) {
            assert_int_equal(lab.trials[0]->unfinished[0]->outcome->verdict, VERDICT_NONE);
            assert_int_equal(lab.trials[0]->unfinished[0]->outcome->reason, REASON_UNSUPPORTED);
        }
        lab_end(&lab);
    }
}

STORY(a_metric_may_have_a_dot_in_its_name)
{
    BEGIN;
    Pb__Experiment *experiment = lab_experiment(&lab, 1);
    Pb__MetricAssertion metric = at_least(&lab, "latency.p99", 5);
    Pb__Assertion *assertion = lab_assertion(&lab, experiment, "load");
    assertion->body_case = PB__ASSERTION__BODY_METRIC;
    assertion->metric = &metric;
    lab.hold_cases = 1000;
    submit_experiment(&lab, experiment);
    report_metric(&lab, 2, "latency.p99", 7);
    report_metric(&lab, 2, "p99", 1); // another one
    lab.hold_cases = 0;
    lab_agent_gone(&lab, 1);
    lab_agent_hello(&lab, 1);
    assert_only_cell(&lab, VERDICT_PASS, REASON_UNSPECIFIED);
    lab_end(&lab);
}

STORY(a_log_of_the_plugin_does_not_stand_for_a_stream_that_is_missing)
{
    BEGIN;
    lab.streams_are_cut = true;
    lab.hold_cases = 1000;
    submit(&lab, 1);
    report_stream(&lab, 1, "plugin.log");
    report_stream(&lab, 1, "host.stderr");
    lab.hold_cases = 0;
    lab_agent_gone(&lab, 1);
    lab_agent_hello(&lab, 1);
    assert_only_cell(&lab, VERDICT_INCONC, REASON_INCOMPLETE);
    assert_non_null(strstr(lab.cells[0]->outcome->text, "stream"));
    lab_end(&lab);
}

STORY(an_exit_without_a_start_does_not_stand_for_one_that_is_missing)
{
    BEGIN;
    lab.hold_cases = 1000;
    submit(&lab, 1);
    size_t agent;
    lab_guard(&lab, 1, &agent)->process_lives = false; // its exit will never be told
    report_exit(&lab, 1, 7, 0, PB__EXIT_EXPECTATION__EXIT_EXPECTATION_STOPPED);
    report_stream(&lab, 1, "httpd.stdout");
    report_stream(&lab, 1, "httpd.stderr");
    lab.hold_cases = 0;
    lab_agent_gone(&lab, 1);
    lab_agent_hello(&lab, 1);
    assert_only_cell(&lab, VERDICT_INCONC, REASON_INCOMPLETE);
    assert_non_null(strstr(lab.cells[0]->outcome->text, "exit"));
    lab_end(&lab);
}

// The client's output is missing: what a person saw in a shell does not stand for it.
STORY(streams_of_a_shell_do_not_stand_for_output_that_is_missing)
{
    BEGIN;
    lab.hold_cases = 1000;
    submit(&lab, 1);
    Pb__Event event = PB__EVENT__INIT;
    Pb__ProcessStarted started = PB__PROCESS_STARTED__INIT;
    started.process = 2;
    started.name = (char *)(uintptr_t) "client";
    event.body_case = PB__EVENT__BODY_PROCESS_STARTED;
    event.process_started = &started;
    report(&lab, 1, &event);
    report_stream(&lab, 1, "shell.1.output");
    report_stream(&lab, 1, "shell.1.input");
    report_exit(&lab, 1, 2, 0, PB__EXIT_EXPECTATION__EXIT_EXPECTATION_FINISHED);
    lab.hold_cases = 0;
    lab_agent_gone(&lab, 1);
    lab_agent_hello(&lab, 1);
    assert_only_cell(&lab, VERDICT_INCONC, REASON_INCOMPLETE);
    lab_end(&lab);
}

STORY(an_asserted_status_is_that_of_every_process)
{
    BEGIN;
    Pb__Experiment *experiment = lab_experiment(&lab, 1);
    Pb__ExitAssertion zero = PB__EXIT_ASSERTION__INIT;
    Pb__Assertion *assertion = lab_assertion(&lab, experiment, "server");
    assertion->body_case = PB__ASSERTION__BODY_EXIT;
    assertion->exit = &zero;
    lab.hold_cases = 1000;
    submit_experiment(&lab, experiment);
    Pb__Event event = PB__EVENT__INIT;
    Pb__ProcessStarted started = PB__PROCESS_STARTED__INIT;
    started.process = 2;
    started.name = (char *)(uintptr_t) "client";
    event.body_case = PB__EVENT__BODY_PROCESS_STARTED;
    event.process_started = &started;
    report(&lab, 1, &event);
    report_stream(&lab, 1, "client.stdout");
    report_stream(&lab, 1, "client.stderr");
    report_exit(&lab, 1, 2, 3, PB__EXIT_EXPECTATION__EXIT_EXPECTATION_FINISHED);
    lab.hold_cases = 0;
    lab_agent_gone(&lab, 1);
    lab_agent_hello(&lab, 1); // the server itself ends with 0, and last
    assert_only_cell(&lab, VERDICT_FAIL, REASON_ASSERTION);
    assert_non_null(strstr(lab.cells[0]->outcome->text, "status 3"));
    lab_end(&lab);
}

STORY(a_killed_tester_is_inconclusive_whatever_it_was_doing)
{
    BEGIN;
    lab.hold_cases = 1000;
    submit(&lab, 1);
    Pb__Event event = PB__EVENT__INIT;
    Pb__HostDied died = PB__HOST_DIED__INIT;
    died.signal = 9;
    died.phase = (char *)(uintptr_t) "execute";
    event.body_case = PB__EVENT__BODY_HOST_DIED;
    event.host_died = &died;
    event.instance = 2;
    event.generation = 1;
    lab_event(&lab, 1, &event);
    Pb__CommandDone done = PB__COMMAND_DONE__INIT; // in the same frame: its guard answers what was open
    done.number = 77;
    done.phase = died.phase;
    done.status = PB__COMMAND_STATUS__COMMAND_STATUS_HOST_DIED;
    event.body_case = PB__EVENT__BODY_COMMAND_DONE;
    event.command_done = &done;
    report(&lab, 2, &event);
    assert_only_cell(&lab, VERDICT_INCONC, REASON_KILLED);
    lab_end(&lab);
}

// A program's words end with a line's end, which is no part of the verdict's text.
STORY(a_death_is_told_with_the_last_words_and_no_more)
{
    BEGIN;
    lab.hold_cases = 1000;
    submit(&lab, 1);
    Pb__Event event = PB__EVENT__INIT;
    Pb__ProcessExited exited = PB__PROCESS_EXITED__INIT;
    exited.process = 1;
    exited.name = (char *)(uintptr_t) "httpd";
    exited.signal = 9;
    exited.tail = (char *)(uintptr_t) "ready\nserving\n";
    exited.expectation = PB__EXIT_EXPECTATION__EXIT_EXPECTATION_UNEXPECTED;
    event.body_case = PB__EVENT__BODY_PROCESS_EXITED;
    event.process_exited = &exited;
    report(&lab, 1, &event);
    assert_only_cell(&lab, VERDICT_FAIL, REASON_CRASH);
    assert_string_equal(lab.cells[0]->outcome->text, "server: httpd died of signal 9; last output: ready\nserving");
    lab_end(&lab);
}

// The guard names no phase then.
STORY(a_plugin_that_dies_between_two_commands_died_in_none)
{
    BEGIN;
    lab.hold_cases = 1000;
    submit(&lab, 1);
    Pb__Event event = PB__EVENT__INIT;
    Pb__HostDied died = PB__HOST_DIED__INIT;
    died.signal = 9;
    event.body_case = PB__EVENT__BODY_HOST_DIED;
    event.host_died = &died;
    report(&lab, 1, &event);
    assert_only_cell(&lab, VERDICT_ERROR, REASON_CRASH);
    assert_string_equal(lab.cells[0]->outcome->text, "server: plugin server died of signal 9");
    lab_end(&lab);
}

STORY(a_case_unsupported_against_a_declared_capability_is_inconclusive)
{
    BEGIN;
    lab.case_verdict = VERDICT_NONE;
    lab.case_reason = REASON_UNSUPPORTED;
    submit(&lab, 1);
    assert_only_cell(&lab, VERDICT_INCONC, REASON_UNSUPPORTED);
    lab_end(&lab);
}

STORY(a_cancelled_trial_has_not_failed_what_it_did_not_get_to)
{
    BEGIN;
    Pb__Experiment *experiment = lab_experiment(&lab, 1);
    Pb__OutputAssertion present = PB__OUTPUT_ASSERTION__INIT;
    present.pattern = arena_string(lab.arena, "served 1000 requests");
    Pb__Assertion *assertion = lab_assertion(&lab, experiment, "server");
    assertion->body_case = PB__ASSERTION__BODY_OUTPUT;
    assertion->output = &present;
    Pb__ExitAssertion clean = PB__EXIT_ASSERTION__INIT;
    clean.clean = true;
    assertion = lab_assertion(&lab, experiment, "server");
    assertion->body_case = PB__ASSERTION__BODY_EXIT;
    assertion->exit = &clean;
    lab.exit_dirty = true; // the ladder's doing
    lab.hold_cases = 1000;
    submit_experiment(&lab, experiment);
    lab_cancel(&lab, "r1", "");
    lab_pass_ms(&lab, 2000, true);
    assert_only_cell(&lab, VERDICT_INCONC, REASON_CANCELLED);
    lab_end(&lab);
}

STORY(a_bound_that_was_broken_before_the_cancel_stays_broken)
{
    BEGIN;
    Pb__Experiment *experiment = lab_experiment(&lab, 1);
    Pb__MetricAssertion metric = at_least(&lab, "rate", 50);
    Pb__Assertion *assertion = lab_assertion(&lab, experiment, "load");
    assertion->body_case = PB__ASSERTION__BODY_METRIC;
    assertion->metric = &metric;
    lab.hold_cases = 1000;
    submit_experiment(&lab, experiment);
    report_metric(&lab, 2, "rate", 10);
    lab_cancel(&lab, "r1", "");
    lab_pass_ms(&lab, 2000, true);
    assert_only_cell(&lab, VERDICT_FAIL, REASON_ASSERTION);
    lab_end(&lab);
}

static void report_end(struct lab *lab, uint64_t instance, Pb__EndCause cause)
{
    Pb__Event event = PB__EVENT__INIT;
    Pb__InstanceEnded ended = PB__INSTANCE_ENDED__INIT;
    ended.cause = cause;
    event.body_case = PB__EVENT__BODY_INSTANCE_ENDED;
    event.instance_ended = &ended;
    report(lab, instance, &event);
}

static void work_until(struct lab *lab, uint64_t instance, unsigned state)
{
    for (int i = 0; i < 100 && ((const struct instance *)map_get_number(lab->core->durable->instances, instance))->state != state; i++) {
        for (size_t agent = 0; agent < lab->agent_count; agent++) {
            lab_agent_work(lab, agent, 1);
            lab_agent_flush(lab, agent);
        }
    }
}

// Discarded while it was told to clean up: what it would have left is not collected.
STORY(an_end_before_cleanup_was_done_is_no_clean_end)
{
    BEGIN;
    lab.is_async = true;
    submit(&lab, 1);
    work_until(&lab, 1, INSTANCE_CLEANING);
    report_end(&lab, 1, PB__END_CAUSE__END_CAUSE_CLEANED);
    for (int i = 0; i < 20; i++) {
        for (size_t agent = 0; agent < lab.agent_count; agent++) {
            lab_agent_work(&lab, agent, 1);
            lab_agent_flush(&lab, agent);
        }
    }
    assert_only_cell(&lab, VERDICT_ERROR, REASON_INFRASTRUCTURE);
    lab_end(&lab);
}

// The first trial of a thousand compiles; its time is not the trial's, and an initialize that hangs is still ended.
static bool first_trial_works(const struct lab *lab)
{
    struct map_entry *first = map_first(lab->core->durable->trials);
    return first != NULL && ((const struct trial *)first->value)->state < TRIAL_STOPPING;
}

STORY(what_is_compiled_has_its_own_time)
{
    BEGIN;
    lab.server_builds = true;
    for (size_t agent = 0; agent < lab.agent_count; agent++) {
        lab_agent_gone(&lab, agent);
        lab_agent_hello(&lab, agent);
    }
    lab.is_async = true; // nobody answers
    Pb__Experiment *experiment = lab_experiment(&lab, 1);
    const uint32_t trial_ms = experiment->tests[0]->timeouts->trial_ms;
    experiment->tests[0]->timeouts->build_ms = 2 * trial_ms;
    submit_experiment(&lab, experiment);
    for (size_t agent = 0; agent < lab.agent_count; agent++) {
        lab_agent_work(&lab, agent, 1);
    }
    assert_int_equal(lab.initialize_ms, 2 * trial_ms);
    lab_pass_ms(&lab, 3 * trial_ms - 1000, true);
    assert_true(first_trial_works(&lab));
    lab_pass_ms(&lab, 2000, true);
    assert_false(first_trial_works(&lab));
    lab_end(&lab);
}

STORY(what_is_not_compiled_has_the_time_of_the_trial)
{
    BEGIN;
    lab.is_async = true;
    Pb__Experiment *experiment = lab_experiment(&lab, 1);
    const uint32_t trial_ms = experiment->tests[0]->timeouts->trial_ms;
    experiment->tests[0]->timeouts->build_ms = 2 * trial_ms;
    submit_experiment(&lab, experiment);
    lab_pass_ms(&lab, trial_ms - 1000, true);
    assert_true(first_trial_works(&lab));
    lab_pass_ms(&lab, 2000, true);
    assert_false(first_trial_works(&lab));
    lab_end(&lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failed_case_fails_the_cell),
        cmocka_unit_test(a_bound_is_not_proven_when_metrics_were_dropped),
        cmocka_unit_test(a_bound_that_is_broken_stays_broken_when_metrics_were_dropped),
        cmocka_unit_test(a_pass_says_what_was_not_kept),
        cmocka_unit_test(a_server_that_dies_is_a_crash),
        cmocka_unit_test(a_server_whose_log_says_that_it_crashed_has_crashed),
        cmocka_unit_test(a_server_whose_log_blames_the_host_is_infrastructure),
        cmocka_unit_test(a_server_that_cannot_start_is_infrastructure),
        cmocka_unit_test(a_pass_without_its_streams_is_inconclusive),
        cmocka_unit_test(a_metric_out_of_bounds_fails),
        cmocka_unit_test(a_metric_nobody_reported_is_inconclusive),
        cmocka_unit_test(an_unclean_exit_fails_its_assertion),
        cmocka_unit_test(a_case_that_its_server_declares_it_cannot_do_spoils_nothing),
        cmocka_unit_test(a_metric_may_have_a_dot_in_its_name),
        cmocka_unit_test(a_log_of_the_plugin_does_not_stand_for_a_stream_that_is_missing),
        cmocka_unit_test(an_exit_without_a_start_does_not_stand_for_one_that_is_missing),
        cmocka_unit_test(streams_of_a_shell_do_not_stand_for_output_that_is_missing),
        cmocka_unit_test(an_asserted_status_is_that_of_every_process),
        cmocka_unit_test(a_killed_tester_is_inconclusive_whatever_it_was_doing),
        cmocka_unit_test(what_a_server_can_do_is_waited_for_when_a_case_asks),
        cmocka_unit_test(a_case_of_another_protocol_version_spoils_nothing),
        cmocka_unit_test(a_death_is_told_with_the_last_words_and_no_more),
        cmocka_unit_test(a_plugin_that_dies_between_two_commands_died_in_none),
        cmocka_unit_test(a_case_unsupported_against_a_declared_capability_is_inconclusive),
        cmocka_unit_test(a_cancelled_trial_has_not_failed_what_it_did_not_get_to),
        cmocka_unit_test(an_end_before_cleanup_was_done_is_no_clean_end),
        cmocka_unit_test(what_is_compiled_has_its_own_time),
        cmocka_unit_test(what_is_not_compiled_has_the_time_of_the_trial),
        cmocka_unit_test(a_bound_that_was_broken_before_the_cancel_stays_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

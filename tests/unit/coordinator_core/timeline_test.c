// Timelines: when entries are done, what they do to cases and verdicts, and windows.
#include "tests/unit/coordinator_core/story.h"

#include <string.h>

static void fault(struct lab *lab, Pb__TimelineEntry *entry, const char *kind, uint32_t for_ms)
{
    entry->body_case = PB__TIMELINE_ENTRY__BODY_FAULT;
    entry->fault = ARENA_NEW(lab->arena, Pb__Fault);
    pb__fault__init(entry->fault);
    entry->fault->id = entry->id;
    entry->fault->kind = arena_string(lab->arena, kind);
    entry->fault->for_ms = for_ms;
}

static void trigger(struct lab *lab, Pb__TimelineEntry *entry, const char *after, bool end, uint64_t plus_ms)
{
    entry->trigger = ARENA_NEW(lab->arena, Pb__Trigger);
    pb__trigger__init(entry->trigger);
    entry->trigger->entry = arena_string(lab->arena, after);
    entry->trigger->end = end;
    entry->trigger->plus_ms = plus_ms;
}

static void run_case(struct lab *lab, Pb__Experiment *experiment, const char *id, const char *name)
{
    Pb__TimelineEntry *entry = lab_entry(lab, experiment, id, "load");
    entry->body_case = PB__TIMELINE_ENTRY__BODY_RUN_CASE;
    entry->run_case = arena_string(lab->arena, name);
}

static void run_beside(struct lab *lab, Pb__Experiment *experiment, const char *id, const char *service)
{
    Pb__TimelineEntry *entry = lab_entry(lab, experiment, id, service);
    entry->body_case = PB__TIMELINE_ENTRY__BODY_RUN;
    entry->run = ARENA_NEW(lab->arena, Pb__RunBeside);
    pb__run_beside__init(entry->run);
    entry->run->argv = ARENA_ARRAY(lab->arena, char *, 1);
    entry->run->argv[entry->run->n_argv++] = arena_string(lab->arena, "/bin/true");
    entry->run->timeout_ms = 1000;
}

static void change(struct lab *lab, Pb__Experiment *experiment, const char *id, Pb__ServiceChange what)
{
    Pb__TimelineEntry *entry = lab_entry(lab, experiment, id, "server");
    entry->body_case = PB__TIMELINE_ENTRY__BODY_CHANGE;
    entry->change = what;
}

static const Pb__TimelineMark *mark_of(const struct lab *lab, const char *entry, bool end)
{
    for (size_t i = 0; i < lab->record_count; i++) {
        const Pb__TimelineMark *mark = lab->records[i]->timeline_mark;
        if (lab->records[i]->body_case == PB__RECORD__BODY_TIMELINE_MARK && strcmp(mark->entry, entry) == 0 && mark->end == end) {
            return mark;
        }
    }
    return NULL;
}

static void play(struct lab *lab, const Pb__Experiment *experiment)
{
    submit_experiment(lab, experiment);
    for (int i = 0; i < 60 && !lab->run_ended; i++) {
        lab_pass_ms(lab, 1000, true);
    }
}

// ---- faults

STORY(a_fault_begins_and_is_taken_back_when_its_time_is_over)
{
    BEGIN;
    Pb__Experiment *experiment = lab_experiment(&lab, 1);
    Pb__TimelineEntry *pause = lab_entry(&lab, experiment, "pause", "server");
    fault(&lab, pause, "pause", 2000);
    trigger(&lab, pause, "", false, 5000);
    play(&lab, experiment);
    assert_only_cell(&lab, VERDICT_PASS, REASON_UNSPECIFIED);
    const Pb__TimelineMark *zero = mark_of(&lab, "", false), *start = mark_of(&lab, "pause", false), *end = mark_of(&lab, "pause", true);
    assert_true(zero && start && end);
    assert_in_range(start->boottime_ns - zero->boottime_ns, 5000 * NS_PER_MS, 5300 * NS_PER_MS);
    assert_in_range(end->boottime_ns - start->boottime_ns, 2000 * NS_PER_MS, 2300 * NS_PER_MS);
    lab_end(&lab);
}

STORY(what_a_fault_kills_has_not_crashed)
{
    BEGIN;
    Pb__Experiment *experiment = lab_experiment(&lab, 1);
    fault(&lab, lab_entry(&lab, experiment, "kill", "server"), "kill", 0);
    Pb__Assertion *clean = lab_assertion(&lab, experiment, "server");
    clean->body_case = PB__ASSERTION__BODY_EXIT;
    clean->exit = ARENA_NEW(lab.arena, Pb__ExitAssertion);
    pb__exit_assertion__init(clean->exit);
    clean->exit->clean = true;
    play(&lab, experiment);
    assert_only_cell(&lab, VERDICT_PASS, REASON_UNSPECIFIED);
    assert_non_null(mark_of(&lab, "kill", true));
    lab_end(&lab);
}

STORY(a_fault_that_could_not_be_done_leaves_no_verdict_on_the_service)
{
    BEGIN;
    lab.fault_problem = "the kernel has no netem";
    Pb__Experiment *experiment = lab_experiment(&lab, 1);
    fault(&lab, lab_entry(&lab, experiment, "cut", "server"), "pause", 1000);
    play(&lab, experiment);
    assert_only_cell(&lab, VERDICT_INCONC, REASON_INFRASTRUCTURE);
    assert_non_null(strstr(lab.cells[0]->outcome->text, "cut of server: the kernel has no netem"));
    lab_end(&lab);
}

STORY(a_fault_that_stays_ends_with_the_trial)
{
    BEGIN;
    Pb__Experiment *experiment = lab_experiment(&lab, 1);
    fault(&lab, lab_entry(&lab, experiment, "full", "server"), "disk_full", 0);
    play(&lab, experiment);
    assert_only_cell(&lab, VERDICT_PASS, REASON_UNSPECIFIED);
    assert_non_null(mark_of(&lab, "full", true));
    lab_end(&lab);
}

STORY(a_trial_that_is_cancelled_takes_back_its_faults)
{
    BEGIN;
    Pb__Experiment *experiment = lab_experiment(&lab, 1);
    fault(&lab, lab_entry(&lab, experiment, "pause", "server"), "pause", 60000);
    submit_experiment(&lab, experiment);
    lab_pass_ms(&lab, 1000, true);
    assert_non_null(mark_of(&lab, "pause", false));
    lab_cancel(&lab, "r1", "enough");
    lab_pass_ms(&lab, 1000, true);
    assert_only_cell(&lab, VERDICT_INCONC, REASON_CANCELLED);
    assert_non_null(mark_of(&lab, "pause", true));
    lab_end(&lab);
}

// ---- cases

STORY(cases_run_in_the_order_of_the_timeline_and_only_these)
{
    BEGIN;
    Pb__Experiment *experiment = lab_experiment(&lab, 1);
    run_case(&lab, experiment, "second", "two");
    fault(&lab, lab_entry(&lab, experiment, "pause", "server"), "pause", 1000);
    run_case(&lab, experiment, "first", "one");
    play(&lab, experiment);
    assert_only_cell(&lab, VERDICT_PASS, REASON_UNSPECIFIED);
    assert_true(mark_of(&lab, "second", true)->boottime_ns <= mark_of(&lab, "pause", false)->boottime_ns);
    assert_true(mark_of(&lab, "pause", true)->boottime_ns <= mark_of(&lab, "first", false)->boottime_ns);
    lab_end(&lab);
}

STORY(what_is_done_to_a_tester_has_its_number_between_its_cases)
{
    BEGIN;
    Pb__Experiment *experiment = lab_experiment(&lab, 1);
    lab_cases(&lab, experiment, 5);
    run_beside(&lab, experiment, "look", "load");
    fault(&lab, lab_entry(&lab, experiment, "pause", "load"), "pause", 1000);
    play(&lab, experiment);
    assert_only_cell(&lab, VERDICT_PASS, REASON_UNSPECIFIED);
    assert_int_equal(lab.runs_done, 1);
    assert_int_equal(lab.faults_done, 1);
    lab_end(&lab);
}

STORY(a_command_that_fails_leaves_no_verdict_on_the_service)
{
    BEGIN;
    lab.run_fails = true;
    Pb__Experiment *experiment = lab_experiment(&lab, 1);
    run_beside(&lab, experiment, "look", "server");
    play(&lab, experiment);
    assert_only_cell(&lab, VERDICT_INCONC, REASON_INFRASTRUCTURE);
    assert_non_null(strstr(lab.cells[0]->outcome->text, "exit status 3"));
    lab_end(&lab);
}

// ---- services

STORY(a_service_that_the_timeline_stops_has_not_crashed)
{
    BEGIN;
    Pb__Experiment *experiment = lab_experiment(&lab, 1);
    change(&lab, experiment, "stop", PB__SERVICE_CHANGE__SERVICE_CHANGE_STOP);
    play(&lab, experiment);
    assert_only_cell(&lab, VERDICT_PASS, REASON_UNSPECIFIED);
    assert_non_null(mark_of(&lab, "stop", true));
    lab_end(&lab);
}

STORY(a_service_is_restarted_as_a_new_generation_after_it_was_killed)
{
    BEGIN;
    Pb__Experiment *experiment = lab_experiment(&lab, 1);
    lab_cases(&lab, experiment, 1);
    fault(&lab, lab_entry(&lab, experiment, "kill", "server"), "kill", 0);
    change(&lab, experiment, "again", PB__SERVICE_CHANGE__SERVICE_CHANGE_RESTART);
    run_case(&lab, experiment, "after", "one");
    play(&lab, experiment);
    assert_only_cell(&lab, VERDICT_PASS, REASON_UNSPECIFIED);
    size_t agent;
    assert_int_equal(lab_guard(&lab, 1, &agent)->generation, 2);
    assert_true(mark_of(&lab, "again", true)->boottime_ns <= mark_of(&lab, "after", false)->boottime_ns);
    lab_end(&lab);
}

STORY(a_service_that_was_stopped_is_started_again)
{
    BEGIN;
    Pb__Experiment *experiment = lab_experiment(&lab, 1);
    change(&lab, experiment, "stop", PB__SERVICE_CHANGE__SERVICE_CHANGE_STOP);
    change(&lab, experiment, "start", PB__SERVICE_CHANGE__SERVICE_CHANGE_START);
    Pb__TimelineEntry *pause = lab_entry(&lab, experiment, "pause", "server");
    fault(&lab, pause, "pause", 1000);
    trigger(&lab, pause, "", false, 0);
    pause->trigger->ready = ARENA_ARRAY(lab.arena, char *, 1);
    pause->trigger->ready[pause->trigger->n_ready++] = arena_string(lab.arena, "server");
    play(&lab, experiment);
    assert_only_cell(&lab, VERDICT_PASS, REASON_UNSPECIFIED);
    size_t agent;
    assert_int_equal(lab_guard(&lab, 1, &agent)->generation, 2);
    assert_true(mark_of(&lab, "pause", false)->boottime_ns >= mark_of(&lab, "start", true)->boottime_ns);
    lab_end(&lab);
}

STORY(a_clock_is_set_before_the_service_starts_again)
{
    BEGIN;
    Pb__Experiment *experiment = lab_experiment(&lab, 1);
    lab_cases(&lab, experiment, 1);
    fault(&lab, lab_entry(&lab, experiment, "late", "server"), "clock", 0);
    run_case(&lab, experiment, "after", "one");
    play(&lab, experiment);
    assert_only_cell(&lab, VERDICT_PASS, REASON_UNSPECIFIED);
    assert_int_equal(lab.faults_done, 1);
    assert_non_null(mark_of(&lab, "after", true));
    bool is_set = false, is_started = false, is_released = false;
    for (size_t i = 0; i < lab.record_count; i++) {
        const Pb__Command *command =
            lab.records[i]->body_case == PB__RECORD__BODY_COMMAND_ISSUED ? lab.records[i]->command_issued->command : NULL;
        if (command && command->instance == 1 && command->generation == 2) {
            is_set |= command->body_case == PB__COMMAND__BODY_FAULT && !is_started;
            is_started |= command->body_case == PB__COMMAND__BODY_START;
        }
        is_released |= lab.records[i]->body_case == PB__RECORD__BODY_CASES_RELEASED;
        assert_true(is_started || !is_released); // what follows waits for it
    }
    assert_true(is_set && is_started);
    lab_end(&lab);
}

STORY(a_clock_has_done_its_part_when_its_service_is_stopped)
{
    BEGIN;
    Pb__Experiment *experiment = lab_experiment(&lab, 1);
    fault(&lab, lab_entry(&lab, experiment, "late", "server"), "clock", 0);
    change(&lab, experiment, "stop", PB__SERVICE_CHANGE__SERVICE_CHANGE_STOP);
    play(&lab, experiment);
    assert_only_cell(&lab, VERDICT_PASS, REASON_UNSPECIFIED);
    assert_non_null(mark_of(&lab, "late", true));
    lab_end(&lab);
}

// The server's host has been up for longer than the tester's: its clock shows more, and the tester is ready later.
STORY(time_zero_is_when_the_last_one_was_ready_whatever_the_clocks_show)
{
    struct lab lab;
    (void)state;
    lab_begin(&lab);
    lab.agents[0].ahead_ns = 3600000 * NS_PER_MS;
    lab_agent_hello(&lab, 0);
    lab_agent_hello(&lab, 1);
    Pb__Experiment *experiment = lab_experiment(&lab, 1);
    experiment->tests[0]->services[1]->host->apart_from = ARENA_ARRAY(lab.arena, char *, 1);
    experiment->tests[0]->services[1]->host->apart_from[0] = arena_string(lab.arena, "server");
    experiment->tests[0]->services[1]->host->n_apart_from = 1;
    fault(&lab, lab_entry(&lab, experiment, "kill", "server"), "kill", 0);
    play(&lab, experiment);
    assert_only_cell(&lab, VERDICT_PASS, REASON_UNSPECIFIED);
    size_t server, tester;
    lab_guard(&lab, 1, &server);
    lab_guard(&lab, 2, &tester);
    assert_int_not_equal(server, tester);
    assert_string_equal(mark_of(&lab, "", false)->agent, lab.agents[tester].name);
    lab_end(&lab);
}

// ---- restarts of the coordinator

STORY(a_timeline_goes_on_after_a_restart_of_the_coordinator)
{
    BEGIN;
    Pb__Experiment *experiment = lab_experiment(&lab, 1);
    Pb__TimelineEntry *pause = lab_entry(&lab, experiment, "pause", "server");
    fault(&lab, pause, "pause", 3000);
    trigger(&lab, pause, "", false, 3000);
    Pb__TimelineEntry *kill = lab_entry(&lab, experiment, "kill", "server");
    fault(&lab, kill, "kill", 0);
    trigger(&lab, kill, "pause", true, 2000);
    submit_experiment(&lab, experiment);
    for (int i = 0; i < 30 && !lab.run_ended; i++) {
        lab_pass_ms(&lab, 700, true);
        lab_restart(&lab);
        lab_agent_hello(&lab, 0);
        lab_agent_hello(&lab, 1);
    }
    assert_only_cell(&lab, VERDICT_PASS, REASON_UNSPECIFIED);
    assert_int_equal(lab.faults_done, 2);
    assert_true(mark_of(&lab, "kill", false)->boottime_ns >= mark_of(&lab, "pause", true)->boottime_ns + 2000 * NS_PER_MS);
    lab_end(&lab);
}

STORY(a_fault_whose_command_got_lost_is_told_again)
{
    BEGIN;
    Pb__Experiment *experiment = lab_experiment(&lab, 1);
    Pb__TimelineEntry *pause = lab_entry(&lab, experiment, "pause", "server");
    fault(&lab, pause, "pause", 1000);
    trigger(&lab, pause, "", false, 1000);
    submit_experiment(&lab, experiment);
    lab.agents[0].mute = lab.agents[1].mute = true;
    lab_pass_ms(&lab, 2000, true);
    assert_int_equal(lab.faults_done, 0);
    lab.agents[0].mute = lab.agents[1].mute = false;
    lab_agent_hello(&lab, 0);
    lab_agent_hello(&lab, 1);
    lab_pass_ms(&lab, 10000, true);
    assert_int_equal(lab.faults_done, 1);
    assert_only_cell(&lab, VERDICT_PASS, REASON_UNSPECIFIED);
    lab_end(&lab);
}

// ---- windows

static void match(struct lab *lab, uint32_t rule, uint64_t boottime_ns)
{
    size_t agent;
    struct lab_guard *guard = lab_guard(lab, 1, &agent);
    Pb__Event event = PB__EVENT__INIT;
    event.instance = guard->instance;
    event.generation = guard->generation;
    event.boottime_ns = boottime_ns;
    Pb__OutputMatch match = PB__OUTPUT_MATCH__INIT;
    match.rule = rule;
    match.count = 1;
    event.body_case = PB__EVENT__BODY_OUTPUT_MATCH;
    event.output_match = &match;
    lab_event(lab, agent, &event);
    guard->outbox_last = lab->agents[agent].sequence;
    while (lab_agent_flush(lab, agent)) {
    }
}

static Pb__Moment *moment(struct lab *lab, const char *entry, bool end, uint32_t plus_ms)
{
    Pb__Moment *moment = ARENA_NEW(lab->arena, Pb__Moment);
    pb__moment__init(moment);
    moment->entry = arena_string(lab->arena, entry);
    moment->end = end;
    moment->plus_ms = plus_ms;
    return moment;
}

static Pb__Experiment *watched_pause(struct lab *lab, bool absent)
{
    Pb__Experiment *experiment = lab_experiment(lab, 1);
    Pb__TimelineEntry *pause = lab_entry(lab, experiment, "pause", "server");
    fault(lab, pause, "pause", 2000);
    trigger(lab, pause, "", false, 2000);
    Pb__TimelineEntry *last = lab_entry(lab, experiment, "last", "server");
    fault(lab, last, "pause", 100);
    trigger(lab, last, "pause", true, 4000);
    Pb__Assertion *assertion = lab_assertion(lab, experiment, "server");
    assertion->body_case = PB__ASSERTION__BODY_OUTPUT;
    assertion->output = ARENA_NEW(lab->arena, Pb__OutputAssertion);
    pb__output_assertion__init(assertion->output);
    assertion->output->pattern = arena_string(lab->arena, "error");
    assertion->output->absent = absent;
    assertion->window = ARENA_NEW(lab->arena, Pb__Window);
    pb__window__init(assertion->window);
    assertion->window->since = moment(lab, "pause", true, 1000);
    return experiment;
}

static void play_with_match(struct lab *lab, bool absent, uint32_t after_ms)
{
    submit_experiment(lab, watched_pause(lab, absent));
    lab_pass_ms(lab, after_ms, true);
    match(lab, 1, lab->now_ns);
    for (int i = 0; i < 20 && !lab->run_ended; i++) {
        lab_pass_ms(lab, 1000, true);
    }
}

STORY(what_was_seen_before_the_window_is_not_in_it)
{
    BEGIN;
    play_with_match(&lab, true, 3000);
    assert_only_cell(&lab, VERDICT_PASS, REASON_UNSPECIFIED);
    lab_end(&lab);
}

STORY(what_was_seen_in_the_window_counts)
{
    BEGIN;
    play_with_match(&lab, true, 6500);
    assert_only_cell(&lab, VERDICT_FAIL, REASON_ASSERTION);
    lab_end(&lab);
}

STORY(what_must_be_seen_must_be_in_the_window)
{
    BEGIN;
    play_with_match(&lab, false, 3000);
    assert_only_cell(&lab, VERDICT_FAIL, REASON_ASSERTION);
    lab_end(&lab);
}

STORY(a_window_whose_moment_never_came_is_not_judged)
{
    BEGIN;
    Pb__Experiment *experiment = watched_pause(&lab, true);
    experiment->tests[0]->assertions[0]->window->since = moment(&lab, "nothing", true, 0);
    play(&lab, experiment);
    assert_only_cell(&lab, VERDICT_INCONC, REASON_INCOMPLETE);
    lab_end(&lab);
}

static Pb__Experiment *wants_capture(struct lab *lab)
{
    Pb__Experiment *experiment = lab_experiment(lab, 1);
    Pb__Assertion *assertion = lab_assertion(lab, experiment, "");
    assertion->body_case = PB__ASSERTION__BODY_CAPTURE;
    assertion->capture = ARENA_NEW(lab->arena, Pb__CaptureAssertion);
    pb__capture_assertion__init(assertion->capture);
    return experiment;
}

STORY(a_capture_that_no_network_owes_is_just_not_found)
{
    BEGIN;
    play(&lab, wants_capture(&lab));
    assert_only_cell(&lab, VERDICT_FAIL, REASON_ASSERTION);
    lab_end(&lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fault_begins_and_is_taken_back_when_its_time_is_over),
        cmocka_unit_test(what_a_fault_kills_has_not_crashed),
        cmocka_unit_test(a_fault_that_could_not_be_done_leaves_no_verdict_on_the_service),
        cmocka_unit_test(a_fault_that_stays_ends_with_the_trial),
        cmocka_unit_test(a_trial_that_is_cancelled_takes_back_its_faults),
        cmocka_unit_test(cases_run_in_the_order_of_the_timeline_and_only_these),
        cmocka_unit_test(what_is_done_to_a_tester_has_its_number_between_its_cases),
        cmocka_unit_test(a_command_that_fails_leaves_no_verdict_on_the_service),
        cmocka_unit_test(a_service_that_the_timeline_stops_has_not_crashed),
        cmocka_unit_test(a_service_is_restarted_as_a_new_generation_after_it_was_killed),
        cmocka_unit_test(a_service_that_was_stopped_is_started_again),
        cmocka_unit_test(a_clock_is_set_before_the_service_starts_again),
        cmocka_unit_test(a_clock_has_done_its_part_when_its_service_is_stopped),
        cmocka_unit_test(time_zero_is_when_the_last_one_was_ready_whatever_the_clocks_show),
        cmocka_unit_test(a_timeline_goes_on_after_a_restart_of_the_coordinator),
        cmocka_unit_test(a_fault_whose_command_got_lost_is_told_again),
        cmocka_unit_test(what_was_seen_before_the_window_is_not_in_it),
        cmocka_unit_test(what_was_seen_in_the_window_counts),
        cmocka_unit_test(what_must_be_seen_must_be_in_the_window),
        cmocka_unit_test(a_window_whose_moment_never_came_is_not_judged),
        cmocka_unit_test(a_capture_that_no_network_owes_is_just_not_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// Stories of the coordinator's core, with agents played by lab.c. Each ends with: replay gives the live state (P7).
#include "tests/unit/coordinator_core/story.h"

#include <string.h>

#include "coordinator/core/durable.h"

STORY(a_trial_passes)
{
    BEGIN;
    submit(&lab, 1);
    assert_only_cell(&lab, VERDICT_PASS, REASON_UNSPECIFIED);
    assert_string_equal(lab.cells[0]->name, "r1/load/1");
    assert_int_equal(lab.run_ended->passed, 1);
    lab_end(&lab);
}

STORY(forty_cells_end_in_one_verdict_each)
{
    BEGIN;
    submit(&lab, 40);
    lab_pass_ms(&lab, 2000, true);
    assert_int_equal(lab.cell_count, 40);
    for (size_t i = 0; i < 40; i++) {
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(lab.cells[i]->name, lab.cells[j]->name);
        }
    }
    assert_int_equal(lab.run_ended->passed, 40);
    lab_end(&lab);
}

STORY(the_same_key_is_the_same_run)
{
    BEGIN;
    const Pb__Experiment *experiment = lab_experiment(&lab, 1);
    lab_submit(&lab, experiment, "nightly", "hash", PB__ROLE__ROLE_OPERATOR);
    assert_int_equal(lab.reply->submitted->run, 1);
    lab_submit(&lab, experiment, "nightly", "hash", PB__ROLE__ROLE_OPERATOR);
    assert_int_equal(lab.reply->submitted->run, 1);
    assert_true(lab.reply->submitted->repeated_key);
    lab_submit(&lab, experiment, "nightly", "other", PB__ROLE__ROLE_OPERATOR);
    assert_int_equal(lab.refused->code, PB__REFUSAL_CODE__REFUSAL_CODE_CONFLICT);
    assert_int_equal(lab.cell_count, 1);
    lab_end(&lab);
}

STORY(a_viewer_changes_nothing)
{
    BEGIN;
    size_t before = lab.record_count;
    lab_submit(&lab, lab_experiment(&lab, 1), "", "hash", PB__ROLE__ROLE_VIEWER);
    assert_int_equal(lab.refused->code, PB__REFUSAL_CODE__REFUSAL_CODE_ROLE);
    Pb__Cancel cancel = PB__CANCEL__INIT;
    cancel.run = arena_string(lab.arena, "r1");
    Pb__Request request = PB__REQUEST__INIT;
    request.body_case = PB__REQUEST__BODY_CANCEL;
    request.cancel = &cancel;
    lab_request(&lab, &request, PB__ROLE__ROLE_VIEWER);
    assert_int_equal(lab.refused->code, PB__REFUSAL_CODE__REFUSAL_CODE_ROLE);
    assert_int_equal(lab.record_count, before);
    lab_end(&lab);
}

STORY(a_coordinator_that_restarts_completes_the_run)
{
    BEGIN;
    lab.hold_cases = 1000;
    submit(&lab, 40);
    lab_restart(&lab);
    assert_int_equal(lab.cell_count, 0);
    lab.hold_cases = 0;
    lab_agent_hello(&lab, 0);
    lab_agent_hello(&lab, 1);
    lab_pass_ms(&lab, 5000, true);
    assert_int_equal(lab.cell_count, 40);
    assert_int_equal(lab.run_ended->passed, 40);
    lab_end(&lab);
}

STORY(cancel_ends_every_cell)
{
    BEGIN;
    lab.hold_cases = 1000;
    submit(&lab, 2000);
    // cells[] of the lab holds 64; the counts of the run say the rest
    lab_cancel(&lab, "@last", "wrong branch");
    assert_int_equal(lab.reply->body_case, PB__REPLY__BODY_CANCELLED);
    for (int i = 0; i < 100 && !lab.run_ended; i++) {
        lab_pass_ms(&lab, 100, false);
    }
    assert_non_null(lab.run_ended);
    assert_int_equal(lab.run_ended->inconclusive, 2000);
    lab_end(&lab);
}

STORY(a_cell_without_a_host_ends_when_its_time_in_the_queue_is_over)
{
    BEGIN;
    Pb__Experiment *experiment = lab_experiment(&lab, 1);
    Pb__HostRule rule = PB__HOST_RULE__INIT;
    rule.name = arena_string(lab.arena, "lab-z");
    experiment->tests[0]->services[0]->host = &rule;
    submit_experiment(&lab, experiment);
    lab_pass_ms(&lab, 50000, true);
    assert_int_equal(lab.cell_count, 0);
    lab_pass_ms(&lab, 20000, true);
    assert_only_cell(&lab, VERDICT_ERROR, REASON_INFRASTRUCTURE);
    assert_non_null(strstr(lab.cells[0]->outcome->text, "lab-z"));
    lab_end(&lab);
}

STORY(cells_that_no_host_can_take_do_not_hold_up_the_others)
{
    BEGIN;
    Pb__Experiment *experiment = lab_experiment(&lab, 100);
    Pb__Test *test = experiment->tests[0];
    Pb__AxisValue here = PB__AXIS_VALUE__INIT, nowhere = PB__AXIS_VALUE__INIT, *values[] = {&nowhere, &here};
    here.id = here.text = arena_string(lab.arena, "lab-a");
    nowhere.id = nowhere.text = arena_string(lab.arena, "lab-z");
    Pb__Axis axis = PB__AXIS__INIT, *axes[] = {&axis};
    axis.name = arena_string(lab.arena, "host");
    axis.values = values;
    axis.n_values = 2;
    test->axes = axes;
    test->n_axes = 1;
    test->combinations = 2;
    test->services[0]->host->name = arena_string(lab.arena, "$(axes.host)");
    submit_experiment(&lab, experiment);
    lab_pass_ms(&lab, 120000, true); // twice the time in the queue
    assert_non_null(lab.run_ended);
    assert_int_equal(lab.run_ended->passed, 100);
    assert_int_equal(lab.run_ended->errors, 100);
    lab_end(&lab);
}

STORY(a_run_without_any_host_ends_as_a_whole)
{
    BEGIN;
    lab_agent_gone(&lab, 0);
    lab_agent_gone(&lab, 1);
    submit(&lab, 3000);
    lab_pass_ms(&lab, 59000, false);
    assert_int_equal(lab.cell_count, 0);
    lab_pass_ms(&lab, 3000, false);
    assert_non_null(lab.run_ended);
    assert_int_equal(lab.run_ended->errors, 3000);
    lab_end(&lab);
}

STORY(a_trial_that_never_ends_is_ended)
{
    BEGIN;
    lab.hold_cases = SIZE_MAX;
    submit(&lab, 1);
    lab_pass_ms(&lab, 125000, true);
    assert_only_cell(&lab, VERDICT_INCONC, REASON_TIMEOUT);
    lab_end(&lab);
}

STORY(a_full_disk_stops_admission_and_opens_it_again)
{
    BEGIN;
    lab_step(&lab, &(struct core_event){.kind = CORE_SPACE, .is_full = true, .why = "no space left"});
    lab_submit(&lab, lab_experiment(&lab, 1), "", "hash", PB__ROLE__ROLE_OPERATOR);
    assert_int_equal(lab.refused->code, PB__REFUSAL_CODE__REFUSAL_CODE_NO_SPACE);
    lab_step(&lab, &(struct core_event){.kind = CORE_SPACE, .is_full = false});
    submit(&lab, 1);
    assert_only_cell(&lab, VERDICT_PASS, REASON_UNSPECIFIED);
    lab_end(&lab);
}

STORY(more_runs_than_may_be_open_are_told_to_come_back)
{
    BEGIN;
    lab_agent_gone(&lab, 0);
    lab_agent_gone(&lab, 1);
    for (int i = 0; i < 1000; i++) {
        submit(&lab, 1);
    }
    lab_submit(&lab, lab_experiment(&lab, 1), "", "hash", PB__ROLE__ROLE_OPERATOR);
    assert_int_equal(lab.refused->code, PB__REFUSAL_CODE__REFUSAL_CODE_BUSY);
    assert_non_null(strstr(lab.refused->text, "1000 runs are open"));
    lab_cancel(&lab, "r1", "");
    lab_pass_ms(&lab, 2000, false);
    submit(&lab, 1);
    lab_end(&lab);
}

// Before the disk is full, what is left is kept for what runs: it ends, and only then the next begins.
STORY(a_short_disk_lets_what_runs_end_and_nothing_new_begin)
{
    BEGIN;
    lab.hold_cases = 1000;
    submit(&lab, 1);
    lab_step(&lab, &(struct core_event){.kind = CORE_SPACE, .is_low = true, .why = "1MiB left"});
    lab_submit(&lab, lab_experiment(&lab, 1), "", "hash", PB__ROLE__ROLE_OPERATOR);
    assert_int_equal(lab.refused->code, PB__REFUSAL_CODE__REFUSAL_CODE_NO_SPACE);
    assert_non_null(strstr(lab.refused->text, "1MiB left"));
    lab.hold_cases = 0;
    lab_agent_hello(&lab, 0);
    lab_agent_hello(&lab, 1);
    assert_only_cell(&lab, VERDICT_PASS, REASON_UNSPECIFIED);
    lab_step(&lab, &(struct core_event){.kind = CORE_SPACE});
    lab_submit(&lab, lab_experiment(&lab, 1), "", "hash", PB__ROLE__ROLE_OPERATOR);
    assert_non_null(lab.reply);
    lab_end(&lab);
}

STORY(cells_that_wait_on_a_short_disk_are_not_told_that_there_was_no_host)
{
    BEGIN;
    lab_agent_gone(&lab, 0);
    lab_agent_gone(&lab, 1);
    submit(&lab, 1);
    lab_step(&lab, &(struct core_event){.kind = CORE_SPACE, .is_low = true, .why = "1MiB left"});
    lab_pass_ms(&lab, 3600 * 1000, false);
    assert_int_equal(lab.cell_count, 0);
    lab_step(&lab, &(struct core_event){.kind = CORE_SPACE});
    lab_pass_ms(&lab, 500, false);
    assert_int_equal(lab.cell_count, 0); // its time in the queue begins now
    lab_agent_hello(&lab, 0);
    lab_agent_hello(&lab, 1);
    lab_pass_ms(&lab, 2000, true);
    assert_only_cell(&lab, VERDICT_PASS, REASON_UNSPECIFIED);
    lab_end(&lab);
}

STORY(a_run_is_cancelled_on_a_short_disk)
{
    BEGIN;
    lab_agent_gone(&lab, 0);
    lab_agent_gone(&lab, 1);
    submit(&lab, 3);
    lab_step(&lab, &(struct core_event){.kind = CORE_SPACE, .is_low = true, .why = "1MiB left"});
    lab_cancel(&lab, "r1", "");
    lab_pass_ms(&lab, 2000, false);
    assert_int_equal(lab.cell_count, 3);
    assert_non_null(lab.run_ended);
    lab_end(&lab);
}

STORY(apart_means_on_two_hosts)
{
    BEGIN;
    Pb__Experiment *experiment = lab_experiment(&lab, 1);
    char *apart[] = {arena_string(lab.arena, "server")};
    Pb__HostRule rule = PB__HOST_RULE__INIT;
    rule.apart_from = apart;
    rule.n_apart_from = 1;
    experiment->tests[0]->services[1]->host = &rule;
    submit_experiment(&lab, experiment);
    assert_only_cell(&lab, VERDICT_PASS, REASON_UNSPECIFIED);
    for (size_t i = 0; i < lab.record_count; i++) {
        if (lab.records[i]->body_case == PB__RECORD__BODY_TRIAL_STARTED) {
            const Pb__TrialStarted *started = lab.records[i]->trial_started;
            assert_string_not_equal(started->services[0]->agent, started->services[1]->agent);
        }
    }
    lab_end(&lab);
}

STORY(every_move_of_the_tables_is_between_states_that_exist)
{
    (void)state;
    const struct lifecycle *tables[] = {&trial_lifecycle, &instance_lifecycle};
    for (size_t t = 0; t < 2; t++) {
        for (unsigned from = 0; from < tables[t]->count; from++) {
            assert_int_equal(tables[t]->next[from] >> tables[t]->count, 0);
            bool final = lifecycle_is_final(tables[t], from);
            assert_true(final == (tables[t]->next[from] == 0));
        }
    }
}

static void drain(struct lab *lab, const char *agent, bool off)
{
    Pb__Drain drain = PB__DRAIN__INIT;
    drain.agent = (char *)(uintptr_t)agent;
    drain.off = off;
    Pb__Request request = PB__REQUEST__INIT;
    request.number = 8;
    request.body_case = PB__REQUEST__BODY_DRAIN;
    request.drain = &drain;
    lab_request(lab, &request, PB__ROLE__ROLE_OPERATOR);
}

static size_t drains(const struct lab *lab)
{
    size_t count = 0;
    for (size_t i = 0; i < lab->record_count; i++) {
        count += lab->records[i]->body_case == PB__RECORD__BODY_AGENT_DRAINED;
    }
    return count;
}

STORY(nothing_is_placed_on_a_drained_agent_and_what_runs_there_ends)
{
    BEGIN;
    lab.hold_cases = 2;
    submit(&lab, 1); // a server on one, a tester on the other
    drain(&lab, lab.agents[0].name, false);
    assert_int_equal(lab.reply->body_case, PB__REPLY__BODY_DRAINED);
    assert_int_equal(lab.reply->drained->instances, 1);
    drain(&lab, lab.agents[0].name, false); // said twice is one record
    assert_int_equal(drains(&lab), 1);
    lab.hold_cases = 0;
    lab_agent_gone(&lab, 1);
    lab_agent_hello(&lab, 1);
    assert_only_cell(&lab, VERDICT_PASS, REASON_UNSPECIFIED);
    lab_restart(&lab); // and it stays drained
    lab_agent_hello(&lab, 0);
    lab_agent_hello(&lab, 1);
    submit(&lab, 1);
    for (size_t i = 0; i < lab.agents[0].guard_count; i++) {
        assert_true(lab.agents[0].guards[i].ended);
    }
    assert_int_equal(lab.agents[0].guard_count, 1);
    drain(&lab, lab.agents[0].name, true);
    submit(&lab, 1);
    assert_int_equal(lab.agents[0].guard_count, 2);
    drain(&lab, "nobody", false);
    assert_int_equal(lab.refused->code, PB__REFUSAL_CODE__REFUSAL_CODE_NOT_FOUND);
    lab_end(&lab);
}

// With 90% asked, 35 passes in a row are enough for 95% confidence (35 / (35 + 1.96 * 1.96) > 0.9); all others are not needed.
STORY(repetitions_go_on_until_the_pass_rate_is_known)
{
    BEGIN;
    Pb__Experiment *experiment = lab_experiment(&lab, 60);
    Pb__RepeatUntil *until = experiment->tests[0]->repeat_until = ARENA_NEW(lab.arena, Pb__RepeatUntil);
    pb__repeat_until__init(until);
    until->pass_rate = 0.9;
    until->confidence = 0.95;
    until->at_least = 5;
    submit_experiment(&lab, experiment);
    lab_pass_ms(&lab, 5000, true);
    lab_restart(&lab);
    lab_agent_hello(&lab, 0);
    lab_agent_hello(&lab, 1);
    lab_pass_ms(&lab, 60000, true);
    assert_non_null(lab.run_ended);
    assert_int_equal(lab.run_ended->passed, 35);
    assert_int_equal(lab.run_ended->none, 25);
    lab_end(&lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(repetitions_go_on_until_the_pass_rate_is_known),
        cmocka_unit_test(a_trial_passes),
        cmocka_unit_test(forty_cells_end_in_one_verdict_each),
        cmocka_unit_test(the_same_key_is_the_same_run),
        cmocka_unit_test(a_viewer_changes_nothing),
        cmocka_unit_test(a_coordinator_that_restarts_completes_the_run),
        cmocka_unit_test(cancel_ends_every_cell),
        cmocka_unit_test(a_cell_without_a_host_ends_when_its_time_in_the_queue_is_over),
        cmocka_unit_test(cells_that_no_host_can_take_do_not_hold_up_the_others),
        cmocka_unit_test(a_run_without_any_host_ends_as_a_whole),
        cmocka_unit_test(a_trial_that_never_ends_is_ended),
        cmocka_unit_test(a_full_disk_stops_admission_and_opens_it_again),
        cmocka_unit_test(more_runs_than_may_be_open_are_told_to_come_back),
        cmocka_unit_test(a_short_disk_lets_what_runs_end_and_nothing_new_begin),
        cmocka_unit_test(cells_that_wait_on_a_short_disk_are_not_told_that_there_was_no_host),
        cmocka_unit_test(a_run_is_cancelled_on_a_short_disk),
        cmocka_unit_test(apart_means_on_two_hosts),
        cmocka_unit_test(nothing_is_placed_on_a_drained_agent_and_what_runs_there_ends),
        cmocka_unit_test(every_move_of_the_tables_is_between_states_that_exist),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// Stories of the coordinator's core, with agents played by lab.c. Each ends with: replay gives the live state (P7).
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <string.h>

#include "common/base/limits.h"
#include "coordinator/core/durable.h"
#include "tests/unit/coordinator_core/lab.h"

#define STORY(name) static void name(void **state)
#define BEGIN                                                                                                                              \
    (void)state;                                                                                                                           \
    struct lab lab;                                                                                                                        \
    lab_begin(&lab)

static void submit(struct lab *lab, uint32_t cells)
{
    lab_submit(lab, lab_experiment(lab, cells), "", "hash", PB__ROLE__ROLE_OPERATOR);
    assert_non_null(lab->reply);
    assert_true(lab->reply->submitted->accepted);
}

static void assert_only_cell(const struct lab *lab, int verdict, int reason)
{
    assert_int_equal(lab->cell_count, 1);
    assert_string_equal(verdict_name((int)lab->cells[0]->outcome->verdict), verdict_name(verdict));
    assert_string_equal(reason_name((int)lab->cells[0]->outcome->reason), reason_name(reason));
    assert_non_null(lab->run_ended);
    assert_true(core_is_idle(lab->core));
}

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

static Pb__Assertion *add_assertion(struct lab *lab, Pb__Experiment *experiment, const char *service)
{
    Pb__Test *test = experiment->tests[0];
    Pb__Assertion *assertion = ARENA_NEW(lab->arena, Pb__Assertion);
    pb__assertion__init(assertion);
    assertion->service = arena_string(lab->arena, service);
    test->assertions = ARENA_ARRAY(lab->arena, Pb__Assertion *, 1);
    test->assertions[test->n_assertions++] = assertion;
    return assertion;
}

STORY(a_metric_out_of_bounds_fails)
{
    BEGIN;
    Pb__Experiment *experiment = lab_experiment(&lab, 1);
    Pb__MetricAssertion metric = PB__METRIC_ASSERTION__INIT;
    metric.name = arena_string(lab.arena, "load.rate");
    metric.has_at_least = true;
    metric.at_least = 101;
    Pb__Assertion *assertion = add_assertion(&lab, experiment, "load");
    assertion->body_case = PB__ASSERTION__BODY_METRIC;
    assertion->metric = &metric;
    lab_submit(&lab, experiment, "", "hash", PB__ROLE__ROLE_OPERATOR);
    assert_only_cell(&lab, VERDICT_FAIL, REASON_ASSERTION);
    lab_end(&lab);
}

STORY(a_metric_nobody_reported_is_inconclusive)
{
    BEGIN;
    Pb__Experiment *experiment = lab_experiment(&lab, 1);
    Pb__MetricAssertion metric = PB__METRIC_ASSERTION__INIT;
    metric.name = arena_string(lab.arena, "load.unheard_of");
    metric.has_at_most = true;
    Pb__Assertion *assertion = add_assertion(&lab, experiment, "load");
    assertion->body_case = PB__ASSERTION__BODY_METRIC;
    assertion->metric = &metric;
    lab_submit(&lab, experiment, "", "hash", PB__ROLE__ROLE_OPERATOR);
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
    Pb__Assertion *assertion = add_assertion(&lab, experiment, "server");
    assertion->body_case = PB__ASSERTION__BODY_EXIT;
    assertion->exit = &clean;
    lab_submit(&lab, experiment, "", "hash", PB__ROLE__ROLE_OPERATOR);
    assert_only_cell(&lab, VERDICT_FAIL, REASON_ASSERTION);
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

STORY(an_agent_that_stays_away_is_lost_after_its_lease_and_not_before)
{
    BEGIN;
    lab.hold_cases = 1000;
    submit(&lab, 1);
    lab_agent_gone(&lab, 0);
    lab_agent_gone(&lab, 1);
    lab_pass_ms(&lab, LEASE_MS, false);
    assert_int_equal(lab.cell_count, 0);
    lab_pass_ms(&lab, KILL_LADDER_MS + 1000, false);
    assert_only_cell(&lab, VERDICT_ERROR, REASON_LOST);
    lab_end(&lab);
}

STORY(a_lost_trial_is_tried_again_when_the_rule_says_so)
{
    BEGIN;
    Pb__Experiment *experiment = lab_experiment(&lab, 1);
    Pb__Reason reasons[] = {PB__REASON__REASON_LOST};
    experiment->tests[0]->retry->reasons = reasons;
    experiment->tests[0]->retry->n_reasons = 1;
    experiment->tests[0]->retry->times = 1;
    lab.hold_cases = 1000;
    lab_submit(&lab, experiment, "", "hash", PB__ROLE__ROLE_OPERATOR);
    lab_agent_gone(&lab, 0);
    lab_agent_gone(&lab, 1);
    lab_pass_ms(&lab, LEASE_MS + KILL_LADDER_MS + 1000, false);
    assert_int_equal(lab.trial_count, 1);
    assert_int_equal(lab.cell_count, 0);
    lab.hold_cases = 0;
    lab_agent_hello(&lab, 0);
    lab_agent_hello(&lab, 1);
    lab_pass_ms(&lab, 2000, true);
    assert_only_cell(&lab, VERDICT_PASS, REASON_UNSPECIFIED);
    assert_int_equal(lab.cells[0]->attempts, 2);
    lab_end(&lab);
}

STORY(an_agent_that_comes_back_in_time_loses_nothing)
{
    BEGIN;
    lab.hold_cases = 1000;
    submit(&lab, 1);
    lab_agent_gone(&lab, 0);
    lab_agent_gone(&lab, 1);
    lab_pass_ms(&lab, 5000, false);
    lab.hold_cases = 0;
    lab_agent_hello(&lab, 0);
    lab_agent_hello(&lab, 1);
    assert_only_cell(&lab, VERDICT_PASS, REASON_UNSPECIFIED);
    assert_int_equal(lab.cells[0]->attempts, 1);
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

STORY(a_wiped_outbox_is_a_loss_not_a_mystery)
{
    BEGIN;
    lab.hold_cases = 1000;
    submit(&lab, 1);
    for (size_t i = 0; i < 2; i++) {
        lab_agent_gone(&lab, i);
        lab.agents[i].epoch[0] = 'f';
        lab.agents[i].sequence = lab.agents[i].acknowledged = 0;
        lab.agents[i].instance_count = 0;
        lab_agent_hello(&lab, i);
    }
    assert_only_cell(&lab, VERDICT_ERROR, REASON_LOST);
    lab_end(&lab);
}

STORY(the_same_name_from_another_host_is_refused_by_name)
{
    BEGIN;
    lab.agents[2] = lab.agents[0];
    lab.agent_count = 3;
    strcpy(lab.agents[2].host_id, "00000000000000000000000000000099");
    lab.agents[2].connected = false;
    lab_agent_hello(&lab, 2);
    assert_non_null(lab.refused);
    assert_int_equal(lab.refused->code, PB__REFUSAL_CODE__REFUSAL_CODE_NAME_TAKEN);
    assert_non_null(strstr(lab.refused->text, lab.agents[0].host_id));
    assert_non_null(strstr(lab.refused->text, lab.agents[2].host_id));
    lab.agent_count = 2;
    lab_end(&lab);
}

STORY(a_store_that_is_older_than_its_agent_is_refused)
{
    BEGIN;
    submit(&lab, 1);
    lab_agent_gone(&lab, 0);
    lab.agents[0].acknowledged += 5;
    lab.agents[0].sequence += 5;
    lab_agent_hello(&lab, 0);
    assert_int_equal(lab.refused->code, PB__REFUSAL_CODE__REFUSAL_CODE_STORE_OLDER);
    lab.agents[0].connected = false;
    lab_end(&lab);
}

STORY(a_hole_in_the_events_is_refused)
{
    BEGIN;
    Pb__Note note = PB__NOTE__INIT;
    Pb__Event event = PB__EVENT__INIT;
    event.instance = 1;
    event.generation = 1;
    event.body_case = PB__EVENT__BODY_NOTE;
    event.note = &note;
    struct lab_agent *agent = &lab.agents[0];
    lab_event(&lab, 0, &event);
    lab_event(&lab, 0, &event);
    agent->acknowledged = 1;
    lab_agent_flush(&lab, 0);
    assert_int_equal(lab.refused->code, PB__REFUSAL_CODE__REFUSAL_CODE_INVALID);
    agent->connected = false;
    lab_end(&lab);
}

STORY(a_repeated_event_changes_nothing)
{
    BEGIN;
    submit(&lab, 1);
    size_t before = lab.record_count;
    lab.agents[0].acknowledged = 0;
    lab_agent_flush(&lab, 0);
    assert_int_equal(lab.record_count, before);
    assert_int_equal(lab.cell_count, 1);
    lab_end(&lab);
}

STORY(cancel_ends_every_cell)
{
    BEGIN;
    lab.hold_cases = 1000;
    submit(&lab, 2000);
    Pb__Cancel cancel = PB__CANCEL__INIT;
    cancel.run = arena_string(lab.arena, "@last");
    cancel.why = arena_string(lab.arena, "wrong branch");
    Pb__Request request = PB__REQUEST__INIT;
    request.body_case = PB__REQUEST__BODY_CANCEL;
    request.cancel = &cancel;
    // cells[] of the lab holds 64; the counts of the run say the rest
    lab.cell_count = 0;
    lab_request(&lab, &request, PB__ROLE__ROLE_OPERATOR);
    assert_int_equal(lab.reply->body_case, PB__REPLY__BODY_CANCELLED);
    for (int i = 0; i < 100 && !lab.run_ended; i++) {
        lab.cell_count = 0;
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
    lab_submit(&lab, experiment, "", "hash", PB__ROLE__ROLE_OPERATOR);
    lab_pass_ms(&lab, 50000, true);
    assert_int_equal(lab.cell_count, 0);
    lab_pass_ms(&lab, 20000, true);
    assert_only_cell(&lab, VERDICT_ERROR, REASON_INFRASTRUCTURE);
    assert_non_null(strstr(lab.cells[0]->outcome->text, "lab-z"));
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

STORY(apart_means_on_two_hosts)
{
    BEGIN;
    Pb__Experiment *experiment = lab_experiment(&lab, 1);
    char *apart[] = {arena_string(lab.arena, "server")};
    Pb__HostRule rule = PB__HOST_RULE__INIT;
    rule.apart_from = apart;
    rule.n_apart_from = 1;
    experiment->tests[0]->services[1]->host = &rule;
    lab_submit(&lab, experiment, "", "hash", PB__ROLE__ROLE_OPERATOR);
    assert_only_cell(&lab, VERDICT_PASS, REASON_UNSPECIFIED);
    for (size_t i = 0; i < lab.record_count; i++) {
        if (lab.records[i]->body_case == PB__RECORD__BODY_TRIAL_STARTED) {
            const Pb__TrialStarted *started = lab.records[i]->trial_started;
            assert_string_not_equal(started->services[0]->agent, started->services[1]->agent);
        }
    }
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trial_passes),
        cmocka_unit_test(forty_cells_end_in_one_verdict_each),
        cmocka_unit_test(a_failed_case_fails_the_cell),
        cmocka_unit_test(a_server_that_dies_is_a_crash),
        cmocka_unit_test(a_server_that_cannot_start_is_infrastructure),
        cmocka_unit_test(a_pass_without_its_streams_is_inconclusive),
        cmocka_unit_test(a_metric_out_of_bounds_fails),
        cmocka_unit_test(a_metric_nobody_reported_is_inconclusive),
        cmocka_unit_test(an_unclean_exit_fails_its_assertion),
        cmocka_unit_test(the_same_key_is_the_same_run),
        cmocka_unit_test(a_viewer_changes_nothing),
        cmocka_unit_test(an_agent_that_stays_away_is_lost_after_its_lease_and_not_before),
        cmocka_unit_test(a_lost_trial_is_tried_again_when_the_rule_says_so),
        cmocka_unit_test(an_agent_that_comes_back_in_time_loses_nothing),
        cmocka_unit_test(a_coordinator_that_restarts_completes_the_run),
        cmocka_unit_test(a_wiped_outbox_is_a_loss_not_a_mystery),
        cmocka_unit_test(the_same_name_from_another_host_is_refused_by_name),
        cmocka_unit_test(a_store_that_is_older_than_its_agent_is_refused),
        cmocka_unit_test(a_hole_in_the_events_is_refused),
        cmocka_unit_test(a_repeated_event_changes_nothing),
        cmocka_unit_test(cancel_ends_every_cell),
        cmocka_unit_test(a_cell_without_a_host_ends_when_its_time_in_the_queue_is_over),
        cmocka_unit_test(a_trial_that_never_ends_is_ended),
        cmocka_unit_test(a_full_disk_stops_admission_and_opens_it_again),
        cmocka_unit_test(apart_means_on_two_hosts),
        cmocka_unit_test(a_case_that_its_server_declares_it_cannot_do_spoils_nothing),
        cmocka_unit_test(every_move_of_the_tables_is_between_states_that_exist),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

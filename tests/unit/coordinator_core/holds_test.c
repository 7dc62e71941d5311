// Stories of trials that are held (coordinator/core/holds.c).
#include "tests/unit/coordinator_core/story.h"

#include <string.h>

#define HOLD_MS 60000

static void submit_held(struct lab *lab, Pb__Verdict verdict, uint32_t cells)
{
    Pb__Experiment *experiment = lab_experiment(lab, cells);
    Pb__HoldRule *rule = ARENA_NEW(lab->arena, Pb__HoldRule);
    pb__hold_rule__init(rule);
    rule->verdict = verdict;
    rule->hold_ms = HOLD_MS;
    experiment->holds = ARENA_ARRAY(lab->arena, Pb__HoldRule *, 1);
    experiment->holds[0] = rule;
    experiment->n_holds = 1;
    submit_experiment(lab, experiment);
}

static void submit_failing(struct lab *lab)
{
    lab->case_verdict = VERDICT_FAIL;
    lab->case_reason = REASON_VIOLATION;
    submit_held(lab, PB__VERDICT__VERDICT_FAIL, 1);
}

static void ask_release(struct lab *lab, const char *name, int role)
{
    Pb__Release release = PB__RELEASE__INIT;
    release.name = (char *)(uintptr_t)name;
    Pb__Request request = PB__REQUEST__INIT;
    request.body_case = PB__REQUEST__BODY_RELEASE;
    request.release = &release;
    lab_request(lab, &request, role);
}

static const Pb__Status *status(struct lab *lab)
{
    Pb__GetStatus get = PB__GET_STATUS__INIT;
    Pb__Request request = PB__REQUEST__INIT;
    request.body_case = PB__REQUEST__BODY_GET_STATUS;
    request.get_status = &get;
    lab_request(lab, &request, PB__ROLE__ROLE_VIEWER);
    return lab->reply->status;
}

static size_t holds(const struct lab *lab)
{
    size_t count = 0;
    for (size_t i = 0; i < lab->record_count; i++) {
        count += lab->records[i]->body_case == PB__RECORD__BODY_TRIAL_HELD;
    }
    return count;
}

static size_t living(const struct lab *lab)
{
    size_t count = 0;
    for (size_t agent = 0; agent < lab->agent_count; agent++) {
        for (size_t i = 0; i < lab->agents[agent].guard_count; i++) {
            count += !lab->agents[agent].guards[i].ended;
        }
    }
    return count;
}

static void assert_held(struct lab *lab)
{
    assert_int_equal(holds(lab), 1);
    assert_int_equal(living(lab), 2);
    assert_int_equal(lab->cell_count, 0);
    const Pb__Status *now = status(lab);
    assert_int_equal(now->n_held, 1);
    assert_string_equal(now->held[0]->name, "r1/load/1#1");
    assert_int_equal(now->held[0]->outcome->verdict, VERDICT_FAIL);
    assert_true(now->held[0]->left_ms <= HOLD_MS);
}

static void assert_over(struct lab *lab)
{
    assert_int_equal(living(lab), 0);
    assert_only_cell(lab, VERDICT_FAIL, REASON_VIOLATION);
    assert_int_equal(status(lab)->n_held, 0);
    lab_check_replay(lab);
    lab_end(lab);
}

STORY(what_failed_is_held_for_its_time)
{
    BEGIN;
    submit_failing(&lab);
    lab_pass_ms(&lab, HOLD_MS - 1000, true);
    assert_held(&lab);
    lab_pass_ms(&lab, 3000, true);
    assert_over(&lab);
}

STORY(what_failed_is_held_until_it_is_released)
{
    BEGIN;
    submit_failing(&lab);
    assert_held(&lab);
    ask_release(&lab, "r1/load/1#1", PB__ROLE__ROLE_VIEWER);
    assert_int_equal(lab.refused->code, PB__REFUSAL_CODE__REFUSAL_CODE_ROLE);
    ask_release(&lab, "r1/load/2#1", PB__ROLE__ROLE_OPERATOR);
    assert_int_equal(lab.refused->code, PB__REFUSAL_CODE__REFUSAL_CODE_NOT_FOUND);
    ask_release(&lab, "r1/load/1", PB__ROLE__ROLE_OPERATOR);
    assert_int_equal(lab.refused->code, PB__REFUSAL_CODE__REFUSAL_CODE_INVALID);
    assert_held(&lab);
    ask_release(&lab, "r1/load/1#1", PB__ROLE__ROLE_OPERATOR);
    assert_int_equal(lab.reply->body_case, PB__REPLY__BODY_RELEASED);
    assert_int_equal(lab.reply->released->trials, 1);
    ask_release(&lab, "@last", PB__ROLE__ROLE_OPERATOR);
    assert_int_equal(lab.refused->code, PB__REFUSAL_CODE__REFUSAL_CODE_NOT_FOUND);
    assert_over(&lab);
}

STORY(what_passes_is_not_held)
{
    BEGIN;
    submit_held(&lab, PB__VERDICT__VERDICT_FAIL, 1);
    assert_only_cell(&lab, VERDICT_PASS, REASON_UNSPECIFIED);
    assert_int_equal(holds(&lab), 0);
    lab_end(&lab);
}

// Its evidence is complete only when it has ended: until then that is not an inconc to be held for.
STORY(what_passes_is_not_held_as_inconclusive)
{
    BEGIN;
    submit_held(&lab, PB__VERDICT__VERDICT_INCONC, 1);
    assert_only_cell(&lab, VERDICT_PASS, REASON_UNSPECIFIED);
    assert_int_equal(holds(&lab), 0);
    lab_end(&lab);
}

// ---- what was cut short

static void submit_crashing(struct lab *lab)
{
    lab->server_crashes = true;
    submit_held(lab, PB__VERDICT__VERDICT_FAIL, 1);
}

static const struct lab_guard *guard_of(struct lab *lab, bool is_tester)
{
    for (size_t agent = 0; agent < lab->agent_count; agent++) {
        for (size_t i = 0; i < lab->agents[agent].guard_count; i++) {
            if (lab->agents[agent].guards[i].is_tester == is_tester) {
                return &lab->agents[agent].guards[i];
            }
        }
    }
    return NULL;
}

static size_t commands(const struct lab *lab, Pb__Command__BodyCase kind)
{
    size_t count = 0;
    for (size_t i = 0; i < lab->record_count; i++) {
        count +=
            lab->records[i]->body_case == PB__RECORD__BODY_COMMAND_ISSUED && lab->records[i]->command_issued->command->body_case == kind;
    }
    return count;
}

// The guard of what died is there, with its folder and its place in the network; nobody has cleaned up.
STORY(what_crashed_is_held_and_its_guard_stays)
{
    BEGIN;
    submit_crashing(&lab);
    assert_int_equal(holds(&lab), 1);
    assert_int_equal(lab.cell_count, 0);
    assert_false(guard_of(&lab, false)->ended);
    assert_int_equal(commands(&lab, PB__COMMAND__BODY_CLEANUP), 0);
    const Pb__Status *now = status(&lab);
    assert_int_equal(now->n_held, 1);
    assert_int_equal(now->held[0]->outcome->verdict, VERDICT_FAIL);
    assert_int_equal(now->held[0]->outcome->reason, REASON_CRASH);
    lab_pass_ms(&lab, HOLD_MS - 1000, true);
    assert_int_equal(status(&lab)->n_held, 1);
    assert_false(guard_of(&lab, false)->ended);
    lab_pass_ms(&lab, 3000, true);
    assert_int_equal(living(&lab), 0);
    assert_only_cell(&lab, VERDICT_FAIL, REASON_CRASH);
    lab_check_replay(&lab);
    lab_end(&lab);
}

STORY(what_crashed_is_released)
{
    BEGIN;
    submit_crashing(&lab);
    ask_release(&lab, "@last", PB__ROLE__ROLE_OPERATOR);
    assert_int_equal(lab.reply->released->trials, 1);
    assert_int_equal(living(&lab), 0);
    assert_only_cell(&lab, VERDICT_FAIL, REASON_CRASH);
    lab_check_replay(&lab);
    lab_end(&lab);
}

STORY(what_crashed_is_held_over_a_restart_of_the_coordinator)
{
    BEGIN;
    submit_crashing(&lab);
    lab_restart(&lab);
    lab_agent_hello(&lab, 0);
    lab_agent_hello(&lab, 1);
    lab_pass_ms(&lab, HOLD_MS - 1000, true);
    assert_int_equal(status(&lab)->n_held, 1);
    ask_release(&lab, "@last", PB__ROLE__ROLE_OPERATOR);
    lab_restart(&lab);
    lab_agent_hello(&lab, 0);
    lab_agent_hello(&lab, 1);
    lab_pass_ms(&lab, 3000, true);
    assert_int_equal(status(&lab)->n_held, 0);
    assert_int_equal(holds(&lab), 1);
    assert_int_equal(living(&lab), 0);
    assert_only_cell(&lab, VERDICT_FAIL, REASON_CRASH);
    lab_check_replay(&lab);
    lab_end(&lab);
}

STORY(who_cancels_the_run_ends_the_hold_of_what_crashed)
{
    BEGIN;
    submit_crashing(&lab);
    lab_cancel(&lab, "r1", "enough");
    assert_int_equal(living(&lab), 0);
    assert_only_cell(&lab, VERDICT_FAIL, REASON_CRASH);
    lab_check_replay(&lab);
    lab_end(&lab);
}

// A crash that nobody asked to be held winds down as ever: the tester's end is not waited for twice.
STORY(what_crashed_is_not_held_for_another_verdict)
{
    BEGIN;
    lab.server_crashes = true;
    submit_held(&lab, PB__VERDICT__VERDICT_ERROR, 1);
    assert_only_cell(&lab, VERDICT_FAIL, REASON_CRASH);
    assert_int_equal(holds(&lab), 0);
    assert_int_equal(living(&lab), 0);
    lab_check_replay(&lab);
    lab_end(&lab);
}

STORY(what_did_not_come_up_is_held)
{
    BEGIN;
    lab.server_fails_start = true;
    submit_held(&lab, PB__VERDICT__VERDICT_ERROR, 1);
    assert_int_equal(holds(&lab), 1);
    assert_false(guard_of(&lab, false)->ended);
    lab_pass_ms(&lab, HOLD_MS + 3000, true);
    assert_int_equal(lab.cell_count, 1);
    assert_int_equal(lab.cells[0]->outcome->verdict, VERDICT_ERROR);
    assert_int_equal(living(&lab), 0);
    lab_check_replay(&lab);
    lab_end(&lab);
}

// Its cases never come back: the time of the trial is over, and that is what it is held for.
STORY(what_took_too_long_is_held)
{
    BEGIN;
    lab.hold_cases = 2;
    submit_held(&lab, PB__VERDICT__VERDICT_INCONC, 1);
    for (int i = 0; i < 3600 && !holds(&lab); i++) {
        lab_pass_ms(&lab, 1000, true);
    }
    assert_int_equal(holds(&lab), 1);
    assert_false(guard_of(&lab, false)->ended);
    assert_int_equal(status(&lab)->held[0]->outcome->reason, REASON_TIMEOUT);
    lab_pass_ms(&lab, HOLD_MS + 3000, true);
    assert_only_cell(&lab, VERDICT_INCONC, REASON_TIMEOUT);
    assert_int_equal(living(&lab), 0);
    lab_check_replay(&lab);
    lab_end(&lab);
}

// Its hosts die with all that was held: the verdict was given, and there is nothing left to be held.
STORY(a_hold_ends_with_the_last_of_its_services)
{
    BEGIN;
    submit_failing(&lab);
    lab_agent_reboot(&lab, 0);
    assert_int_equal(lab.cell_count, 0);
    lab_agent_reboot(&lab, 1);
    lab_pass_ms(&lab, 5000, true);
    assert_over(&lab);
}

STORY(a_hold_survives_its_coordinator)
{
    BEGIN;
    submit_failing(&lab);
    lab_restart(&lab);
    lab_agent_hello(&lab, 0);
    lab_agent_hello(&lab, 1);
    lab_pass_ms(&lab, HOLD_MS - 1000, true);
    assert_held(&lab);
    lab_pass_ms(&lab, 3000, true);
    assert_over(&lab);
}

STORY(a_drain_ends_what_is_held_there)
{
    BEGIN;
    submit_failing(&lab);
    assert_held(&lab);
    Pb__Drain drain = PB__DRAIN__INIT;
    drain.agent = lab.agents[1].name;
    Pb__Request request = PB__REQUEST__INIT;
    request.body_case = PB__REQUEST__BODY_DRAIN;
    request.drain = &drain;
    lab_request(&lab, &request, PB__ROLE__ROLE_OPERATOR);
    assert_over(&lab);
}

STORY(who_cancels_a_run_leaves_the_verdict_of_what_is_held)
{
    BEGIN;
    submit_failing(&lab);
    assert_held(&lab);
    lab_cancel(&lab, "r1", "enough");
    assert_over(&lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_failed_is_held_for_its_time),
        cmocka_unit_test(what_failed_is_held_until_it_is_released),
        cmocka_unit_test(what_passes_is_not_held),
        cmocka_unit_test(what_passes_is_not_held_as_inconclusive),
        cmocka_unit_test(what_crashed_is_held_and_its_guard_stays),
        cmocka_unit_test(what_crashed_is_released),
        cmocka_unit_test(what_crashed_is_held_over_a_restart_of_the_coordinator),
        cmocka_unit_test(who_cancels_the_run_ends_the_hold_of_what_crashed),
        cmocka_unit_test(what_crashed_is_not_held_for_another_verdict),
        cmocka_unit_test(what_did_not_come_up_is_held),
        cmocka_unit_test(what_took_too_long_is_held),
        cmocka_unit_test(a_hold_ends_with_the_last_of_its_services),
        cmocka_unit_test(a_hold_survives_its_coordinator),
        cmocka_unit_test(a_drain_ends_what_is_held_there),
        cmocka_unit_test(who_cancels_a_run_leaves_the_verdict_of_what_is_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

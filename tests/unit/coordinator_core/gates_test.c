// Stories of runs with gates: the last cell has ended, the run ends when its gates are judged.
#include "tests/unit/coordinator_core/story.h"

static const Pb__Experiment *gated_experiment(struct lab *lab)
{
    Pb__Experiment *experiment = lab_experiment(lab, 2);
    experiment->tests[0]->none_lost = true;
    return experiment;
}

static void judge(struct lab *lab, uint64_t run, int verdict)
{
    Pb__Outcome outcome = PB__OUTCOME__INIT;
    Pb__RunGates gates = PB__RUN_GATES__INIT;
    outcome.verdict = (Pb__Verdict)verdict;
    gates.outcome = &outcome;
    gates.baseline = (char *)(uintptr_t) "r1";
    lab_step(lab, &(struct core_event){.kind = CORE_GATES, .run = run, .gates = &gates});
}

STORY(the_run_ends_with_its_gates)
{
    BEGIN;
    submit_experiment(&lab, gated_experiment(&lab));
    lab_pass_ms(&lab, 2000, true);
    assert_int_equal(lab.cell_count, 2);
    assert_null(lab.run_ended);
    assert_false(core_is_idle(lab.core));
    assert_int_equal(lab.gated, 1);
    assert_int_equal(lab.gated_count, 1); // asked for once, however long it takes
    judge(&lab, 1, VERDICT_FAIL);
    assert_non_null(lab.run_ended);
    assert_int_equal(lab.run_ended->outcome->verdict, VERDICT_PASS); // of its cells
    assert_int_equal(lab.run_ended->gates->outcome->verdict, VERDICT_FAIL);
    assert_string_equal(lab.run_ended->gates->baseline, "r1");
    assert_true(core_is_idle(lab.core));
    lab_end(&lab);
}

STORY(a_restart_judges_again)
{
    BEGIN;
    submit_experiment(&lab, gated_experiment(&lab));
    lab_pass_ms(&lab, 2000, true);
    assert_int_equal(lab.gated_count, 1);
    lab_restart(&lab);
    lab_pass_ms(&lab, 2000, true);
    assert_int_equal(lab.gated_count, 2);
    assert_null(lab.run_ended);
    judge(&lab, 1, VERDICT_PASS);
    assert_non_null(lab.run_ended);
    lab_end(&lab);
}

STORY(a_cancelled_run_is_held_against_nothing)
{
    BEGIN;
    submit_experiment(&lab, gated_experiment(&lab));
    lab_pass_ms(&lab, 2000, true);
    assert_null(lab.run_ended);
    lab_cancel(&lab, "r1", "enough");
    lab_pass_ms(&lab, 2000, true);
    assert_non_null(lab.run_ended);
    assert_int_equal(lab.run_ended->gates->outcome->verdict, VERDICT_INCONC);
    assert_int_equal(lab.run_ended->gates->outcome->reason, REASON_CANCELLED);
    judge(&lab, 1, VERDICT_PASS); // too late: nothing
    judge(&lab, 7, VERDICT_PASS); // nobody's
    lab_end(&lab);
}

STORY(a_run_without_gates_waits_for_nobody)
{
    BEGIN;
    submit(&lab, 2);
    lab_pass_ms(&lab, 2000, true);
    assert_int_equal(lab.gated_count, 0);
    assert_non_null(lab.run_ended);
    assert_null(lab.run_ended->gates);
    lab_end(&lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_run_ends_with_its_gates),
        cmocka_unit_test(a_restart_judges_again),
        cmocka_unit_test(a_cancelled_run_is_held_against_nothing),
        cmocka_unit_test(a_run_without_gates_waits_for_nobody),
    };
    return cmocka_run_group_tests_name("core: gates", tests, NULL, NULL);
}

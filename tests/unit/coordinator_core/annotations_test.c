// Stories of what people say of runs, and of evidence that retention wants (coordinator/core/annotations.c).
#include "tests/unit/coordinator_core/story.h"

#include <string.h>

#define HASH "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
#define TEXT(literal) ((char *)(uintptr_t)(literal))

static void say(struct lab *lab, const char *run, const char *note, const char *tag, Pb__Pin pin, int role)
{
    Pb__Annotate said = PB__ANNOTATE__INIT;
    char *tags[] = {TEXT(tag)};
    said.run = TEXT(run);
    said.note = TEXT(note);
    said.tags = tags;
    said.n_tags = *tag != '\0';
    said.pin = pin;
    Pb__Request request = PB__REQUEST__INIT;
    request.number = 9;
    request.body_case = PB__REQUEST__BODY_ANNOTATE;
    request.annotate = &said;
    lab->reply = NULL;
    lab->refused = NULL;
    lab_request(lab, &request, role);
}

static size_t records(const struct lab *lab, Pb__Record__BodyCase kind)
{
    size_t count = 0;
    for (size_t i = 0; i < lab->record_count; i++) {
        count += lab->records[i]->body_case == kind;
    }
    return count;
}

static void remove_evidence(struct lab *lab, uint64_t run)
{
    Pb__RemovedContent content = PB__REMOVED_CONTENT__INIT, *contents[] = {&content};
    content.instance = content.generation = 1;
    content.hash = TEXT(HASH);
    Pb__EvidenceRemoved removed = PB__EVIDENCE_REMOVED__INIT;
    removed.run = run;
    removed.contents = contents;
    removed.n_contents = 1;
    const Pb__EvidenceRemoved *all[] = {&removed};
    lab_step(lab, &(struct core_event){.kind = CORE_RETENTION, .removed = all, .removed_count = 1});
}

STORY(what_is_said_of_a_run_is_a_record_also_when_it_has_ended)
{
    BEGIN;
    submit(&lab, 1);
    assert_only_cell(&lab, VERDICT_PASS, REASON_UNSPECIFIED);
    say(&lab, "r1", "a wall", "good", PB__PIN__PIN_UNSPECIFIED, PB__ROLE__ROLE_OPERATOR);
    assert_int_equal(lab.reply->body_case, PB__REPLY__BODY_ANNOTATED);
    assert_string_equal(lab.reply->annotated->run, "r1");
    const Pb__RunAnnotated *said = lab.records[lab.record_count - 1]->run_annotated;
    assert_string_equal(said->note, "a wall");
    assert_string_equal(said->tags[0], "good");
    say(&lab, "@last", "again", "", PB__PIN__PIN_UNSPECIFIED, PB__ROLE__ROLE_OPERATOR);
    assert_string_equal(lab.reply->annotated->run, "r1");
    assert_int_equal(records(&lab, PB__RECORD__BODY_RUN_ANNOTATED), 2);
    lab_check_replay(&lab);
    lab_end(&lab);
}

STORY(who_may_not_say_it_or_of_nothing_is_refused)
{
    BEGIN;
    submit(&lab, 1);
    say(&lab, "r1", "a wall", "", PB__PIN__PIN_UNSPECIFIED, PB__ROLE__ROLE_VIEWER);
    assert_int_equal(lab.refused->code, PB__REFUSAL_CODE__REFUSAL_CODE_ROLE);
    say(&lab, "r2", "a wall", "", PB__PIN__PIN_UNSPECIFIED, PB__ROLE__ROLE_OPERATOR);
    assert_int_equal(lab.refused->code, PB__REFUSAL_CODE__REFUSAL_CODE_NOT_FOUND);
    say(&lab, "r1/load/1", "of a cell", "", PB__PIN__PIN_UNSPECIFIED, PB__ROLE__ROLE_OPERATOR);
    assert_int_equal(lab.refused->code, PB__REFUSAL_CODE__REFUSAL_CODE_INVALID);
    say(&lab, "r1/load/1#1", "", "tag", PB__PIN__PIN_UNSPECIFIED, PB__ROLE__ROLE_OPERATOR);
    assert_int_equal(lab.refused->code, PB__REFUSAL_CODE__REFUSAL_CODE_INVALID);
    assert_int_equal(records(&lab, PB__RECORD__BODY_RUN_ANNOTATED), 0);
    lab_end(&lab);
}

STORY(a_pinned_run_keeps_its_evidence_also_after_a_restart)
{
    BEGIN;
    submit(&lab, 1);
    say(&lab, "r1", "", "", PB__PIN__PIN_ON, PB__ROLE__ROLE_OPERATOR);
    say(&lab, "r1", "", "", PB__PIN__PIN_ON, PB__ROLE__ROLE_OPERATOR); // said twice is one record
    assert_int_equal(records(&lab, PB__RECORD__BODY_RUN_ANNOTATED), 1);
    lab_restart(&lab);
    remove_evidence(&lab, 1);
    assert_int_equal(records(&lab, PB__RECORD__BODY_EVIDENCE_REMOVED), 0);
    say(&lab, "r1", "", "", PB__PIN__PIN_OFF, PB__ROLE__ROLE_OPERATOR);
    remove_evidence(&lab, 1);
    assert_int_equal(records(&lab, PB__RECORD__BODY_EVIDENCE_REMOVED), 1);
    lab_check_replay(&lab);
    lab_end(&lab);
}

STORY(a_run_that_is_open_keeps_its_evidence)
{
    BEGIN;
    lab.hold_cases = 2;
    submit(&lab, 1);
    remove_evidence(&lab, 1);
    assert_int_equal(records(&lab, PB__RECORD__BODY_EVIDENCE_REMOVED), 0);
    lab_end(&lab);
}

STORY(only_what_passed_and_was_not_drawn_is_not_wanted)
{
    BEGIN;
    Pb__Experiment *experiment = lab_experiment(&lab, 1);
    Pb__EvidenceRule *rule = experiment->tests[0]->evidence = ARENA_NEW(lab.arena, Pb__EvidenceRule);
    pb__evidence_rule__init(rule); // of none
    submit_experiment(&lab, experiment);
    assert_true(lab.cells[0]->evidence_unwanted);
    lab.case_verdict = VERDICT_FAIL;
    lab.case_reason = REASON_VIOLATION;
    submit_experiment(&lab, experiment);
    assert_int_equal(lab.cells[1]->outcome->verdict, VERDICT_FAIL);
    assert_false(lab.cells[1]->evidence_unwanted);
    lab_end(&lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_said_of_a_run_is_a_record_also_when_it_has_ended),
        cmocka_unit_test(who_may_not_say_it_or_of_nothing_is_refused),
        cmocka_unit_test(a_pinned_run_keeps_its_evidence_also_after_a_restart),
        cmocka_unit_test(a_run_that_is_open_keeps_its_evidence),
        cmocka_unit_test(only_what_passed_and_was_not_drawn_is_not_wanted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

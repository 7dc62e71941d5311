// Stories of peers that claim what is not theirs: another's instance, another outbox, a verdict that was given, a key that was revoked.
// None of it counts. (What the same peers may claim is in the other stories.)
#include "tests/unit/coordinator_core/story.h"

#include <string.h>

#define TEXT(literal) ((char *)(uintptr_t)(literal))

// With one cell the server is instance 1 on agent 0, the tester instance 2 on agent 1. Its cases are commands 3 and 4.
#define TESTER 2
#define FIRST_CASE 3

static void say(struct lab *lab, size_t agent, Pb__Envelope *envelope)
{
    envelope->version = PROTOCOL_VERSION;
    envelope->session = lab->agents[agent].session;
    lab_step(lab, &(struct core_event){.kind = CORE_MESSAGE,
                                       .route = lab->agents[agent].route,
                                       .peer_name = lab->agents[agent].name,
                                       .role = PB__ROLE__ROLE_AGENT,
                                       .public_key = "",
                                       .envelope = envelope});
}

// As if the tester had said it, behind what it truly said.
static void say_failed(struct lab *lab, size_t agent, uint32_t number)
{
    Pb__Outcome outcome = PB__OUTCOME__INIT;
    outcome.verdict = PB__VERDICT__VERDICT_FAIL;
    Pb__CaseResult result = PB__CASE_RESULT__INIT;
    result.number = number;
    result.name = TEXT("one");
    result.outcome = &outcome;
    Pb__Event event = PB__EVENT__INIT;
    event.instance = TESTER;
    event.generation = 1;
    event.body_case = PB__EVENT__BODY_CASE_RESULT;
    event.case_result = &result;
    uint64_t after = lab->agents[1].sequence;
    lab_event(lab, agent, &event);
    lab->agents[agent].outbox[lab->agents[agent].sequence - 1]->sequence = after + 1;
    lab_agent_flush(lab, agent);
}

static void take_the_rest(struct lab *lab)
{
    lab->hold_cases = 0;
    lab_agent_gone(lab, 1);
    lab_agent_hello(lab, 1);
}

STORY(an_agent_speaks_only_for_its_instances)
{
    BEGIN;
    lab.hold_cases = SIZE_MAX;
    submit(&lab, 1);
    say_failed(&lab, 0, FIRST_CASE);
    take_the_rest(&lab);
    assert_only_cell(&lab, VERDICT_PASS, REASON_UNSPECIFIED);
    lab_end(&lab);
}

// Everybody does what waits for him, the tester one command at a time, until it has answered as many cases.
static void work_until(struct lab *lab, uint32_t cases)
{
    for (size_t i = 0; i < 100 && lab->cell_count == 0; i++) {
        size_t where;
        const struct lab_guard *tester = lab_guard(lab, TESTER, &where);
        if (tester && tester->cases_done >= cases) {
            return;
        }
        lab_agent_work(lab, 0, SIZE_MAX);
        lab_agent_flush(lab, 0);
        lab_agent_work(lab, 1, 1);
        lab_agent_flush(lab, 1);
    }
}

STORY(a_second_result_of_a_case_changes_nothing)
{
    BEGIN;
    lab.is_async = true;
    submit(&lab, 1);
    work_until(&lab, 1);
    assert_int_equal(lab.cell_count, 0);
    say_failed(&lab, 1, FIRST_CASE);
    size_t where;
    lab_guard(&lab, TESTER, &where)->outbox_last = lab.agents[1].sequence;
    work_until(&lab, UINT32_MAX);
    assert_only_cell(&lab, VERDICT_PASS, REASON_UNSPECIFIED);
    lab_end(&lab);
}

static void say_note(struct lab *lab, size_t agent, char *epoch)
{
    Pb__Note note = PB__NOTE__INIT;
    Pb__Event event = PB__EVENT__INIT, *list[] = {&event};
    event.instance = TESTER;
    event.generation = 1;
    event.sequence = lab->agents[agent].sequence + 1;
    event.body_case = PB__EVENT__BODY_NOTE;
    event.note = &note;
    Pb__Events events = PB__EVENTS__INIT;
    events.epoch = epoch;
    events.first = lab->agents[agent].sequence + 1;
    events.events = list;
    events.n_events = 1;
    Pb__Envelope envelope = PB__ENVELOPE__INIT;
    envelope.body_case = PB__ENVELOPE__BODY_EVENTS;
    envelope.events = &events;
    lab->refused = NULL;
    say(lab, agent, &envelope);
}

STORY(events_of_another_outbox_are_refused)
{
    BEGIN;
    lab.hold_cases = SIZE_MAX;
    submit(&lab, 1);
    size_t before = lab.record_count;
    say_note(&lab, 1, TEXT("00000000000000000000000000000077"));
    assert_non_null(lab.refused);
    assert_int_equal(lab.refused->code, PB__REFUSAL_CODE__REFUSAL_CODE_INVALID);
    assert_int_equal(lab.record_count, before);
    lab.agents[1].connected = false;
    lab_end(&lab);
}

STORY(what_is_said_in_another_session_is_refused)
{
    BEGIN;
    lab.hold_cases = SIZE_MAX;
    submit(&lab, 1);
    size_t before = lab.record_count;
    lab.agents[1].session++;
    say_note(&lab, 1, lab.agents[1].epoch);
    assert_non_null(lab.refused);
    assert_int_equal(lab.refused->code, PB__REFUSAL_CODE__REFUSAL_CODE_SESSION);
    assert_int_equal(lab.record_count, before);
    lab.agents[1].connected = false;
    lab_end(&lab);
}

// The first agent comes anew and says what it knows of the store. NULL: it is welcome.
static const Pb__Refused *comes_with(struct lab *lab, uint64_t incarnation, uint64_t instance)
{
    Pb__HostFacts facts = PB__HOST_FACTS__INIT;
    Pb__Hello hello = PB__HELLO__INIT;
    Pb__LiveInstance live = PB__LIVE_INSTANCE__INIT, *instances[] = {&live};
    struct lab_agent *agent = &lab->agents[0];
    lab_agent_gone(lab, 0);
    agent->route += 7000;
    agent->connected = true;
    hello.name = TEXT(agent->name);
    hello.host_id = TEXT(agent->host_id);
    hello.boot_id = TEXT(agent->boot_id);
    hello.outbox_epoch = TEXT(agent->epoch);
    hello.outbox_first = 1;
    hello.store_id = TEXT(LAB_STORE_ID);
    hello.incarnation = incarnation;
    hello.slots = 1;
    hello.facts = &facts;
    live.instance = instance;
    live.generation = 1;
    hello.instances = instances;
    hello.n_instances = instance > 0;
    Pb__Envelope envelope = PB__ENVELOPE__INIT;
    envelope.body_case = PB__ENVELOPE__BODY_HELLO;
    envelope.hello = &hello;
    lab->refused = NULL;
    say(lab, 0, &envelope);
    agent->connected = false;
    return lab->refused;
}

static void agents_come(struct lab *lab)
{
    for (size_t i = 0; i < lab->agent_count; i++) {
        lab_agent_hello(lab, i);
    }
}

static void assert_store_is_older(const Pb__Refused *refused)
{
    assert_non_null(refused);
    assert_int_equal(refused->code, PB__REFUSAL_CODE__REFUSAL_CODE_STORE_OLDER);
}

STORY(an_incarnation_that_is_still_to_come_is_refused)
{
    BEGIN;
    assert_store_is_older(comes_with(&lab, 5, 0)); // this is the first
    lab_end(&lab);
}

// Instances 1 and 2 are in the backup; 3 and 4, and a second incarnation, are given after it. Then the backup takes the store's place and
// gives instances of its own: their numbers must not be those of what still lives out there.
STORY(who_knows_what_came_after_the_backup_is_refused_whatever_the_copy_has_done_since)
{
    BEGIN;
    submit(&lab, 1);
    size_t backup = lab.record_count;
    lab_restart(&lab);
    agents_come(&lab);
    submit(&lab, 1);
    lab.record_count = backup;
    lab.home = "copy";
    lab_restart(&lab);
    agents_come(&lab);
    submit(&lab, 2);
    lab_restart(&lab); // it stays known
    assert_store_is_older(comes_with(&lab, 1, 3));
    assert_store_is_older(comes_with(&lab, 1, 4));
    assert_store_is_older(comes_with(&lab, 2, 0));
    assert_null(comes_with(&lab, 1, 0));
    lab_end(&lab);
}

#define KEY "0123456789012345678901234567890123456789"

static bool key_is_known(const struct lab *lab)
{
    const char *name;
    int role;
    return core_key(lab->core, KEY, &name, &role);
}

STORY(a_revoked_key_is_nobody)
{
    BEGIN;
    Pb__AddKey add = PB__ADD_KEY__INIT;
    add.name = TEXT("wall");
    add.role = PB__ROLE__ROLE_VIEWER;
    add.public_key = TEXT(KEY);
    Pb__Request request = PB__REQUEST__INIT;
    request.body_case = PB__REQUEST__BODY_ADD_KEY;
    request.add_key = &add;
    lab_request(&lab, &request, PB__ROLE__ROLE_OPERATOR);
    assert_true(key_is_known(&lab));
    Pb__RevokeKey revoke = PB__REVOKE_KEY__INIT;
    revoke.name = TEXT("wall");
    request.body_case = PB__REQUEST__BODY_REVOKE_KEY;
    request.revoke_key = &revoke;
    lab_request(&lab, &request, PB__ROLE__ROLE_OPERATOR);
    assert_false(key_is_known(&lab));
    lab_restart(&lab);
    assert_false(key_is_known(&lab));
    lab_end(&lab);
}

STORY(no_more_cases_than_the_window_are_on_their_way)
{
    BEGIN;
    lab.is_async = true;
    Pb__Experiment *experiment = lab_experiment(&lab, 1);
    lab_cases(&lab, experiment, 3 * CASES_IN_FLIGHT_MAX);
    submit_experiment(&lab, experiment);
    size_t cases = 0;
    for (size_t round = 0; round < 20; round++) {
        for (size_t agent = 0; agent < 2 && cases == 0; agent++) {
            const struct lab_agent *one = &lab.agents[agent];
            for (size_t i = one->inbox_done; i < one->inbox_count; i++) {
                cases += one->inbox[i]->body_case == PB__COMMAND__BODY_RUN_CASE;
            }
            if (cases == 0) {
                lab_agent_work(&lab, agent, SIZE_MAX);
                lab_agent_flush(&lab, agent);
            }
        }
    }
    assert_int_equal(cases, CASES_IN_FLIGHT_MAX);
    lab_end(&lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_agent_speaks_only_for_its_instances),
        cmocka_unit_test(a_second_result_of_a_case_changes_nothing),
        cmocka_unit_test(events_of_another_outbox_are_refused),
        cmocka_unit_test(what_is_said_in_another_session_is_refused),
        cmocka_unit_test(an_incarnation_that_is_still_to_come_is_refused),
        cmocka_unit_test(who_knows_what_came_after_the_backup_is_refused_whatever_the_copy_has_done_since),
        cmocka_unit_test(a_revoked_key_is_nobody),
        cmocka_unit_test(no_more_cases_than_the_window_are_on_their_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

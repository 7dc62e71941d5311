// Stories of a shell: turns are passed to the agent, its answers to who asked, and nobody waits for ever.
#include "tests/unit/coordinator_core/story.h"

#include <string.h>

#define SHELL 77

static char trial[] = "r1/load/1#1", gone[] = "r9/load/1#1", server[] = "server";

static const Pb__ShellSaid *ask_as(struct lab *lab, char *of, int role)
{
    uint8_t typed[] = "ls\n";
    Pb__ShellTurn turn = PB__SHELL_TURN__INIT;
    turn.shell = SHELL;
    turn.input.data = typed;
    turn.input.len = sizeof typed - 1;
    Pb__Shell shell = PB__SHELL__INIT;
    shell.trial = of;
    shell.service = server;
    shell.turn = &turn;
    Pb__Request request = PB__REQUEST__INIT;
    request.body_case = PB__REQUEST__BODY_SHELL;
    request.shell = &shell;
    lab->reply = NULL;
    lab->refused = NULL;
    lab_request(lab, &request, role);
    return lab->reply && lab->reply->body_case == PB__REPLY__BODY_SHELL_SAID ? lab->reply->shell_said : NULL;
}

static const Pb__ShellSaid *ask(struct lab *lab)
{
    return ask_as(lab, trial, PB__ROLE__ROLE_OPERATOR);
}

static const Pb__ShellSaid *answer(struct lab *lab, size_t agent, uint64_t number, uint64_t of)
{
    uint8_t printed[] = "www";
    Pb__ShellTurned turned = PB__SHELL_TURNED__INIT;
    turned.shell = of;
    turned.output.data = printed;
    turned.output.len = sizeof printed - 1;
    Pb__ShellAnswer said = PB__SHELL_ANSWER__INIT;
    said.number = number;
    said.shell = of;
    said.turned = &turned;
    Pb__Envelope envelope = PB__ENVELOPE__INIT;
    envelope.session = lab->agents[agent].session;
    envelope.body_case = PB__ENVELOPE__BODY_SHELL_ANSWER;
    envelope.shell_answer = &said;
    struct core_event event = {.kind = CORE_MESSAGE,
                               .route = lab->agents[agent].route,
                               .peer_name = lab->agents[agent].name,
                               .role = PB__ROLE__ROLE_AGENT,
                               .public_key = "",
                               .envelope = &envelope};
    lab->reply = NULL;
    lab_step(lab, &event);
    return lab->reply && lab->reply->body_case == PB__REPLY__BODY_SHELL_SAID ? lab->reply->shell_said : NULL;
}

// Which of the two agents has the server: the other's answer is to nothing that it was asked.
static const Pb__ShellSaid *answer_of_its_agent(struct lab *lab, uint64_t number, size_t *agent)
{
    *agent = 0;
    const Pb__ShellSaid *said = answer(lab, 0, number, SHELL);
    if (!said) {
        *agent = 1;
        said = answer(lab, 1, number, SHELL);
    }
    return said;
}

static void end(struct lab *lab)
{
    lab->hold_cases = 0;
    lab_agent_hello(lab, 0);
    lab_agent_hello(lab, 1);
    lab_end(lab);
}

STORY(a_turn_goes_to_the_agent_and_its_answer_to_who_took_it)
{
    BEGIN;
    size_t agent;
    lab.hold_cases = 1000;
    submit(&lab, 1);
    assert_null(ask_as(&lab, trial, PB__ROLE__ROLE_VIEWER));
    assert_int_equal(lab.refused->code, PB__REFUSAL_CODE__REFUSAL_CODE_ROLE);
    assert_null(ask_as(&lab, gone, PB__ROLE__ROLE_OPERATOR));
    assert_int_equal(lab.refused->code, PB__REFUSAL_CODE__REFUSAL_CODE_NOT_FOUND);
    assert_null(ask(&lab)); // it is passed on
    assert_null(lab.refused);
    assert_null(answer(&lab, 0, 1, SHELL + 1)); // as of a coordinator before this one
    assert_null(answer(&lab, 1, 1, SHELL + 1));
    const Pb__ShellSaid *said = answer_of_its_agent(&lab, 1, &agent);
    assert_non_null(said);
    assert_int_equal(said->turned->output.len, 3);
    assert_null(answer(&lab, agent, 1, SHELL)); // once
    end(&lab);
}

STORY(who_hears_nothing_is_told_to_say_it_again)
{
    BEGIN;
    size_t agent;
    lab.hold_cases = 1000;
    submit(&lab, 1);
    assert_null(ask(&lab));
    lab_pass_ms(&lab, 4900, true);
    assert_null(lab.reply);
    lab_pass_ms(&lab, 200, true);
    assert_non_null(lab.reply);
    assert_null(lab.reply->shell_said->turned);
    assert_string_not_equal(lab.reply->shell_said->why, "");
    assert_null(answer_of_its_agent(&lab, 1, &agent)); // too late
    assert_null(ask(&lab));
    assert_non_null(answer_of_its_agent(&lab, 2, &agent));
    lab_agent_gone(&lab, agent);
    assert_null(ask(&lab)->turned); // at once: it may come back
    end(&lab);
}

STORY(more_turns_than_may_wait_are_told_to_come_back)
{
    BEGIN;
    lab.hold_cases = 1000;
    submit(&lab, 1);
    for (int i = 0; i < 128; i++) {
        assert_null(ask(&lab));
        assert_null(lab.refused);
    }
    assert_null(ask(&lab));
    assert_non_null(lab.refused);
    assert_int_equal(lab.refused->code, PB__REFUSAL_CODE__REFUSAL_CODE_BUSY);
    end(&lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_turn_goes_to_the_agent_and_its_answer_to_who_took_it),
                                       cmocka_unit_test(who_hears_nothing_is_told_to_say_it_again),
                                       cmocka_unit_test(more_turns_than_may_wait_are_told_to_come_back)};
    return cmocka_run_group_tests_name("shells", tests, NULL, NULL);
}

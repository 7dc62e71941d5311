// Stories of what plugins would run: the question goes to the agent, its answer to who asked, and nobody waits for ever.
#include "tests/unit/coordinator_core/story.h"

static char server[] = "server", options[] = "workers=2", nobody[] = "lab-z";

static const Pb__CommandsPlanned *ask(struct lab *lab, char *agent, int role)
{
    char *list[] = {options};
    Pb__PlanCommands plan = PB__PLAN_COMMANDS__INIT;
    plan.agent = agent;
    plan.plugin = server;
    plan.n_options = 1;
    plan.options = list;
    Pb__Request request = PB__REQUEST__INIT;
    request.body_case = PB__REQUEST__BODY_PLAN_COMMANDS;
    request.plan_commands = &plan;
    lab->reply = NULL;
    lab->refused = NULL;
    lab_request(lab, &request, role);
    return lab->reply && !lab->refused ? lab->reply->commands_planned : NULL;
}

static const Pb__CommandsPlanned *answer(struct lab *lab, size_t agent, uint64_t number)
{
    char text[] = "serverd -w 2";
    Pb__PluginPlanned planned = PB__PLUGIN_PLANNED__INIT;
    planned.number = number;
    planned.text = text;
    Pb__Envelope envelope = PB__ENVELOPE__INIT;
    envelope.session = lab->agents[agent].session;
    envelope.body_case = PB__ENVELOPE__BODY_PLUGIN_PLANNED;
    envelope.plugin_planned = &planned;
    struct core_event event = {.kind = CORE_MESSAGE,
                               .route = lab->agents[agent].route,
                               .peer_name = lab->agents[agent].name,
                               .role = PB__ROLE__ROLE_AGENT,
                               .public_key = "",
                               .envelope = &envelope};
    lab->reply = NULL;
    lab_step(lab, &event);
    return lab->reply && !lab->refused ? lab->reply->commands_planned : NULL;
}

STORY(what_would_run_is_asked_of_the_host)
{
    BEGIN;
    assert_null(ask(&lab, lab.agents[0].name, PB__ROLE__ROLE_OPERATOR)); // it is passed on
    assert_null(lab.refused);
    assert_null(answer(&lab, 1, 1)); // of a host that was not asked
    const Pb__CommandsPlanned *planned = answer(&lab, 0, 1);
    assert_true(planned->answered);
    assert_string_equal(planned->text, "serverd -w 2");
    assert_null(answer(&lab, 0, 1)); // once
    lab_end(&lab);
}

STORY(who_may_not_submit_may_not_ask)
{
    BEGIN;
    ask(&lab, lab.agents[0].name, PB__ROLE__ROLE_VIEWER);
    assert_int_equal(lab.refused->code, PB__REFUSAL_CODE__REFUSAL_CODE_ROLE);
    lab_end(&lab);
}

STORY(a_host_that_is_away_or_slow_is_said_to_be)
{
    BEGIN;
    assert_false(ask(&lab, nobody, PB__ROLE__ROLE_OPERATOR)->answered);
    assert_null(ask(&lab, lab.agents[0].name, PB__ROLE__ROLE_OPERATOR));
    lab_pass_ms(&lab, 7900, true);
    assert_null(lab.reply);
    lab_pass_ms(&lab, 200, true);
    assert_non_null(lab.reply);
    assert_false(lab.reply->commands_planned->answered);
    assert_null(answer(&lab, 0, 1)); // too late
    lab_end(&lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_would_run_is_asked_of_the_host),
                                       cmocka_unit_test(who_may_not_submit_may_not_ask),
                                       cmocka_unit_test(a_host_that_is_away_or_slow_is_said_to_be)};
    return cmocka_run_group_tests_name("plans", tests, NULL, NULL);
}

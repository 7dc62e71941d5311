// Stories of a capture that is followed: questions are passed to the agent, its answers to who asked, and nobody waits for ever.
#include "tests/unit/coordinator_core/story.h"

#include <string.h>

static char trial[] = "r1/load/1#1", over[] = "r9/load/1#1", server[] = "server", none[] = "", file[] = "a.pcapng";

static const Pb__Captured *ask(struct lab *lab, char *of, char *service)
{
    Pb__Capture capture = PB__CAPTURE__INIT;
    capture.trial = of;
    capture.service = service;
    capture.file = file;
    capture.offset = 7;
    Pb__Request request = PB__REQUEST__INIT;
    request.body_case = PB__REQUEST__BODY_CAPTURE;
    request.capture = &capture;
    lab->reply = NULL;
    lab_request(lab, &request, PB__ROLE__ROLE_VIEWER);
    return lab->reply ? lab->reply->captured : NULL;
}

static const Pb__Captured *answer(struct lab *lab, size_t agent, uint64_t number)
{
    uint8_t data[] = "packets";
    Pb__CaptureRead read = PB__CAPTURE_READ__INIT;
    read.number = number;
    read.file = file;
    read.offset = 7;
    read.data.data = data;
    read.data.len = sizeof data;
    Pb__Envelope envelope = PB__ENVELOPE__INIT;
    envelope.session = lab->agents[agent].session;
    envelope.body_case = PB__ENVELOPE__BODY_CAPTURE_READ;
    envelope.capture_read = &read;
    struct core_event event = {.kind = CORE_MESSAGE,
                               .route = lab->agents[agent].route,
                               .peer_name = lab->agents[agent].name,
                               .role = PB__ROLE__ROLE_AGENT,
                               .public_key = "",
                               .envelope = &envelope};
    lab->reply = NULL;
    lab_step(lab, &event);
    return lab->reply ? lab->reply->captured : NULL;
}

static size_t agent_of(const struct lab *lab, const Pb__Captured *captured, const char *service)
{
    for (size_t i = 0; i < captured->n_sources; i++) {
        if (strcmp(captured->sources[i]->service, service) == 0) {
            return strcmp(captured->sources[i]->host, lab->agents[0].name) == 0 ? 0 : 1;
        }
    }
    fail_msg("the trial has no %s", service);
    return 0;
}

static void end(struct lab *lab)
{
    lab->hold_cases = 0;
    lab_agent_hello(lab, 0);
    lab_agent_hello(lab, 1);
    lab_end(lab);
}

STORY(a_question_goes_to_the_agent_and_its_answer_to_who_asked)
{
    BEGIN;
    assert_true(ask(&lab, trial, none)->over); // there is none yet
    lab.hold_cases = 1000;
    submit(&lab, 1);
    const Pb__Captured *captured = ask(&lab, trial, none);
    assert_false(captured->over);
    assert_true(captured->n_sources >= 2);
    assert_false(captured->sources[0]->is_network);
    size_t agent = agent_of(&lab, captured, server);
    assert_null(ask(&lab, trial, server)); // it is passed on
    assert_null(answer(&lab, !agent, 1));  // of a host that was not asked
    captured = answer(&lab, agent, 1);
    assert_int_equal(captured->piece->offset, 7);
    assert_int_equal(captured->piece->data.len, sizeof "packets");
    assert_null(answer(&lab, agent, 1)); // once
    assert_true(ask(&lab, over, server)->over);
    end(&lab);
}

STORY(who_hears_nothing_is_told_so)
{
    BEGIN;
    lab.hold_cases = 1000;
    submit(&lab, 1);
    size_t agent = agent_of(&lab, ask(&lab, trial, none), server);
    assert_null(ask(&lab, trial, server));
    lab_pass_ms(&lab, 2900, true);
    assert_null(lab.reply);
    lab_pass_ms(&lab, 200, true);
    assert_non_null(lab.reply);
    assert_false(lab.reply->captured->over);
    assert_null(lab.reply->captured->piece);
    assert_null(answer(&lab, agent, 1)); // too late
    lab_agent_gone(&lab, agent);
    assert_false(ask(&lab, trial, server)->over); // at once: it may come back
    end(&lab);
}

STORY(more_than_are_followed_are_told_to_come_back)
{
    BEGIN;
    lab.hold_cases = 1000;
    submit(&lab, 1);
    for (int i = 0; i < 64; i++) {
        assert_null(ask(&lab, trial, server));
        assert_null(lab.refused);
    }
    ask(&lab, trial, server);
    assert_non_null(lab.refused);
    assert_int_equal(lab.refused->code, PB__REFUSAL_CODE__REFUSAL_CODE_BUSY);
    end(&lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_question_goes_to_the_agent_and_its_answer_to_who_asked),
                                       cmocka_unit_test(who_hears_nothing_is_told_so),
                                       cmocka_unit_test(more_than_are_followed_are_told_to_come_back)};
    return cmocka_run_group_tests_name("captures", tests, NULL, NULL);
}

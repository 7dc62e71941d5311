// Stories of agents that say what no agent says, though it passes common/wire: refused or without effect, and never the coordinator's end.
#include "tests/unit/coordinator_core/story.h"

#include <string.h>

#define STORIES 300
#define TEXT(literal) ((char *)(uintptr_t)(literal))

static uint64_t state_now;

static uint64_t draw(uint64_t below)
{
    state_now = state_now * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (state_now >> 33) % below;
}

static uint32_t odd_number(void)
{
    static const uint32_t numbers[] = {1, 1, 2, 3, 4, 5, 6, 7, 1000, UINT32_MAX};
    return numbers[draw(sizeof numbers / sizeof *numbers)];
}

static void set_done(Pb__Event *event, Pb__CommandDone *done)
{
    done->number = odd_number();
    done->status = (Pb__CommandStatus)(1 + draw(5));
    done->phase = TEXT("start");
    event->body_case = PB__EVENT__BODY_COMMAND_DONE;
    event->command_done = done;
}

static void set_process(Pb__Event *event, Pb__ProcessStarted *started, Pb__ProcessExited *exited)
{
    started->process = exited->process = odd_number();
    started->name = exited->name = TEXT("httpd");
    exited->signal = (int32_t)draw(2) * 9;
    exited->status = exited->signal ? -1 : 0;
    exited->expectation = (Pb__ExitExpectation)(1 + draw(3));
    bool starts = draw(2) == 1;
    event->body_case = starts ? PB__EVENT__BODY_PROCESS_STARTED : PB__EVENT__BODY_PROCESS_EXITED;
    if (starts) {
        event->process_started = started;
    } else {
        event->process_exited = exited;
    }
}

// One event of any kind, of an instance that may exist.
static void say_anything(struct lab *lab, size_t agent)
{
    Pb__Outcome outcome = PB__OUTCOME__INIT;
    outcome.verdict = (Pb__Verdict)draw(5);
    outcome.reason = (Pb__Reason)draw(11);
    Pb__CaseResult result = PB__CASE_RESULT__INIT;
    Pb__CommandDone done = PB__COMMAND_DONE__INIT;
    Pb__ProcessStarted started = PB__PROCESS_STARTED__INIT;
    Pb__ProcessExited exited = PB__PROCESS_EXITED__INIT;
    Pb__OutputMatch match = PB__OUTPUT_MATCH__INIT;
    Pb__StreamEnd end = PB__STREAM_END__INIT;
    Pb__HostDied died = PB__HOST_DIED__INIT;
    Pb__InstanceEnded ended = PB__INSTANCE_ENDED__INIT;
    Pb__Event event = PB__EVENT__INIT;
    event.instance = 1 + draw(5);
    event.generation = 1 + (uint32_t)(draw(10) == 0);
    switch (draw(8)) {
    case 0:
        result.number = odd_number();
        result.name = TEXT("one");
        result.outcome = &outcome;
        event.body_case = PB__EVENT__BODY_CASE_RESULT;
        event.case_result = &result;
        break;
    case 1:
    case 2:
        set_done(&event, &done);
        break;
    case 3:
        set_process(&event, &started, &exited);
        break;
    case 4:
        match.rule = odd_number();
        event.body_case = PB__EVENT__BODY_OUTPUT_MATCH;
        event.output_match = &match;
        break;
    case 5:
        event.body_case = PB__EVENT__BODY_STREAM_END;
        event.stream_end = &end;
        break;
    case 6:
        died.signal = 9;
        died.phase = TEXT("run_case");
        died.hung = draw(2) == 1;
        event.body_case = PB__EVENT__BODY_HOST_DIED;
        event.host_died = &died;
        break;
    default:
        ended.cause = (Pb__EndCause)(1 + draw(5));
        event.body_case = PB__EVENT__BODY_INSTANCE_ENDED;
        event.instance_ended = &ended;
    }
    lab_event(lab, agent, &event);
}

static void send(struct lab *lab, size_t agent, Pb__Envelope *envelope)
{
    envelope->version = PROTOCOL_VERSION;
    envelope->session = lab->agents[agent].session;
    lab_step(lab, &(struct core_event){.kind = CORE_MESSAGE,
                                       .route = lab->agents[agent].route,
                                       .peer_name = lab->agents[agent].name,
                                       .role = PB__ROLE__ROLE_AGENT,
                                       .envelope = envelope});
}

STORY(nothing_that_an_agent_reports_brings_the_coordinator_down)
{
    for (uint64_t seed = 1; seed <= STORIES; seed++) {
        BEGIN;
        state_now = seed;
        lab.is_async = true;
        uint32_t cells = 1 + (uint32_t)draw(3);
        submit(&lab, cells);
        for (size_t i = 0; i < 60; i++) {
            size_t agent = (size_t)draw(2);
            if (draw(8) == 0) {
                say_anything(&lab, (size_t)draw(2));
            }
            lab_agent_work(&lab, agent, 1 + (size_t)draw(3));
            lab_agent_flush(&lab, agent);
            lab_pass_ms(&lab, 100, true);
        }
        lab_agent_gone(&lab, 0); // an answer that was believed leaves a command without one: leases bring the end
        lab_agent_gone(&lab, 1);
        for (size_t i = 0; i < 300 && !lab.run_ended; i++) {
            lab_pass_ms(&lab, 1000, false);
        }
        assert_non_null(lab.run_ended);
        assert_int_equal(lab.cell_count, cells);
        lab_end(&lab);
    }
}

STORY(odd_stamps_of_time_are_no_clock)
{
    BEGIN;
    static const uint64_t stamps[] = {0, 1, INT64_MAX / 2, INT64_MAX, (uint64_t)INT64_MAX + 1, UINT64_MAX};
    const size_t count = sizeof stamps / sizeof *stamps;
    for (size_t i = 0; i < count * count * count * count; i++) {
        Pb__Heartbeat beat = PB__HEARTBEAT__INIT;
        beat.agent_sent_ns = lab.now_ns;
        beat.previous_agent_sent_ns = stamps[i % count];
        beat.previous_coordinator_received_ns = stamps[i / count % count];
        beat.previous_coordinator_sent_ns = stamps[i / count / count % count];
        beat.previous_agent_received_ns = stamps[i / count / count / count];
        Pb__Envelope envelope = PB__ENVELOPE__INIT;
        envelope.body_case = PB__ENVELOPE__BODY_HEARTBEAT;
        envelope.heartbeat = &beat;
        send(&lab, 0, &envelope);
    }
    submit(&lab, 1);
    assert_only_cell(&lab, VERDICT_PASS, REASON_UNSPECIFIED);
    lab_end(&lab);
}

STORY(what_nobody_asked_for_is_not_kept)
{
    BEGIN;
    size_t before = lab.record_count;
    Pb__PluginDescription description = PB__PLUGIN_DESCRIPTION__INIT;
    description.name = TEXT("stranger");
    Pb__DescribedPlugin described = PB__DESCRIBED_PLUGIN__INIT, *items[] = {&described};
    described.hash = TEXT("cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc");
    described.description = &description;
    Pb__Descriptions descriptions = PB__DESCRIPTIONS__INIT;
    descriptions.descriptions = items;
    descriptions.n_descriptions = 1;
    Pb__Envelope envelope = PB__ENVELOPE__INIT;
    envelope.body_case = PB__ENVELOPE__BODY_DESCRIPTIONS;
    envelope.descriptions = &descriptions;
    send(&lab, 0, &envelope);
    assert_int_equal(lab.record_count, before);
    lab_end(&lab);
}

STORY(an_end_before_the_beginning_is_an_end)
{
    BEGIN;
    lab.agents[0].mute = true;
    submit(&lab, 1);
    for (uint64_t instance = 1; instance <= 2; instance++) {
        Pb__InstanceEnded ended = PB__INSTANCE_ENDED__INIT;
        ended.cause = PB__END_CAUSE__END_CAUSE_CLEANED;
        Pb__Event event = PB__EVENT__INIT;
        event.instance = instance;
        event.generation = 1;
        event.body_case = PB__EVENT__BODY_INSTANCE_ENDED;
        event.instance_ended = &ended;
        lab_event(&lab, instance % 2 ? 0 : 1, &event);
        lab_event(&lab, instance % 2 ? 0 : 1, &event);
        lab_agent_flush(&lab, instance % 2 ? 0 : 1);
    }
    assert_only_cell(&lab, VERDICT_ERROR, REASON_INFRASTRUCTURE);
    lab_end(&lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_that_an_agent_reports_brings_the_coordinator_down),
        cmocka_unit_test(odd_stamps_of_time_are_no_clock),
        cmocka_unit_test(what_nobody_asked_for_is_not_kept),
        cmocka_unit_test(an_end_before_the_beginning_is_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

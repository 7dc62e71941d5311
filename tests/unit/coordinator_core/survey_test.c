// Stories of "what lives in the lab?": every agent is asked once for all who ask, judged against what is wanted, and named when silent.
#include "tests/unit/coordinator_core/story.h"

#include <string.h>

static void ask(struct lab *lab, bool orphans, int role)
{
    Pb__ListProcesses list = PB__LIST_PROCESSES__INIT;
    list.orphans = orphans;
    Pb__Request request = PB__REQUEST__INIT;
    request.body_case = PB__REQUEST__BODY_LIST_PROCESSES;
    request.list_processes = &list;
    lab_request(lab, &request, role);
}

struct lived {
    uint64_t instance;
    const char *stray;
    bool ending;
};

static void answer(struct lab *lab, size_t agent, uint64_t number, const struct lived *lived, size_t count)
{
    Pb__Surveyed surveyed = PB__SURVEYED__INIT;
    surveyed.number = number;
    surveyed.n_processes = count;
    surveyed.processes = ARENA_ARRAY(lab->arena, Pb__HostProcess *, count + 1);
    for (size_t i = 0; i < count; i++) {
        Pb__HostProcess *process = surveyed.processes[i] = ARENA_NEW(lab->arena, Pb__HostProcess);
        pb__host_process__init(process);
        process->pid = (uint32_t)(1000 + i);
        process->name = arena_string(lab->arena, "nginx");
        process->instance = lived[i].instance;
        process->generation = lived[i].instance ? 1 : 0;
        process->age_ms = 2000;
        process->state = arena_string(lab->arena, "sleeping");
        process->stray = arena_string(lab->arena, lived[i].stray);
        process->ending = lived[i].ending;
    }
    Pb__Envelope envelope = PB__ENVELOPE__INIT;
    envelope.session = lab->agents[agent].session;
    envelope.body_case = PB__ENVELOPE__BODY_SURVEYED;
    envelope.surveyed = &surveyed;
    struct core_event event = {.kind = CORE_MESSAGE,
                               .route = lab->agents[agent].route,
                               .peer_name = lab->agents[agent].name,
                               .role = PB__ROLE__ROLE_AGENT,
                               .public_key = "",
                               .envelope = &envelope};
    lab_step(lab, &event);
}

// The instance that the trial of r1 has on this agent.
static uint64_t instance_on(struct lab *lab, size_t agent)
{
    for (size_t i = 0; i < lab->agents[agent].guard_count; i++) {
        if (!lab->agents[agent].guards[i].ended) {
            return lab->agents[agent].guards[i].instance;
        }
    }
    fail_msg("agent %zu has no instance", agent);
    return 0;
}

STORY(what_is_wanted_is_named_with_its_trial_and_what_is_not_with_its_reason)
{
    BEGIN;
    lab.hold_cases = 1000;
    submit(&lab, 1);
    ask(&lab, false, PB__ROLE__ROLE_VIEWER);
    assert_null(lab.reply); // nobody has answered yet
    uint64_t wanted = instance_on(&lab, 0);
    const struct lived first[] = {{wanted, "", false}, {9999, "", false}, {9998, "", true}, {0, "of no instance", false}};
    answer(&lab, 0, 1, first, 4);
    assert_null(lab.reply);
    const struct lived second[] = {{wanted, "", false}}; // the other host's
    answer(&lab, 1, 1, second, instance_on(&lab, 1) == wanted ? 0 : 1);
    assert_non_null(lab.reply);
    const Pb__Processes *processes = lab.reply->processes;
    assert_int_equal(processes->n_processes, 5);
    assert_int_equal(processes->n_silent, 0);
    assert_string_equal(processes->processes[0]->trial, "r1/load/1#1");
    assert_string_equal(processes->processes[0]->orphan, "");
    assert_string_equal(processes->processes[1]->orphan, "no trial wants it");
    assert_string_equal(processes->processes[2]->orphan, ""); // it is being cleared away
    assert_string_equal(processes->processes[3]->orphan, "of no instance");
    assert_string_equal(processes->processes[4]->orphan, "no trial wants it"); // it is wanted, but on another host
    lab.hold_cases = 0;
    lab_agent_hello(&lab, 0);
    lab_agent_hello(&lab, 1);
    lab_end(&lab);
}

STORY(only_orphans_are_told_when_only_they_are_wanted)
{
    BEGIN;
    ask(&lab, true, PB__ROLE__ROLE_OPERATOR);
    const struct lived lived[] = {{9998, "", true}, {9999, "its lease ended 7000 ms ago", false}};
    answer(&lab, 0, 1, lived, 2);
    answer(&lab, 1, 1, NULL, 0);
    assert_int_equal(lab.reply->processes->n_processes, 1);
    assert_string_equal(lab.reply->processes->processes[0]->orphan, "its lease ended 7000 ms ago");
    assert_string_equal(lab.reply->processes->processes[0]->host, lab.agents[0].name);
    lab_end(&lab);
}

STORY(an_agent_that_does_not_answer_is_named_and_waited_for_three_seconds)
{
    BEGIN;
    ask(&lab, true, PB__ROLE__ROLE_VIEWER);
    answer(&lab, 0, 1, NULL, 0);
    lab_pass_ms(&lab, 2900, true);
    assert_null(lab.reply);
    lab_pass_ms(&lab, 200, true);
    assert_non_null(lab.reply);
    assert_int_equal(lab.reply->processes->n_silent, 1);
    assert_string_equal(lab.reply->processes->silent[0]->name, lab.agents[1].name);
    assert_string_equal(lab.reply->processes->silent[0]->why, "no answer");
    answer(&lab, 1, 1, NULL, 0); // too late: dropped
    lab_end(&lab);
}

STORY(an_agent_that_leaves_is_not_waited_for)
{
    BEGIN;
    ask(&lab, true, PB__ROLE__ROLE_VIEWER);
    answer(&lab, 0, 1, NULL, 0);
    lab_agent_gone(&lab, 1);
    lab_tick(&lab);
    assert_non_null(lab.reply);
    assert_string_equal(lab.reply->processes->silent[0]->why, "lost");
    lab_end(&lab);
}

// Whoever asks while an answer is gathered gets the next one: what he did before he asked must show.
STORY(who_asks_meanwhile_gets_the_next_answer)
{
    BEGIN;
    ask(&lab, true, PB__ROLE__ROLE_VIEWER);
    ask(&lab, true, PB__ROLE__ROLE_VIEWER);
    const struct lived lived[] = {{9999, "", false}};
    answer(&lab, 0, 1, lived, 1);
    answer(&lab, 1, 1, NULL, 0);
    assert_int_equal(lab.reply->processes->n_processes, 1);
    lab.reply = NULL;
    lab_pass_ms(&lab, 700, true); // not faster than twice a second
    answer(&lab, 0, 2, NULL, 0);
    answer(&lab, 1, 2, NULL, 0);
    assert_non_null(lab.reply);
    assert_int_equal(lab.reply->processes->n_processes, 0);
    lab_end(&lab);
}

STORY(more_askers_than_are_kept_are_told_to_come_back)
{
    BEGIN;
    for (int i = 0; i < 65; i++) { // one that is being answered, and 64
        ask(&lab, true, PB__ROLE__ROLE_VIEWER);
        assert_null(lab.refused);
    }
    ask(&lab, true, PB__ROLE__ROLE_VIEWER);
    assert_non_null(lab.refused);
    assert_int_equal(lab.refused->code, PB__REFUSAL_CODE__REFUSAL_CODE_BUSY);
    lab_end(&lab);
}

STORY(rows_that_find_no_room_are_counted_and_orphans_find_it_first)
{
    BEGIN;
    struct lived *lived = ARENA_ARRAY(lab.arena, struct lived, HOST_PROCESSES_MAX);
    ask(&lab, false, PB__ROLE__ROLE_VIEWER);
    const char *reason = memset(ARENA_ARRAY(lab.arena, char, 1001), 'x', 1000);
    for (size_t i = 0; i < HOST_PROCESSES_MAX; i++) {
        lived[i] = (struct lived){9999, reason, false};
    }
    answer(&lab, 0, 1, lived, HOST_PROCESSES_MAX);
    answer(&lab, 1, 1, NULL, 0);
    assert_true(lab.reply->processes->left_out > 0);
    assert_int_equal(lab.reply->processes->left_out + lab.reply->processes->n_processes, HOST_PROCESSES_MAX);
    lab_end(&lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wanted_is_named_with_its_trial_and_what_is_not_with_its_reason),
        cmocka_unit_test(only_orphans_are_told_when_only_they_are_wanted),
        cmocka_unit_test(an_agent_that_does_not_answer_is_named_and_waited_for_three_seconds),
        cmocka_unit_test(an_agent_that_leaves_is_not_waited_for),
        cmocka_unit_test(who_asks_meanwhile_gets_the_next_answer),
        cmocka_unit_test(more_askers_than_are_kept_are_told_to_come_back),
        cmocka_unit_test(rows_that_find_no_room_are_counted_and_orphans_find_it_first),
    };
    return cmocka_run_group_tests_name("survey", tests, NULL, NULL);
}

// Stories of cells that find no host: why, in words, and at once where waiting is of no use.
#include "common/base/map.h"
#include "coordinator/core/state.h"
#include "tests/unit/coordinator_core/story.h"

#include <string.h>

static void set_slots(struct lab *lab, uint32_t slots)
{
    for (size_t i = 0; i < lab->agent_count; i++) {
        lab->agents[i].slots = slots;
        lab_agent_gone(lab, i);
        lab_agent_hello(lab, i);
    }
}

static const Pb__RunStatus *status_of(struct lab *lab, const char *run)
{
    Pb__GetStatus get = PB__GET_STATUS__INIT;
    Pb__Request request = PB__REQUEST__INIT;
    get.run = arena_string(lab->arena, run);
    request.body_case = PB__REQUEST__BODY_GET_STATUS;
    request.get_status = &get;
    lab->reply = NULL;
    lab_request(lab, &request, PB__ROLE__ROLE_VIEWER);
    assert_non_null(lab->reply);
    assert_int_equal(lab->reply->body_case, PB__REPLY__BODY_STATUS);
    assert_non_null(lab->reply->status->run);
    return lab->reply->status->run;
}

static void assert_holds(const char *text, const char *part)
{
    if (!strstr(text, part)) {
        fail_msg("\"%s\" does not hold \"%s\"", text, part);
    }
}

static void assert_waits_for(struct lab *lab, const Pb__Experiment *experiment, const char *why)
{
    submit_experiment(lab, experiment);
    const Pb__RunStatus *status = status_of(lab, "@last");
    assert_int_equal(status->n_waiting, 1);
    assert_int_equal(status->cells_ended, 0);
    assert_holds(status->waiting[0]->why, why);
}

static void with_label(struct lab *lab, Pb__HostRule *rule)
{
    Pb__Label *label = ARENA_NEW(lab->arena, Pb__Label);
    pb__label__init(label);
    label->name = arena_string(lab->arena, "site");
    label->value = arena_string(lab->arena, "moon");
    rule->labels = ARENA_ARRAY(lab->arena, Pb__Label *, 1);
    rule->labels[rule->n_labels++] = label;
}

static void with_server(struct lab *lab, Pb__Experiment *experiment)
{
    Pb__HostRule *rule = experiment->tests[0]->services[1]->host;
    rule->with = ARENA_ARRAY(lab->arena, char *, 1);
    rule->with[rule->n_with++] = arena_string(lab->arena, "server");
}

STORY(a_cell_says_what_it_waits_for)
{
    BEGIN;
    Pb__Experiment *experiment = lab_experiment(&lab, 1);
    experiment->tests[0]->services[0]->implementation = arena_string(lab.arena, "nowhere");
    assert_waits_for(&lab, experiment, "service server: no connected agent has a usable plugin nowhere");
    experiment = lab_experiment(&lab, 1);
    with_label(&lab, experiment->tests[0]->services[0]->host);
    assert_waits_for(&lab, experiment, "service server: no agent with the plugin server has the label site=moon");
    experiment = lab_experiment(&lab, 1);
    experiment->tests[0]->services[1]->host->name = arena_string(lab.arena, "elsewhere");
    assert_waits_for(&lab, experiment, "service load: the agent elsewhere is not connected");
    lab_end(&lab);
}

STORY(a_version_is_waited_for_and_found)
{
    BEGIN;
    lab.agents[0].server_version = "1.20.2";
    lab_agent_hello(&lab, 0);
    lab_agent_hello(&lab, 1);
    Pb__Experiment *experiment = lab_experiment(&lab, 1);
    experiment->tests[0]->services[0]->version = arena_string(lab.arena, ">=1.22");
    assert_waits_for(&lab, experiment,
                     "service server: no agent has a version of server that is >=1.22; there are 1.20.2 on lab-a, one that is not known on "
                     "lab-b");
    submit(&lab, 1); // what one cell does not find, another may not even look for
    assert_int_equal(lab.cell_count, 1);
    lab.cell_count = 0;
    lab.run_ended = NULL;
    lab.agents[1].server_version = "1.22.1";
    lab_agent_hello(&lab, 1);
    lab_tick(&lab);
    assert_only_cell(&lab, VERDICT_PASS, REASON_UNSPECIFIED);
    lab_end(&lab);
}

STORY(a_full_lab_says_that_it_is_full)
{
    BEGIN;
    lab.hold_cases = SIZE_MAX;
    set_slots(&lab, 1);
    submit(&lab, 2);
    const Pb__RunStatus *status = status_of(&lab, "r1");
    assert_int_equal(status->trials_live, 1);
    assert_int_equal(status->n_waiting, 1);
    assert_string_equal(status->waiting[0]->name, "r1/load/2");
    assert_holds(status->waiting[0]->why, "2 with no free slot");
    lab_end(&lab);
}

// Each of two hosts has 4: two servers of 3 run, the third waits until one of them has ended.
STORY(reserved_processors_and_memory_are_nobody_elses)
{
    BEGIN;
    lab.hold_cases = SIZE_MAX;
    Pb__Experiment *experiment = lab_experiment(&lab, 3);
    experiment->tests[0]->services[0]->host->cpus = 3;
    experiment->tests[0]->services[1]->host->memory_bytes = LAB_MEMORY_BYTES / 4;
    submit_experiment(&lab, experiment);
    const Pb__RunStatus *status = status_of(&lab, "r1");
    assert_int_equal(status->trials_live, 2);
    assert_int_equal(status->n_waiting, 1);
    assert_holds(status->waiting[0]->why, "2 whose cpus or memory are reserved");
    for (size_t i = 0; i < lab.agent_count; i++) {
        const struct agent_identity *agent = map_get_text(lab.core->durable->agents, lab.agents[i].name);
        assert_int_equal(agent->cpus, 3);
    }
    lab_end(&lab);
}

STORY(more_than_any_host_has_is_waited_for_by_name)
{
    BEGIN;
    Pb__Experiment *experiment = lab_experiment(&lab, 1);
    experiment->tests[0]->services[0]->host->cpus = LAB_CPUS + 1;
    experiment->tests[0]->services[0]->host->memory_bytes = LAB_MEMORY_BYTES;
    assert_waits_for(&lab, experiment, "service server: no agent with the plugin server has 5 cpus and 8.0GiB of memory");
    lab_end(&lab);
}

STORY(more_than_a_host_can_take_is_refused_at_once)
{
    BEGIN;
    set_slots(&lab, 1);
    Pb__Experiment *experiment = lab_experiment(&lab, 1);
    with_server(&lab, experiment);
    lab_submit(&lab, experiment, "", "hash", PB__ROLE__ROLE_OPERATOR);
    const Pb__Submitted *submitted = lab.reply->submitted;
    assert_false(submitted->accepted);
    assert_int_equal(submitted->n_diagnostics, 1);
    assert_string_equal(submitted->diagnostics[0]->message,
                        "2 services have to be on one host (server, load), and no agent has more than 1 slots");
    assert_true(core_is_idle(lab.core));
    set_slots(&lab, 2);
    submit_experiment(&lab, experiment);
    assert_only_cell(&lab, VERDICT_PASS, REASON_UNSPECIFIED);
    lab_end(&lab);
}

STORY(where_no_agent_was_heard_of_it_may_come)
{
    (void)state;
    struct lab lab;
    lab_begin_with(&lab, 0);
    Pb__Experiment *experiment = lab_experiment(&lab, 1);
    with_server(&lab, experiment);
    assert_waits_for(&lab, experiment, "no agent is connected");
    lab_end(&lab);
}

STORY(a_run_that_has_ended_waits_for_nothing)
{
    BEGIN;
    submit(&lab, 1);
    const Pb__RunStatus *status = status_of(&lab, "r1");
    assert_true(status->ended);
    assert_int_equal(status->n_waiting, 0);
    Pb__GetStatus get = PB__GET_STATUS__INIT;
    Pb__Request request = PB__REQUEST__INIT;
    get.run = arena_string(lab.arena, "r7");
    request.body_case = PB__REQUEST__BODY_GET_STATUS;
    request.get_status = &get;
    lab_request(&lab, &request, PB__ROLE__ROLE_VIEWER);
    assert_int_equal(lab.reply->body_case, PB__REPLY__BODY_REFUSED);
    lab_end(&lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cell_says_what_it_waits_for),
        cmocka_unit_test(a_version_is_waited_for_and_found),
        cmocka_unit_test(reserved_processors_and_memory_are_nobody_elses),
        cmocka_unit_test(more_than_any_host_has_is_waited_for_by_name),
        cmocka_unit_test(a_full_lab_says_that_it_is_full),
        cmocka_unit_test(more_than_a_host_can_take_is_refused_at_once),
        cmocka_unit_test(where_no_agent_was_heard_of_it_may_come),
        cmocka_unit_test(a_run_that_has_ended_waits_for_nothing),
    };
    return cmocka_run_group_tests_name("core: placement", tests, NULL, NULL);
}

// Stories of plugins that go to hosts (coordinator/core/pushes.c), and of hosts that have different versions of one (skew.c).
#include "tests/unit/coordinator_core/story.h"

#include <string.h>

#define FIRST_TOKEN "0123456789abcdef0123456789abcdef"
#define OTHER_TOKEN "fedcba9876543210fedcba9876543210"
#define HASH "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
#define OTHER_HASH "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"
#define TEXT(literal) ((char *)(uintptr_t)(literal))

static void add_key(struct lab *lab, const char *name)
{
    Pb__AddKey key = PB__ADD_KEY__INIT;
    key.name = TEXT(name);
    key.role = PB__ROLE__ROLE_AGENT;
    key.public_key = arena_printf(lab->arena, "%40s", name);
    Pb__Request request = PB__REQUEST__INIT;
    request.body_case = PB__REQUEST__BODY_ADD_KEY;
    request.add_key = &key;
    lab_request(lab, &request, PB__ROLE__ROLE_OPERATOR);
    assert_int_equal(lab->reply->body_case, PB__REPLY__BODY_KEY_ADDED);
}

// lab-a in the north, lab-b in the south, and the key of lab-z that has never come.
static void begin(struct lab *lab)
{
    static const char *const sites[] = {"north", "south"};
    lab_begin(lab);
    for (size_t i = 0; i < 2; i++) {
        add_key(lab, lab->agents[i].name);
        lab->agents[i].site = sites[i];
        lab_agent_hello(lab, i);
    }
    add_key(lab, "lab-z");
}

struct asked {
    const char *token, *hash;
    const char *site;      // NULL: whatever they are labelled
    const char *agents[4]; // none: any
    int role;              // 0: operator
};

static const Pb__PluginPush *push(struct lab *lab, struct asked asked)
{
    Pb__PushPlugin push = PB__PUSH_PLUGIN__INIT;
    Pb__Label label = PB__LABEL__INIT, *labels[] = {&label};
    label.name = TEXT("site");
    label.value = TEXT(asked.site);
    push.token = TEXT(asked.token);
    push.name = TEXT("nginx");
    push.hash = TEXT(asked.hash ? asked.hash : HASH);
    push.labels = labels;
    push.n_labels = asked.site ? 1 : 0;
    push.agents = (char **)(uintptr_t)asked.agents;
    while (push.n_agents < 4 && asked.agents[push.n_agents]) {
        push.n_agents++;
    }
    Pb__Request request = PB__REQUEST__INIT;
    request.body_case = PB__REQUEST__BODY_PUSH_PLUGIN;
    request.push_plugin = &push;
    lab_request(lab, &request, asked.role ? asked.role : PB__ROLE__ROLE_OPERATOR);
    assert_non_null(lab->reply);
    return lab->refused ? NULL : lab->reply->plugin_push;
}

static void assert_host(const Pb__PluginPush *push, size_t index, const char *agent, int state)
{
    assert_in_range(index + 1, 1, push->n_hosts);
    assert_string_equal(push->hosts[index]->agent, agent);
    assert_int_equal(push->hosts[index]->state, state);
}

// The agent's word about the push it was asked for last, in the session at hand or in one that is over.
static void say_placed(struct lab *lab, size_t index, uint64_t session, Pb__PlacedState state, const char *text)
{
    const struct lab_agent *agent = &lab->agents[index];
    Pb__PluginPlaced placed = PB__PLUGIN_PLACED__INIT;
    assert_non_null(agent->placing);
    placed.push = agent->placing->push;
    placed.state = state;
    placed.text = TEXT(text);
    Pb__Envelope envelope = PB__ENVELOPE__INIT;
    envelope.session = session;
    envelope.body_case = PB__ENVELOPE__BODY_PLUGIN_PLACED;
    envelope.plugin_placed = &placed;
    struct core_event event = {.kind = CORE_MESSAGE,
                               .route = agent->route,
                               .peer_name = agent->name,
                               .role = PB__ROLE__ROLE_AGENT,
                               .public_key = "",
                               .envelope = &envelope};
    lab_step(lab, &event);
}

static void placed(struct lab *lab, size_t index, const char *version)
{
    say_placed(lab, index, lab->agents[index].session, PB__PLACED_STATE__PLACED_STATE_PLACED, version);
}

#define STORY_OF_A_PUSH                                                                                                                    \
    (void)state;                                                                                                                           \
    struct lab lab;                                                                                                                        \
    begin(&lab)

STORY(labels_select_the_hosts_and_who_was_never_heard_of_is_counted)
{
    STORY_OF_A_PUSH;
    const Pb__PluginPush *answer = push(&lab, (struct asked){.token = FIRST_TOKEN, .site = "south"});
    assert_int_equal(answer->n_hosts, 1);
    assert_int_equal(answer->unknown_labels, 1); // lab-z
    assert_host(answer, 0, "lab-b", PB__PUSH_STATE__PUSH_STATE_PLACING);
    assert_null(lab.agents[0].placing);
    assert_string_equal(lab.agents[1].placing->name, "nginx");
    assert_string_equal(lab.agents[1].placing->hash, HASH);
    placed(&lab, 1, "1.22.1");
    answer = push(&lab, (struct asked){.token = FIRST_TOKEN, .site = "south"});
    assert_host(answer, 0, "lab-b", PB__PUSH_STATE__PUSH_STATE_ANSWERED);
    assert_int_equal(answer->hosts[0]->placed, PB__PLACED_STATE__PLACED_STATE_PLACED);
    assert_string_equal(answer->hosts[0]->text, "1.22.1");
    lab_end(&lab);
}

STORY(nothing_of_a_push_is_durable)
{
    STORY_OF_A_PUSH;
    size_t before = lab.record_count;
    push(&lab, (struct asked){.token = FIRST_TOKEN});
    placed(&lab, 0, "");
    assert_int_equal(lab.record_count, before);
    lab_end(&lab);
}

STORY(the_same_push_asked_again_asks_no_agent_again)
{
    STORY_OF_A_PUSH;
    push(&lab, (struct asked){.token = FIRST_TOKEN});
    push(&lab, (struct asked){.token = FIRST_TOKEN});
    placed(&lab, 0, "");
    push(&lab, (struct asked){.token = FIRST_TOKEN});
    assert_int_equal(lab.agents[0].placings, 1);
    assert_int_equal(lab.agents[1].placings, 1);
    lab_end(&lab);
}

STORY(a_token_is_of_one_plugin)
{
    STORY_OF_A_PUSH;
    push(&lab, (struct asked){.token = FIRST_TOKEN});
    assert_null(push(&lab, (struct asked){.token = FIRST_TOKEN, .hash = OTHER_HASH}));
    assert_int_equal(lab.refused->code, PB__REFUSAL_CODE__REFUSAL_CODE_CONFLICT);
    assert_non_null(push(&lab, (struct asked){.token = OTHER_TOKEN, .hash = OTHER_HASH}));
    assert_string_equal(lab.agents[0].placing->hash, OTHER_HASH);
    lab_end(&lab);
}

STORY(a_viewer_pushes_nothing)
{
    STORY_OF_A_PUSH;
    assert_null(push(&lab, (struct asked){.token = FIRST_TOKEN, .role = PB__ROLE__ROLE_VIEWER}));
    assert_int_equal(lab.refused->code, PB__REFUSAL_CODE__REFUSAL_CODE_ROLE);
    assert_null(lab.agents[0].placing);
    lab_end(&lab);
}

STORY(a_host_that_is_away_is_asked_when_it_is_back)
{
    STORY_OF_A_PUSH;
    struct asked asked = {.token = FIRST_TOKEN, .agents = {"lab-b", "lab-z"}};
    lab_agent_gone(&lab, 1);
    const Pb__PluginPush *answer = push(&lab, asked);
    assert_host(answer, 0, "lab-b", PB__PUSH_STATE__PUSH_STATE_AWAY);
    assert_string_equal(answer->hosts[0]->text, "lost");
    assert_host(answer, 1, "lab-z", PB__PUSH_STATE__PUSH_STATE_AWAY);
    assert_string_equal(answer->hosts[1]->text, "never seen");
    lab_agent_hello(&lab, 1);
    assert_host(push(&lab, asked), 0, "lab-b", PB__PUSH_STATE__PUSH_STATE_PLACING);
    placed(&lab, 1, "");
    assert_host(push(&lab, asked), 0, "lab-b", PB__PUSH_STATE__PUSH_STATE_ANSWERED);
    lab_end(&lab);
}

STORY(a_refusal_comes_with_its_reason_and_is_no_other_hosts)
{
    STORY_OF_A_PUSH;
    push(&lab, (struct asked){.token = FIRST_TOKEN, .agents = {"lab-a", "lab-b", "nobody"}});
    say_placed(&lab, 0, lab.agents[0].session, PB__PLACED_STATE__PLACED_STATE_REFUSED, "there is no program nginx");
    const Pb__PluginPush *answer = push(&lab, (struct asked){.token = FIRST_TOKEN});
    assert_int_equal(answer->n_hosts, 3);
    assert_host(answer, 0, "lab-a", PB__PUSH_STATE__PUSH_STATE_ANSWERED);
    assert_int_equal(answer->hosts[0]->placed, PB__PLACED_STATE__PLACED_STATE_REFUSED);
    assert_string_equal(answer->hosts[0]->text, "there is no program nginx");
    assert_host(answer, 1, "lab-b", PB__PUSH_STATE__PUSH_STATE_PLACING);
    assert_host(answer, 2, "nobody", PB__PUSH_STATE__PUSH_STATE_ANSWERED);
    assert_string_equal(answer->hosts[2]->text, "there is no agent of this name");
    lab_end(&lab);
}

STORY(a_host_that_is_named_twice_is_asked_once)
{
    STORY_OF_A_PUSH;
    struct asked asked = {.token = FIRST_TOKEN, .agents = {"lab-a", "lab-b", "lab-a"}};
    assert_int_equal(push(&lab, asked)->n_hosts, 2);
    assert_int_equal(lab.agents[0].placings, 1);
    lab_end(&lab);
}

STORY(an_agent_that_comes_back_in_the_middle_is_asked_anew_and_its_old_word_is_not_taken)
{
    STORY_OF_A_PUSH;
    struct asked asked = {.token = FIRST_TOKEN, .agents = {"lab-a"}};
    push(&lab, asked);
    uint64_t old = lab.agents[0].session;
    lab_agent_hello(&lab, 0);
    placed(&lab, 0, "before it was asked in this session");
    say_placed(&lab, 0, old, PB__PLACED_STATE__PLACED_STATE_PLACED, "of the session that is over");
    assert_host(push(&lab, asked), 0, "lab-a", PB__PUSH_STATE__PUSH_STATE_PLACING);
    assert_int_equal(lab.agents[0].placings, 2);
    say_placed(&lab, 0, lab.agents[0].session, PB__PLACED_STATE__PLACED_STATE_UNCHANGED, "");
    const Pb__PluginPush *answer = push(&lab, asked);
    assert_host(answer, 0, "lab-a", PB__PUSH_STATE__PUSH_STATE_ANSWERED);
    assert_int_equal(answer->hosts[0]->placed, PB__PLACED_STATE__PLACED_STATE_UNCHANGED);
    lab_end(&lab);
}

STORY(a_push_goes_on_over_a_restart_of_the_coordinator)
{
    STORY_OF_A_PUSH;
    struct asked asked = {.token = FIRST_TOKEN, .agents = {"lab-a", "lab-b"}};
    push(&lab, asked);
    placed(&lab, 0, "");
    lab_restart(&lab);
    assert_host(push(&lab, asked), 0, "lab-a", PB__PUSH_STATE__PUSH_STATE_PLACING); // it has not had the time to come back
    lab_agent_hello(&lab, 0);
    lab_agent_hello(&lab, 1);
    assert_host(push(&lab, asked), 1, "lab-b", PB__PUSH_STATE__PUSH_STATE_PLACING);
    say_placed(&lab, 0, lab.agents[0].session, PB__PLACED_STATE__PLACED_STATE_UNCHANGED, "");
    placed(&lab, 1, "");
    const Pb__PluginPush *answer = push(&lab, asked);
    assert_host(answer, 0, "lab-a", PB__PUSH_STATE__PUSH_STATE_ANSWERED);
    assert_host(answer, 1, "lab-b", PB__PUSH_STATE__PUSH_STATE_ANSWERED);
    lab_end(&lab);
}

STORY(who_does_not_come_back_after_a_restart_of_the_coordinator_is_away)
{
    STORY_OF_A_PUSH;
    struct asked asked = {.token = FIRST_TOKEN, .agents = {"lab-a", "lab-z"}};
    lab_restart(&lab);
    assert_host(push(&lab, asked), 0, "lab-a", PB__PUSH_STATE__PUSH_STATE_PLACING);
    assert_host(push(&lab, asked), 1, "lab-z", PB__PUSH_STATE__PUSH_STATE_AWAY); // it has never been here
    lab_pass_ms(&lab, 30000, false);
    const Pb__PluginPush *answer = push(&lab, asked);
    assert_host(answer, 0, "lab-a", PB__PUSH_STATE__PUSH_STATE_AWAY);
    assert_string_equal(answer->hosts[0]->text, "never seen");
    lab_end(&lab);
}

// An agent drops what comes before its Welcome, and that may wait for a commit: who asks must not overtake it.
STORY(no_agent_is_asked_before_its_welcome)
{
    STORY_OF_A_PUSH;
    push(&lab, (struct asked){.token = FIRST_TOKEN, .agents = {"lab-a"}});
    assert_true(lab.agents[0].placing_keeps_its_place);
    lab_end(&lab);
}

STORY(a_push_that_was_forgotten_begins_again_and_takes_no_late_word)
{
    STORY_OF_A_PUSH;
    struct asked asked = {.token = FIRST_TOKEN, .agents = {"lab-a"}};
    push(&lab, asked);
    const Pb__PlacePlugin *first = lab.agents[0].placing;
    for (unsigned i = 1; i <= 16; i++) { // as many as are remembered
        push(&lab, (struct asked){.token = arena_printf(lab.arena, "%032x", i), .agents = {"lab-b"}});
    }
    placed(&lab, 0, "late");
    assert_host(push(&lab, asked), 0, "lab-a", PB__PUSH_STATE__PUSH_STATE_PLACING);
    assert_int_equal(lab.agents[0].placings, 2);
    assert_true(lab.agents[0].placing->push > first->push);
    lab_end(&lab);
}

// ---- different versions

static const Pb__Submitted *dry_run(struct lab *lab)
{
    Pb__Submit submit = PB__SUBMIT__INIT;
    submit.dry_run = true;
    struct core_event event = {.kind = CORE_SUBMIT,
                               .route = OPERATOR_ROUTE,
                               .peer_name = "ann",
                               .role = PB__ROLE__ROLE_OPERATOR,
                               .request = 1,
                               .submit = &submit,
                               .experiment = lab_experiment(lab, 2),
                               .content_hash = "hash"};
    lab->reply = NULL;
    lab_step(lab, &event);
    assert_non_null(lab->reply);
    return lab->reply->submitted;
}

static void has_server(struct lab *lab, size_t index, const char *file, const char *version, bool is_unprobed)
{
    lab->agents[index].server_file = file;
    lab->agents[index].server_version = version;
    lab->agents[index].is_unprobed = is_unprobed;
    lab_agent_hello(lab, index);
}

STORY(a_dry_run_warns_once_of_different_versions)
{
    BEGIN;
    has_server(&lab, 0, HASH, "1.22.1", false);
    has_server(&lab, 1, HASH, "1.22.1", false);
    assert_int_equal(dry_run(&lab)->n_diagnostics, 0);
    has_server(&lab, 1, HASH, "1.26.0", false); // the same plugin drives another program
    const Pb__Submitted *submitted = dry_run(&lab);
    assert_int_equal(submitted->n_diagnostics, 1);                // for two cells
    assert_int_equal(submitted->host_ms_at_most, 2 * 2 * 120000); // cells, hosts, a trial's whole time
    assert_true(submitted->diagnostics[0]->warning);
    assert_non_null(strstr(submitted->diagnostics[0]->message, "lab-a has 1.22.1 (file dddddddddddd)"));
    assert_non_null(strstr(submitted->diagnostics[0]->message, "lab-b has 1.26.0 (file dddddddddddd)"));
    has_server(&lab, 1, OTHER_HASH, "1.22.1", false);
    assert_int_equal(dry_run(&lab)->n_diagnostics, 1);
    lab_agent_gone(&lab, 1);
    assert_int_equal(dry_run(&lab)->n_diagnostics, 0);
    lab_end(&lab);
}

STORY(a_host_that_has_not_looked_yet_differs_from_nobody)
{
    BEGIN;
    has_server(&lab, 0, HASH, "", true);
    has_server(&lab, 1, HASH, "1.22.1", false);
    assert_int_equal(dry_run(&lab)->n_diagnostics, 0);
    lab_end(&lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_select_the_hosts_and_who_was_never_heard_of_is_counted),
        cmocka_unit_test(nothing_of_a_push_is_durable),
        cmocka_unit_test(the_same_push_asked_again_asks_no_agent_again),
        cmocka_unit_test(a_token_is_of_one_plugin),
        cmocka_unit_test(a_viewer_pushes_nothing),
        cmocka_unit_test(a_host_that_is_away_is_asked_when_it_is_back),
        cmocka_unit_test(a_refusal_comes_with_its_reason_and_is_no_other_hosts),
        cmocka_unit_test(a_host_that_is_named_twice_is_asked_once),
        cmocka_unit_test(an_agent_that_comes_back_in_the_middle_is_asked_anew_and_its_old_word_is_not_taken),
        cmocka_unit_test(a_push_goes_on_over_a_restart_of_the_coordinator),
        cmocka_unit_test(who_does_not_come_back_after_a_restart_of_the_coordinator_is_away),
        cmocka_unit_test(no_agent_is_asked_before_its_welcome),
        cmocka_unit_test(a_push_that_was_forgotten_begins_again_and_takes_no_late_word),
        cmocka_unit_test(a_dry_run_warns_once_of_different_versions),
        cmocka_unit_test(a_host_that_has_not_looked_yet_differs_from_nobody),
    };
    return cmocka_run_group_tests_name("pushes", tests, NULL, NULL);
}

// Stories of cases that want something of what they drive: another profile, a fresh generation, its execute(), conditions of the network.
#include "tests/unit/coordinator_core/story.h"

#include <stdio.h>
#include <string.h>

#include "common/base/message.h"
#include "coordinator/core/state.h"

#define STEPS_MAX 200       // of a whole trial, command by command
#define TRIAL_MS_MAX 300000 // in the lab's time; a trial that is cut short ends before

// ---- what was told to whom

static struct {
    const char *profile[8]; // of the server, by generation
    uint32_t generations;   // of the server
    Pb__RunCase *cases[16]; // as they came
    size_t case_count;
    Pb__Fault *faults[8];
    size_t fault_count;
    uint32_t executes;
    Pb__Initialize *network, *server;
} told;

static const char *profile_of(const Pb__Initialize *initialize)
{
    for (size_t i = 0; i < initialize->n_settings; i++) {
        if (strcmp(initialize->settings[i]->name, "profile") == 0) {
            return initialize->settings[i]->values[0];
        }
    }
    return "";
}

static void note(struct lab *lab, struct lab_guard *guard, const Pb__Command *command)
{
    const Pb__Command *kept = MESSAGE_COPY(command, lab->arena);
    switch (command->body_case) {
    case PB__COMMAND__BODY_INITIALIZE:
        if (kept->initialize->network) {
            told.network = kept->initialize;
        } else if (!guard->is_tester) {
            told.server = kept->initialize;
            told.generations = guard->generation;
            told.profile[guard->generation % 8] = profile_of(kept->initialize);
        }
        break;
    case PB__COMMAND__BODY_RUN_CASE:
        told.cases[told.case_count++ % 16] = kept->run_case;
        break;
    case PB__COMMAND__BODY_EXECUTE:
        told.executes++;
        break;
    case PB__COMMAND__BODY_FAULT:
        told.faults[told.fault_count++ % 8] = kept->fault;
        break;
    default:
        break;
    }
    const char *profile = guard->is_tester ? "" : told.profile[guard->generation % 8];
    lab->server_fails_start = profile && strcmp(profile, "bad") == 0; // NULL: the network, before the server
}

static Pb__Experiment *with_cases(struct lab *lab, const char *const *names, size_t count)
{
    memset(&told, 0, sizeof told);
    lab->whim = note;
    Pb__Experiment *experiment = lab_experiment(lab, 1);
    Pb__ServiceTemplate *tester = experiment->tests[0]->services[1];
    tester->cases = ARENA_ARRAY(lab->arena, char *, count);
    for (tester->n_cases = 0; tester->n_cases < count; tester->n_cases++) {
        tester->cases[tester->n_cases] = arena_string(lab->arena, names[tester->n_cases]);
    }
    return experiment;
}
#define CASES(...) CASES_OF(&lab, __VA_ARGS__)
#define CASES_OF(lab, ...) with_cases((lab), (const char *const[]){__VA_ARGS__}, sizeof(const char *[]){__VA_ARGS__} / sizeof(const char *))

static void assert_case(size_t index, const char *name, uint32_t generation, const char *profile)
{
    assert_true(index < told.case_count);
    const Pb__RunCase *run = told.cases[index];
    assert_string_equal(run->name, name);
    assert_true(run->n_peers >= 1);
    assert_string_equal(run->peers[0]->drive, "server");
    assert_string_equal(run->peers[0]->peer->service, "server");
    assert_int_equal(run->peers[0]->peer->generation, generation);
    assert_int_equal(run->peers[0]->peer->n_endpoints, 1);
    assert_string_equal(run->peers[0]->profile, profile);
}

// ---- profiles, and fresh ones

STORY(a_case_gets_the_profile_it_wants)
{
    BEGIN;
    submit_experiment(&lab, CASES("one", "retry", "c3", "retry"));
    assert_only_cell(&lab, VERDICT_PASS, REASON_UNSPECIFIED);
    assert_int_equal(told.case_count, 4);
    assert_case(0, "one", 1, "");
    assert_case(1, "retry", 2, "retry");
    assert_case(2, "c3", 2, "retry"); // it names no profile: as it is
    assert_case(3, "retry", 2, "retry");
    assert_string_equal(told.profile[1], "");
    assert_string_equal(told.profile[2], "retry");
    assert_int_equal(told.generations, 2);
    lab_end(&lab);
}

STORY(a_fresh_service_has_served_no_case)
{
    BEGIN;
    submit_experiment(&lab, CASES("fresh", "fresh", "one", "fresh"));
    assert_only_cell(&lab, VERDICT_PASS, REASON_UNSPECIFIED);
    assert_case(0, "fresh", 1, "");
    assert_case(1, "fresh", 2, "");
    assert_case(2, "one", 2, "");
    assert_case(3, "fresh", 3, "");
    lab_end(&lab);
}

STORY(fresh_case_makes_every_case_one)
{
    BEGIN;
    Pb__Experiment *experiment = CASES("one", "c2", "c3");
    experiment->tests[0]->services[1]->fresh = PB__FRESH__FRESH_CASE;
    submit_experiment(&lab, experiment);
    assert_only_cell(&lab, VERDICT_PASS, REASON_UNSPECIFIED);
    assert_case(2, "c3", 3, "");
    lab_end(&lab);
}

STORY(cases_without_setups_get_no_peers)
{
    BEGIN;
    submit_experiment(&lab, CASES("one", "c2"));
    assert_only_cell(&lab, VERDICT_PASS, REASON_UNSPECIFIED);
    assert_int_equal(told.cases[0]->n_peers, 0);
    assert_int_equal(told.generations, 1);
    lab_end(&lab);
}

// ---- what goes wrong

STORY(a_profile_that_does_not_come_up_takes_its_case_alone)
{
    BEGIN;
    submit_experiment(&lab, CASES("one", "bad", "retry", "bad"));
    assert_only_cell(&lab, VERDICT_INCONC, REASON_INFRASTRUCTURE);
    assert_int_equal(told.case_count, 2);
    assert_case(1, "retry", 3, "retry");
    const Pb__TrialEnded *ended = lab.trials[0];
    assert_int_equal(ended->n_unfinished, 2);
    assert_string_equal(ended->unfinished[0]->name, "bad");
    assert_non_null(strstr(ended->unfinished[0]->outcome->text, "server (server): start"));
    lab_end(&lab);
}

static void crash_when_bad(struct lab *lab, struct lab_guard *guard, const Pb__Command *command)
{
    note(lab, guard, command);
    lab->server_crashes = lab->server_fails_start;
}

STORY(a_crash_while_it_starts_fails_the_case)
{
    BEGIN;
    Pb__Experiment *experiment = CASES("one", "bad", "retry");
    lab.whim = crash_when_bad;
    submit_experiment(&lab, experiment);
    assert_int_equal(lab.cell_count, 1);
    assert_int_equal(told.case_count, 2);
    assert_true(lab.cells[0]->outcome->verdict > PB__VERDICT__VERDICT_PASS);
    lab_end(&lab);
}

static void crash_in_first(struct lab *lab, struct lab_guard *guard, const Pb__Command *command)
{
    note(lab, guard, command);
    lab->server_crashes = guard->generation == 1 && !guard->is_tester;
}

STORY(a_crash_of_the_old_generation_counts)
{
    BEGIN;
    Pb__Experiment *experiment = CASES("one", "retry");
    lab.whim = crash_in_first;
    submit_experiment(&lab, experiment);
    assert_only_cell(&lab, VERDICT_FAIL, REASON_CRASH);
    lab_end(&lab);
}

static void cut_first(struct lab *lab, struct lab_guard *guard, const Pb__Command *command)
{
    note(lab, guard, command);
    lab->streams_are_cut = guard->generation == 1 && !guard->is_tester;
}

STORY(evidence_of_every_generation_is_wanted)
{
    BEGIN;
    Pb__Experiment *experiment = CASES("one", "retry");
    lab.whim = cut_first;
    submit_experiment(&lab, experiment);
    assert_int_equal(told.case_count, 2);
    assert_only_cell(&lab, VERDICT_INCONC, REASON_INCOMPLETE);
    lab_end(&lab);
}

// ---- execute

STORY(a_client_executes_for_the_case_and_the_tester_judges)
{
    BEGIN;
    lab.server_executes = true;
    lab.execute_verdict = VERDICT_FAIL; // not the trial's: the tester says pass
    lab_agent_hello(&lab, 0);
    lab_agent_hello(&lab, 1);
    submit_experiment(&lab, CASES("execute", "execute"));
    assert_int_equal(told.executes, 2);
    assert_case(0, "execute", 1, "");
    assert_case(1, "execute", 2, ""); // what has executed is not told to again
    for (size_t i = 0; i < 2; i++) {
        assert_true(told.cases[i]->peers[0]->executed);
        assert_int_equal(told.cases[i]->peers[0]->outcome->verdict, PB__VERDICT__VERDICT_FAIL);
        assert_true(told.cases[i]->peers[0]->ended_ns - told.cases[i]->peers[0]->began_ns == NS_PER_MS);
    }
    assert_only_cell(&lab, VERDICT_PASS, REASON_UNSPECIFIED);
    lab_end(&lab);
}

// ---- the network

static Pb__Experiment *on_network(struct lab *lab, Pb__Experiment *experiment)
{
    lab->has_network = true;
    lab_agent_hello(lab, 0);
    lab_agent_hello(lab, 1);
    Pb__Test *test = experiment->tests[0];
    test->network = ARENA_NEW(lab->arena, Pb__Network);
    pb__network__init(test->network);
    test->network->type = arena_string(lab->arena, "emulated");
    test->network->family = arena_string(lab->arena, "ipv4");
    for (size_t i = 0; i < 2; i++) { // as coordinator/experiment/network.c completes it
        Pb__ServiceTemplate *service = test->services[i];
        char **needs = ARENA_ARRAY(lab->arena, char *, service->n_needs + 1);
        for (size_t j = 0; j < service->n_needs; j++)
            needs[j] = service->needs[j];
        needs[service->n_needs] = arena_string(lab->arena, "network");
        service->needs = needs;
        service->n_needs++;
    }
    test->case_conditions = arena_string(lab->arena, "replace");
    return experiment;
}

STORY(a_network_is_there_before_those_who_use_it)
{
    BEGIN;
    submit_experiment(&lab, on_network(&lab, CASES("one")));
    assert_only_cell(&lab, VERDICT_PASS, REASON_UNSPECIFIED);
    assert_non_null(told.network);
    assert_int_equal(told.network->n_network_services, 2);
    assert_string_equal(told.network->network_services[0], "server");
    assert_non_null(told.server->network_place);
    assert_string_equal(told.server->network_place->address, "10.0.0.1");
    assert_int_equal(told.server->n_peers, 0);
    lab_end(&lab);
}

STORY(a_case_gets_its_conditions_and_the_next_one_none)
{
    BEGIN;
    submit_experiment(&lab, on_network(&lab, CASES("one", "slow", "slow", "c4")));
    assert_only_cell(&lab, VERDICT_PASS, REASON_UNSPECIFIED);
    assert_int_equal(told.fault_count, 2);
    assert_string_equal(told.faults[0]->kind, "link");
    assert_int_equal(told.faults[0]->n_links, 1);
    assert_string_equal(told.faults[0]->links[0]->conditions[0]->values[0], "20ms");
    assert_int_equal(told.faults[1]->n_links, 0);
    assert_int_equal(told.cases[1]->n_conditions, 1);
    assert_string_equal(told.cases[1]->peers[1]->drive, "network");
    lab_end(&lab);
}

// For all pairs.
static void put_rule(struct lab *lab, Pb__Network *network, const char *condition, const char *value)
{
    Pb__LinkRule *rule = ARENA_NEW(lab->arena, Pb__LinkRule);
    pb__link_rule__init(rule);
    Pb__PlacedSetting *setting = ARENA_NEW(lab->arena, Pb__PlacedSetting);
    pb__placed_setting__init(setting);
    setting->name = arena_string(lab->arena, condition);
    setting->values = ARENA_ARRAY(lab->arena, char *, 1);
    setting->values[setting->n_values++] = arena_string(lab->arena, value);
    rule->conditions = ARENA_ARRAY(lab->arena, Pb__PlacedSetting *, 1);
    rule->conditions[rule->n_conditions++] = setting;
    network->links = ARENA_ARRAY(lab->arena, Pb__LinkRule *, 1);
    network->links[network->n_links++] = rule;
}

STORY(own_conditions_are_taken_back_for_a_case_that_replaces_them)
{
    BEGIN;
    Pb__Experiment *experiment = on_network(&lab, CASES("slow"));
    put_rule(&lab, experiment->tests[0]->network, "loss", "1%");
    submit_experiment(&lab, experiment);
    assert_only_cell(&lab, VERDICT_PASS, REASON_UNSPECIFIED);
    const Pb__LinkRule *laid = told.faults[0]->links[0];
    assert_int_equal(laid->n_conditions, 2);
    assert_string_equal(laid->conditions[1]->name, "loss");
    assert_string_equal(laid->conditions[1]->values[0], "0%");
    lab_end(&lab);
}

// The network's process dies while the last case runs, which then fails.
static void network_dies(struct lab *lab, struct lab_guard *guard, const Pb__Command *command)
{
    note(lab, guard, command);
    lab->case_verdict = VERDICT_FAIL;
    if (command->body_case != PB__COMMAND__BODY_RUN_CASE) {
        return;
    }
    size_t agent = 0;
    const uint64_t network_id = 3; // the services are 1 and 2
    struct lab_guard *network = lab_guard(lab, network_id, &agent);
    Pb__Event event = PB__EVENT__INIT;
    Pb__ProcessExited exited = PB__PROCESS_EXITED__INIT;
    event.instance = network_id;
    event.generation = 1;
    exited.process = 1;
    exited.name = (char *)(uintptr_t) "panther-link";
    exited.signal = 9;
    exited.status = -1;
    exited.expectation = PB__EXIT_EXPECTATION__EXIT_EXPECTATION_UNEXPECTED;
    event.body_case = PB__EVENT__BODY_PROCESS_EXITED;
    event.process_exited = &exited;
    lab_event(lab, agent, &event);
    network->outbox_last = lab->agents[agent].sequence;
    network->process_lives = false;
}

STORY(what_fails_on_a_network_that_broke_is_no_verdict)
{
    BEGIN;
    Pb__Experiment *experiment = on_network(&lab, CASES("one"));
    lab.whim = network_dies;
    submit_experiment(&lab, experiment);
    assert_only_cell(&lab, VERDICT_INCONC, REASON_INFRASTRUCTURE);
    assert_non_null(strstr(lab.cells[0]->outcome->text, "panther-link died of signal 9"));
    lab_end(&lab);
}

// ---- its capture

#define NOT_THERE UINT64_MAX

static uint64_t captured_bytes;

// The network's file is told before its command is answered.
static void capture(struct lab *lab, struct lab_guard *guard, const Pb__Command *command)
{
    if (command->body_case != PB__COMMAND__BODY_INITIALIZE || !command->initialize->network) {
        return;
    }
    size_t agent = 0;
    Pb__Event event = PB__EVENT__INIT;
    Pb__ArtifactReady ready = PB__ARTIFACT_READY__INIT;
    ready.path = arena_string(lab->arena, "network.pcapng");
    ready.kind = arena_string(lab->arena, "pcap");
    ready.hash = arena_string(lab->arena, "00000000000000000000000000000000");
    ready.size_bytes = captured_bytes;
    event.body_case = PB__EVENT__BODY_ARTIFACT_READY;
    event.artifact_ready = &ready;
    event.instance = guard->instance;
    event.generation = guard->generation;
    assert_ptr_equal(lab_guard(lab, guard->instance, &agent), guard);
    lab_event(lab, agent, &event);
    guard->outbox_last = lab->agents[agent].sequence;
}

static void judge_capture(struct lab *lab, uint64_t bytes, bool off, bool absent)
{
    Pb__Experiment *experiment = on_network(lab, CASES_OF(lab, "one"));
    Pb__Assertion *assertion = lab_assertion(lab, experiment, "");
    experiment->tests[0]->network->no_capture = off;
    assertion->body_case = PB__ASSERTION__BODY_CAPTURE;
    assertion->capture = ARENA_NEW(lab->arena, Pb__CaptureAssertion);
    pb__capture_assertion__init(assertion->capture);
    assertion->capture->absent = absent;
    captured_bytes = bytes;
    lab->whim = bytes == NOT_THERE ? note : capture;
    submit_experiment(lab, experiment);
}

STORY(a_capture_that_somebody_removed_says_nothing_of_the_server)
{
    for (int absent = 0; absent < 2; absent++) {
        BEGIN;
        judge_capture(&lab, NOT_THERE, false, absent);
        assert_only_cell(&lab, VERDICT_INCONC, REASON_INCOMPLETE);
        assert_non_null(strstr(lab.cells[0]->outcome->text, "not found, but the capture is gone, or empty"));
        lab_end(&lab);
    }
}

STORY(a_capture_that_was_cut_to_nothing_says_nothing_of_the_server)
{
    BEGIN;
    judge_capture(&lab, 0, false, false);
    assert_only_cell(&lab, VERDICT_INCONC, REASON_INCOMPLETE);
    lab_end(&lab);
}

STORY(a_capture_that_is_there_is_what_was_asked_for_or_not)
{
    for (int absent = 0; absent < 2; absent++) {
        BEGIN;
        judge_capture(&lab, 1000, false, absent);
        assert_only_cell(&lab, absent ? VERDICT_FAIL : VERDICT_PASS, absent ? REASON_ASSERTION : REASON_UNSPECIFIED);
        lab_end(&lab);
    }
}

STORY(a_network_that_does_not_capture_owes_no_file)
{
    BEGIN;
    judge_capture(&lab, NOT_THERE, true, true);
    assert_only_cell(&lab, VERDICT_PASS, REASON_UNSPECIFIED);
    lab_end(&lab);
}

STORY(nothing_is_placed_where_its_environment_cannot_be)
{
    BEGIN;
    Pb__Experiment *experiment = CASES("one");
    Pb__ExecutionEnvironment *strace = ARENA_NEW(lab.arena, Pb__ExecutionEnvironment);
    pb__execution_environment__init(strace);
    strace->type = arena_string(lab.arena, "strace");
    Pb__Test *test = experiment->tests[0];
    test->environments = ARENA_ARRAY(lab.arena, Pb__ExecutionEnvironment *, 1);
    test->environments[test->n_environments++] = strace;
    submit_experiment(&lab, experiment); // the agents said nothing of strace
    for (uint32_t i = 0; i < 700 && !lab.run_ended; i++) {
        lab_pass_ms(&lab, 100, true);
    }
    assert_int_equal(lab.cell_count, 1);
    assert_int_equal(told.case_count, 0);
    assert_non_null(strstr(lab.cells[0]->outcome->text, "strace"));
    lab_end(&lab);
}

STORY(no_network_is_begun_where_no_host_can_make_one)
{
    BEGIN;
    lab.network_refused = "cannot open /dev/net/tun";
    submit_experiment(&lab, on_network(&lab, CASES("one")));
    for (uint32_t i = 0; i < 700 && !lab.run_ended; i++) {
        lab_pass_ms(&lab, 100, true);
    }
    assert_int_equal(lab.cell_count, 1);
    assert_int_equal(told.case_count, 0);
    assert_null(told.network);
    assert_int_equal(lab.cells[0]->outcome->verdict, PB__VERDICT__VERDICT_ERROR);
    assert_non_null(strstr(lab.cells[0]->outcome->text, "service network: no host can start it so: "));
    assert_non_null(strstr(lab.cells[0]->outcome->text, "cannot open /dev/net/tun"));
    lab_end(&lab);
}

// What a lab's hosts lack is asked of those conditions that need it: a rate is made by all of them.
static void in_a_lab_without_netem(struct lab *lab, const char *condition, const char *value)
{
    lab->network_plugin = "lab";
    lab->network_lack = "network.netem";
    lab->network_refused = "this kernel has no netem";
    Pb__Experiment *experiment = on_network(lab, CASES_OF(lab, "one"));
    Pb__Network *network = experiment->tests[0]->network;
    network->type = arena_string(lab->arena, "lab");
    for (size_t i = 0; i < 2; i++) {
        Pb__ServiceTemplate *service = experiment->tests[0]->services[i];
        service->needs[service->n_needs - 1] = arena_printf(lab->arena, "network.%s", service->name);
    }
    put_rule(lab, network, condition, value);
    submit_experiment(lab, experiment);
    for (uint32_t i = 0; i < 700 && !lab->run_ended; i++) {
        lab_pass_ms(lab, 100, true);
    }
    assert_int_equal(lab->cell_count, 1);
}

STORY(a_delay_is_refused_where_no_kernel_has_netem)
{
    BEGIN;
    in_a_lab_without_netem(&lab, "delay", "20ms");
    assert_int_equal(told.case_count, 0);
    assert_int_equal(lab.cells[0]->outcome->verdict, PB__VERDICT__VERDICT_ERROR);
    assert_non_null(strstr(lab.cells[0]->outcome->text, "service network.server: no host can start it so: "));
    assert_non_null(strstr(lab.cells[0]->outcome->text, ": this kernel has no netem; "));
    lab_end(&lab);
}

STORY(a_rate_needs_no_netem)
{
    BEGIN;
    in_a_lab_without_netem(&lab, "rate", "4Mbit");
    assert_non_null(told.network);
    lab_end(&lab);
}

STORY(conditions_that_cannot_be_made_take_the_case)
{
    BEGIN;
    lab.fault_problem = "no netem";
    submit_experiment(&lab, on_network(&lab, CASES("one", "slow")));
    assert_only_cell(&lab, VERDICT_INCONC, REASON_INFRASTRUCTURE);
    assert_int_equal(told.case_count, 1);
    assert_non_null(strstr(lab.trials[0]->unfinished[0]->outcome->text, "no netem"));
    lab_end(&lab);
}

STORY(nobody_runs_a_case_without_its_conditions)
{
    BEGIN;
    submit_experiment(&lab, CASES("one", "slow")); // no network
    assert_int_equal(told.case_count, 1);
    assert_string_equal(lab.trials[0]->unfinished[0]->name, "slow");
    assert_int_equal(lab.trials[0]->unfinished[0]->outcome->reason, PB__REASON__REASON_UNSUPPORTED);
    lab_end(&lab);
}

// ---- at any moment

static void come_back(struct lab *lab)
{
    for (size_t i = 0; i < lab->agent_count; i++) {
        if (!lab->agents[i].connected) {
            lab_agent_hello(lab, i);
        }
    }
}

// One command at each agent, what they say of it, and a tick. False: the run has ended.
static bool one_step(struct lab *lab)
{
    for (size_t i = 0; i < lab->agent_count; i++) {
        lab_agent_work(lab, i, 1);
        lab_agent_flush(lab, i);
    }
    lab_pass_ms(lab, 100, true);
    return !lab->run_ended;
}

// What a timeline does to the tester has a number between those of its cases, whether they are sent or not; and a clock is told between
// Initialize and Start.
static void add_timeline(struct lab *lab, Pb__Experiment *experiment)
{
    static const char *const kinds[] = {"disk_full", "disk_full", "clock"};
    static const char *const services[] = {"load", "load", "server"};
    for (size_t i = 0; i < 3; i++) {
        Pb__TimelineEntry *entry = lab_entry(lab, experiment, arena_printf(lab->arena, "entry-%zu", i + 1), services[i]);
        entry->body_case = PB__TIMELINE_ENTRY__BODY_FAULT;
        entry->fault = ARENA_NEW(lab->arena, Pb__Fault);
        pb__fault__init(entry->fault);
        entry->fault->id = entry->id;
        entry->fault->kind = arena_string(lab->arena, kinds[i]);
        entry->fault->for_ms = i < 2 ? 300 : 0;
        entry->trigger = ARENA_NEW(lab->arena, Pb__Trigger);
        pb__trigger__init(entry->trigger);
        entry->trigger->plus_ms = i * 700;
    }
}

typedef void happening_fn(struct lab *lab);

struct attempt {
    happening_fn *happening;
    int verdict;
    const char *const *names; // of cases
    size_t count;
    bool has_timeline;
};

// Whether the trial was still there at that step: if not, all its steps have been tried.
static bool at_step(size_t step, const struct attempt *attempt)
{
    struct lab lab;
    lab_begin(&lab);
    lab.server_executes = true;
    lab.execute_verdict = VERDICT_PASS;
    lab.has_network = true;
    lab_agent_hello(&lab, 0);
    lab_agent_hello(&lab, 1);
    lab.is_async = true;
    Pb__Experiment *experiment = on_network(&lab, with_cases(&lab, attempt->names, attempt->count));
    if (attempt->has_timeline) {
        add_timeline(&lab, experiment);
    }
    submit_experiment(&lab, experiment);
    bool lives = !lab.run_ended;
    for (size_t i = 0; i < step && lives; i++) {
        lives = one_step(&lab);
    }
    if (lives) {
        attempt->happening(&lab);
        for (size_t i = 0; i < TRIAL_MS_MAX / 100 && one_step(&lab); i++) {
        }
    }
    assert_non_null(lab.run_ended);
    if (lab.cells[0]->outcome->verdict != (Pb__Verdict)attempt->verdict && lives) {
        print_error("at step %zu: %s\n", step, lab.cells[0]->outcome->text);
        fail();
    }
    assert_true(core_is_idle(lab.core));
    lab_end(&lab);
    return lives;
}

static const char *const every_kind[] = {"retry", "fresh", "execute", "slow", "bad", "execute"};
#define EVERY_KIND every_kind, sizeof every_kind / sizeof *every_kind

static void restart(struct lab *lab)
{
    lab_restart(lab);
    come_back(lab);
}

static void new_session(struct lab *lab)
{
    for (size_t i = 0; i < lab->agent_count; i++) {
        lab_agent_gone(lab, i);
    }
    come_back(lab);
}

static void cancel(struct lab *lab)
{
    lab_cancel(lab, "1", "enough");
}

static void lose_for_ever(struct lab *lab)
{
    for (size_t i = 0; i < lab->agent_count; i++) {
        lab_agent_gone(lab, i);
    }
}

static void try_attempt(const struct attempt *attempt)
{
    size_t step = 0;
    while (at_step(step, attempt)) {
        step++;
        assert_true(step < STEPS_MAX);
    }
    assert_in_range(step, 15, STEPS_MAX); // there was something to interrupt
}

static void try_every_step(happening_fn *happening, int verdict, const char *const *names, size_t count)
{
    try_attempt(&(struct attempt){happening, verdict, names, count, false});
}

STORY(a_restart_of_the_coordinator_at_any_step_changes_nothing)
{
    (void)state;
    try_every_step(restart, VERDICT_INCONC, EVERY_KIND); // "bad" does not come up
    static const char *const good[] = {"retry", "fresh", "execute", "slow", "execute"};
    try_every_step(restart, VERDICT_PASS, good, 5);
}

STORY(a_new_session_of_the_agents_at_any_step_changes_nothing)
{
    (void)state;
    static const char *const good[] = {"retry", "fresh", "execute", "slow", "execute"};
    try_every_step(new_session, VERDICT_PASS, good, 5);
}

STORY(a_timeline_beside_such_cases_is_told_in_order_at_any_step)
{
    (void)state;
    static const char *const good[] = {"retry", "fresh", "fresh"};
    static const char *const bad[] = {"retry", "bad", "fresh", "bad"}; // what was not brought up leaves holes in the numbers
    try_attempt(&(struct attempt){new_session, VERDICT_PASS, good, 3, true});
    try_attempt(&(struct attempt){restart, VERDICT_PASS, good, 3, true});
    try_attempt(&(struct attempt){new_session, VERDICT_INCONC, bad, 4, true});
}

STORY(a_run_that_is_cancelled_at_any_step_ends)
{
    (void)state;
    try_every_step(cancel, VERDICT_INCONC, EVERY_KIND);
}

STORY(agents_that_are_lost_at_any_step_are_an_error)
{
    (void)state;
    static const char *const few[] = {"retry", "fresh"};
    try_every_step(lose_for_ever, VERDICT_ERROR, few, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_case_gets_the_profile_it_wants),
        cmocka_unit_test(a_fresh_service_has_served_no_case),
        cmocka_unit_test(fresh_case_makes_every_case_one),
        cmocka_unit_test(cases_without_setups_get_no_peers),
        cmocka_unit_test(a_profile_that_does_not_come_up_takes_its_case_alone),
        cmocka_unit_test(a_crash_while_it_starts_fails_the_case),
        cmocka_unit_test(a_crash_of_the_old_generation_counts),
        cmocka_unit_test(evidence_of_every_generation_is_wanted),
        cmocka_unit_test(a_client_executes_for_the_case_and_the_tester_judges),
        cmocka_unit_test(a_network_is_there_before_those_who_use_it),
        cmocka_unit_test(a_case_gets_its_conditions_and_the_next_one_none),
        cmocka_unit_test(own_conditions_are_taken_back_for_a_case_that_replaces_them),
        cmocka_unit_test(what_fails_on_a_network_that_broke_is_no_verdict),
        cmocka_unit_test(a_capture_that_somebody_removed_says_nothing_of_the_server),
        cmocka_unit_test(a_capture_that_was_cut_to_nothing_says_nothing_of_the_server),
        cmocka_unit_test(a_capture_that_is_there_is_what_was_asked_for_or_not),
        cmocka_unit_test(a_network_that_does_not_capture_owes_no_file),
        cmocka_unit_test(nothing_is_placed_where_its_environment_cannot_be),
        cmocka_unit_test(a_delay_is_refused_where_no_kernel_has_netem),
        cmocka_unit_test(a_rate_needs_no_netem),
        cmocka_unit_test(no_network_is_begun_where_no_host_can_make_one),
        cmocka_unit_test(conditions_that_cannot_be_made_take_the_case),
        cmocka_unit_test(nobody_runs_a_case_without_its_conditions),
        cmocka_unit_test(a_restart_of_the_coordinator_at_any_step_changes_nothing),
        cmocka_unit_test(a_new_session_of_the_agents_at_any_step_changes_nothing),
        cmocka_unit_test(a_timeline_beside_such_cases_is_told_in_order_at_any_step),
        cmocka_unit_test(a_run_that_is_cancelled_at_any_step_ends),
        cmocka_unit_test(agents_that_are_lost_at_any_step_are_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

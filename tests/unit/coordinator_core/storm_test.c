// Storms: random stories with random faults, checked after each step, then a calm in which everything has to end (P1, P3, P7, P9).
// The same seed is the same storm: `storm_test SEED` runs one alone.
#include "tests/unit/coordinator_core/story.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "coordinator/core/state.h"

#define SEEDS 800
#define TRIAL_MS 20000
#define STOP_MS 2000
// Of a calm: what is wedged takes its trial's time, the time to wind down and its lease; what was waiting goes on beside it or after it.
#define CALM_MS (3 * (TRIAL_MS + 4 * STOP_MS + WIND_DOWN_SLACK_MS + LEASE_MS + KILL_LADDER_MS) + 60000)

struct trial_seen {
    size_t cases, results;
    bool in_calm;
    Pb__TrialStarted *started;
};

struct storm {
    struct lab lab; // first: whims get it
    uint64_t state; // of the random numbers
    bool is_calm, is_full;
    bool is_silent[LAB_AGENTS_MAX];
    size_t records_seen, runs_left;
    struct map *cells;     // name -> record, of those that ended
    struct map *failed;    // name -> record, of those of which something failed
    struct map *trials;    // id -> struct trial_seen
    struct map *runs;      // number -> record, of those that have not ended
    struct map *cancelled; // number -> record
};

static uint64_t seed_now;
static unsigned cells_seen[VERDICT_ERROR + 1], trials_seen;

// splitmix64: small, and any seed is a good one
static uint64_t draw(struct storm *storm, uint64_t below)
{
    uint64_t z = storm->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (z ^ (z >> 31)) % below;
}

static bool chance(struct storm *storm, unsigned percent)
{
    return draw(storm, 100) < percent;
}

// ---- what is submitted

static void add_rules(struct storm *storm, Pb__Test *test)
{
    static Pb__Reason reasons[] = {PB__REASON__REASON_LOST, PB__REASON__REASON_INFRASTRUCTURE, PB__REASON__REASON_TIMEOUT};
    test->retry->reasons = reasons;
    test->retry->n_reasons = draw(storm, 4);
    test->retry->times = (uint32_t)draw(storm, 3);
    test->timeouts->trial_ms = TRIAL_MS;
    test->timeouts->stop_ms = STOP_MS;
    test->timeouts->queue_ms = chance(storm, 50) ? 60000 : 10000;
    test->timeouts->lease_ms = chance(storm, 50) ? LEASE_MS : LEASE_MS / 2;
    test->services[0]->host->exclusive = chance(storm, 20);
    test->services[0]->host->cpus = (uint32_t)draw(storm, LAB_CPUS + 1);
    test->services[1]->host->memory_bytes = draw(storm, 3) * LAB_MEMORY_BYTES / 2;
    if (chance(storm, 30)) {
        test->services[1]->host->apart_from = test->services[1]->needs;
        test->services[1]->host->n_apart_from = 1;
    }
}

static void add_assertions(struct storm *storm, Pb__Experiment *experiment)
{
    struct lab *lab = &storm->lab;
    if (chance(storm, 30)) {
        Pb__Assertion *assertion = lab_assertion(lab, experiment, "server");
        assertion->body_case = PB__ASSERTION__BODY_OUTPUT;
        assertion->output = ARENA_NEW(lab->arena, Pb__OutputAssertion);
        pb__output_assertion__init(assertion->output);
        assertion->output->pattern = arena_string(lab->arena, "AddressSanitizer");
        assertion->output->absent = true;
    }
    if (chance(storm, 30)) {
        Pb__Assertion *assertion = lab_assertion(lab, experiment, "load");
        assertion->body_case = PB__ASSERTION__BODY_METRIC;
        assertion->metric = ARENA_NEW(lab->arena, Pb__MetricAssertion);
        pb__metric_assertion__init(assertion->metric);
        assertion->metric->name = arena_string(lab->arena, "rate");
        assertion->metric->has_at_least = true;
        assertion->metric->at_least = 100;
    }
}

static void submit_run(struct storm *storm)
{
    Pb__Experiment *experiment = lab_experiment(&storm->lab, (uint32_t)(1 + draw(storm, 6)));
    lab_cases(&storm->lab, experiment, chance(storm, 10) ? 150 : 1 + draw(storm, 5));
    add_rules(storm, experiment->tests[0]);
    add_assertions(storm, experiment);
    lab_submit(&storm->lab, experiment, "", "hash", PB__ROLE__ROLE_OPERATOR);
    storm->runs_left--;
}

// How the next command goes.
static void whim(struct lab *lab, struct lab_guard *guard, const Pb__Command *command)
{
    struct storm *storm = (struct storm *)(void *)lab;
    bool wild = !storm->is_calm;
    lab->server_crashes = wild && chance(storm, 4);
    lab->server_fails_start = wild && chance(storm, 3);
    lab->streams_are_cut = wild && chance(storm, 3);
    guard->is_wedged |= wild && chance(storm, 1) && command->number > 1;
    uint64_t fate = wild ? draw(storm, 100) : 99;
    lab->case_verdict = fate < 1 ? VERDICT_FAIL : fate < 2 ? VERDICT_INCONC : fate < 3 ? VERDICT_ERROR : VERDICT_PASS;
    lab->case_reason = fate >= 3 ? REASON_UNSPECIFIED : fate == 1 ? REASON_TIMEOUT : REASON_INFRASTRUCTURE;
}

// ---- what must always hold

// "r1/load/2#1" -> "r1/load/2"
static char *cell_of(struct storm *storm, const Pb__TrialStarted *started)
{
    return arena_string_bytes(storm->lab.arena, started->name, strcspn(started->name, "#"));
}

static void see_trial_started(struct storm *storm, Pb__TrialStarted *started)
{
    struct trial_seen *trial = ARENA_NEW(storm->lab.arena, struct trial_seen);
    trial->started = started;
    trial->in_calm = storm->is_calm;
    trials_seen++;
    for (size_t i = 0; i < started->plan->n_services; i++) {
        trial->cases += started->plan->services[i]->n_cases;
    }
    assert_null(map_put_number(storm->trials, started->trial, trial));
    assert_null(map_get_text(storm->failed, cell_of(storm, started))); // what failed is not tried again
    assert_null(map_get_number(storm->cancelled, started->run));
    const Pb__HostRule *rule = started->plan->services[1]->host;
    assert_false(rule->n_apart_from && strcmp(started->services[0]->agent, started->services[1]->agent) == 0);
}

// On every host that took part.
static void check_pass(struct storm *storm, const Pb__TrialStarted *started)
{
    for (size_t i = 0; i < started->n_services; i++) {
        size_t agent;
        const struct lab_guard *guard = lab_guard(&storm->lab, started->services[i]->instance, &agent);
        assert_non_null(guard);
        assert_true(guard->ended);
        assert_false(guard->tainted || guard->is_wedged);
        assert_int_equal(guard->cases_done, started->plan->services[i]->n_cases);
    }
}

// A pass is one, and where nothing goes wrong there is one. Every case has one outcome.
static void see_trial_ended(struct storm *storm, const Pb__TrialEnded *ended)
{
    const struct trial_seen *trial = map_get_number(storm->trials, ended->trial);
    assert_non_null(trial);
    assert_int_equal(trial->results + ended->n_unfinished, trial->cases);
    if (ended->outcome->verdict == VERDICT_PASS) {
        check_pass(storm, trial->started);
    } else if (trial->in_calm) {
        fail_msg("%s: %s", ended->name, ended->outcome->text);
    }
}

static void see_cell_ended(struct storm *storm, Pb__CellEnded *ended)
{
    assert_null(map_put_text(storm->cells, ended->name, ended)); // never two verdicts
    assert_true(ended->outcome->verdict >= VERDICT_FAIL || !map_get_text(storm->failed, ended->name));
    cells_seen[ended->outcome->verdict]++;
}

static void see_run_ended(struct storm *storm, const Pb__RunEnded *ended)
{
    const Pb__RunAccepted *run = map_remove_number(storm->runs, ended->run);
    assert_non_null(run);
    assert_int_equal(ended->passed + ended->failed + ended->inconclusive + ended->errors + ended->none, run->cells);
}

static void see_event(struct storm *storm, const Pb__InstanceEvent *kept)
{
    const Pb__Event *event = kept->event;
    bool is_result = event->body_case == PB__EVENT__BODY_CASE_RESULT;
    struct trial_seen *trial = map_get_number(storm->trials, kept->trial);
    if (kept->stale) {
        return;
    }
    assert_non_null(trial);
    trial->results += is_result;
    if ((is_result && event->case_result->outcome->verdict == VERDICT_FAIL) ||
        (event->body_case == PB__EVENT__BODY_PROCESS_EXITED && event->process_exited->signal)) {
        map_put_text(storm->failed, cell_of(storm, trial->started), trial);
    }
}

static void see_record(struct storm *storm, Pb__Record *record)
{
    switch (record->body_case) {
    case PB__RECORD__BODY_RUN_ACCEPTED:
        assert_null(map_put_number(storm->runs, record->run_accepted->run, record->run_accepted));
        break;
    case PB__RECORD__BODY_RUN_CANCELLED:
        map_put_number(storm->cancelled, record->run_cancelled->run, record);
        break;
    case PB__RECORD__BODY_TRIAL_STARTED:
        see_trial_started(storm, record->trial_started);
        break;
    case PB__RECORD__BODY_INSTANCE_EVENT:
        see_event(storm, record->instance_event);
        break;
    case PB__RECORD__BODY_TRIAL_ENDED:
        see_trial_ended(storm, record->trial_ended);
        break;
    case PB__RECORD__BODY_CELL_ENDED:
        see_cell_ended(storm, record->cell_ended);
        break;
    case PB__RECORD__BODY_RUN_ENDED:
        see_run_ended(storm, record->run_ended);
        break;
    default:
        break;
    }
}

// What lives on a host is known to live there, so that nothing else gets its place.
static void check_guards(const struct storm *storm)
{
    const struct durable *durable = storm->lab.core->durable;
    for (size_t a = 0; a < storm->lab.agent_count; a++) {
        const struct lab_agent *agent = &storm->lab.agents[a];
        const struct agent_identity *known = map_get_text(durable->agents, agent->name);
        assert_true(map_count(known->placed) <= agent->slots);
        for (size_t i = 0; i < agent->guard_count; i++) {
            if (!agent->guards[i].ended) {
                assert_non_null(map_get_number(known->placed, agent->guards[i].instance));
            }
        }
        assert_in_range(known->cpus, 0, LAB_CPUS);
        assert_in_range(known->memory_bytes, 0, LAB_MEMORY_BYTES);
        const struct trial *only = NULL;
        for (struct map_entry *entry = map_first(known->placed); entry && known->exclusive; entry = map_next(known->placed, entry)) {
            const struct instance *instance = entry->value;
            assert_true(!only || only == instance->trial);
            only = instance->trial;
        }
    }
}

static void check_runs(const struct storm *storm)
{
    const struct core *core = storm->lab.core;
    for (struct map_entry *entry = map_first(core->durable->runs); entry; entry = map_next(core->durable->runs, entry)) {
        const struct run *run = entry->value;
        uint64_t ended = 0, waiting = run->tests[0].cells - run->tests[0].cursor + map_count(run->tests[0].skipped);
        for (int verdict = VERDICT_NONE; verdict <= VERDICT_ERROR; verdict++) {
            ended += run->counts[verdict];
        }
        assert_int_equal(ended, run->cells_ended);
        assert_int_equal(ended + waiting + run->live_trials + map_count(run->retries), run->cells);
    }
    assert_true(map_count(core->instance_links) <= map_count(core->durable->instances));
    assert_true(map_count(core->trial_links) <= map_count(core->durable->trials));
    assert_true(map_count(core->routes) <= storm->lab.agent_count);
}

static void check(struct storm *storm)
{
    for (; storm->records_seen < storm->lab.record_count; storm->records_seen++) {
        see_record(storm, storm->lab.records[storm->records_seen]);
    }
    check_guards(storm);
    check_runs(storm);
}

// ---- what happens

static void pass_time(struct storm *storm, uint64_t ms)
{
    struct lab *lab = &storm->lab;
    lab->now_ns += ms * NS_PER_MS;
    for (size_t i = 0; i < lab->agent_count; i++) {
        lab_agent_expire(lab, i);
        if (lab->agents[i].connected && !storm->is_silent[i] && lab->now_ns - lab->agents[i].beaten_ns >= HEARTBEAT_MS * NS_PER_MS) {
            lab_agent_beat(lab, i);
        }
    }
    lab_tick(lab);
}

static void set_full(struct storm *storm, bool is_full)
{
    storm->is_full = is_full;
    lab_step(&storm->lab, &(struct core_event){.kind = CORE_SPACE, .is_full = is_full, .why = "no space left"});
}

// A newer session of the same agent, before the old one is seen to be gone.
static void fence(struct lab *lab, size_t index)
{
    uint64_t old = lab->agents[index].route;
    lab_agent_hello(lab, index);
    lab_step(lab, &(struct core_event){.kind = CORE_GONE, .route = old});
}

static void repeat_events(struct storm *storm, size_t index)
{
    struct lab_agent *agent = &storm->lab.agents[index];
    agent->acknowledged -= draw(storm, agent->acknowledged + 1);
    lab_agent_flush(&storm->lab, index);
}

static void agent_fault(struct storm *storm, size_t index)
{
    struct lab *lab = &storm->lab;
    struct lab_agent *agent = &lab->agents[index];
    switch (draw(storm, 12)) {
    case 0:
        lab_agent_gone(lab, index);
        lab_agent_reboot(lab, index);
        break;
    case 1:
        lab_agent_gone(lab, index);
        if (chance(storm, 30)) {
            lab_agent_wipe(lab, index);
        }
        break;
    case 2:
    case 3:
        storm->is_silent[index] = true;
        break;
    case 4:
        if (agent->connected) {
            fence(lab, index);
        }
        break;
    case 5:
    case 6:
        if (agent->connected && agent->session) {
            repeat_events(storm, index);
        }
        break;
    default:
        lab_agent_gone(lab, index);
    }
}

static void coordinator_fault(struct storm *storm)
{
    char run[32];
    switch (draw(storm, 8)) {
    case 0:
    case 1:
        lab_restart(&storm->lab);
        break;
    case 2:
    case 3:
        storm->lab.crash_next = true;
        break;
    case 4:
        pass_time(storm, 2000 + draw(storm, 20000));
        break;
    case 5:
        snprintf(run, sizeof run, "r%u", (unsigned)(1 + draw(storm, 3)));
        lab_cancel(&storm->lab, run, "");
        break;
    default:
        set_full(storm, !storm->is_full && chance(storm, 50));
    }
}

static void do_something(struct storm *storm)
{
    struct lab *lab = &storm->lab;
    size_t index = (size_t)draw(storm, lab->agent_count);
    uint64_t what = draw(storm, 100);
    if (what < 45) {
        lab_agent_work(lab, index, storm->is_silent[index] ? 0 : 1 + draw(storm, 8));
    } else if (what < 70) {
        if (!storm->is_silent[index]) {
            lab_agent_flush(lab, index);
        }
    } else if (what < 90) {
        pass_time(storm, 10 + draw(storm, 1000));
    } else if (what < 94) {
        storm->is_silent[index] = false;
        if (!lab->agents[index].connected) {
            lab_agent_hello(lab, index);
        }
    } else if (what < 96) {
        agent_fault(storm, index);
    } else if (what < 98) {
        coordinator_fault(storm);
    } else if (storm->runs_left) {
        submit_run(storm);
    }
}

// No more faults: whatever state the storm left has to end, and in bounded time.
static void calm_down(struct storm *storm)
{
    struct lab *lab = &storm->lab;
    storm->is_calm = true;
    lab->crash_next = false;
    if (storm->is_full) {
        set_full(storm, false);
    }
    uint64_t until_ns = lab->now_ns + CALM_MS * NS_PER_MS;
    while (!core_is_idle(lab->core)) {
        assert_true(lab->now_ns < until_ns);
        for (size_t i = 0; i < lab->agent_count; i++) {
            storm->is_silent[i] = false;
            if (!lab->agents[i].connected) {
                lab_agent_hello(lab, i);
            }
            lab_agent_work(lab, i, lab->agents[i].slots); // slowly: a trial may be longer than a lease
            while (lab_agent_flush(lab, i)) {
            }
        }
        pass_time(storm, 100);
        check(storm);
    }
}

static void check_end(const struct storm *storm)
{
    const struct core *core = storm->lab.core;
    assert_int_equal(map_count(storm->runs), 0);
    assert_int_equal(map_count(core->durable->trials) + map_count(core->durable->instances), 0);
    assert_int_equal(map_count(core->instance_links) + map_count(core->trial_links) + map_count(core->run_links), 0);
    for (struct map_entry *entry = map_first(core->durable->agents); entry; entry = map_next(core->durable->agents, entry)) {
        const struct agent_identity *agent = entry->value;
        assert_int_equal(map_count(agent->placed) + agent->exclusive + agent->cpus + agent->memory_bytes, 0);
    }
}

static void storm_run(uint64_t seed)
{
    struct storm storm = {
        .state = seed, .cells = map_new(), .failed = map_new(), .trials = map_new(), .runs = map_new(), .cancelled = map_new()};
    lab_begin_with(&storm.lab, 1 + (size_t)draw(&storm, LAB_AGENTS_MAX));
    storm.lab.is_async = true;
    storm.lab.whim = whim;
    storm.runs_left = 1 + (size_t)draw(&storm, 3);
    for (size_t i = 0; i < storm.lab.agent_count; i++) {
        storm.lab.agents[i].slots = (uint32_t)(1 + draw(&storm, 4));
        fence(&storm.lab, i);
    }
    submit_run(&storm);
    for (size_t steps = 150 + (size_t)draw(&storm, 800); steps; steps--) {
        do_something(&storm);
        check(&storm);
        if (steps % 50 == 0) {
            lab_check_replay(&storm.lab);
        }
    }
    calm_down(&storm);
    check(&storm);
    check_end(&storm);
    map_free(&storm.cells);
    map_free(&storm.failed);
    map_free(&storm.trials);
    map_free(&storm.runs);
    map_free(&storm.cancelled);
    lab_end(&storm.lab);
}

// ---- the test

static void tell_seed(void)
{
    char text[128];
    int length = snprintf(text, sizeof text, "storm: seed %llu; again: storm_test %llu\n", (unsigned long long)seed_now,
                          (unsigned long long)seed_now);
    (void)!write(STDERR_FILENO, text, (size_t)length);
}

static void on_abort(int signal_number)
{
    tell_seed();
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static uint64_t first_seed = 1, seed_count = SEEDS;

STORY(every_storm_ends_in_one_verdict_for_each_cell)
{
    (void)state;
    for (seed_now = first_seed; seed_now < first_seed + seed_count; seed_now++) {
        storm_run(seed_now);
    }
    seed_now = 0;
    // Storms in which everything passes, or nothing does, would test nothing.
    print_message("%u trials; cells: %u pass, %u inconc, %u fail, %u error\n", trials_seen, cells_seen[VERDICT_PASS],
                  cells_seen[VERDICT_INCONC], cells_seen[VERDICT_FAIL], cells_seen[VERDICT_ERROR]);
}

static int tell_if_failed(void **state)
{
    (void)state;
    if (seed_now) {
        tell_seed();
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        first_seed = strtoull(argv[1], NULL, 10);
        seed_count = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    }
    signal(SIGABRT, on_abort);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(every_storm_ends_in_one_verdict_for_each_cell, tell_if_failed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

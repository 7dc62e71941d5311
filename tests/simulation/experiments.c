// See experiments.h. timelines.c has what happens when.
#include "tests/simulation/experiments.h"

#include "common/base/limits.h"
#include "common/wire/wire.h"
#include "tests/simulation/plugins.h"

static char *text(struct arena *arena, const char *words)
{
    return arena_string(arena, words);
}

// Each restarts the server, which takes a second: more do not fit into the shortest trial.
#define FRESH_CASES_MOST 6

// One that has cases with setups, or a timeline, or both: of those nobody can say that they must pass, for one may stop what the other
// wants.
static void draw_surroundings(struct dice *dice, struct experiment_wish *wish, bool is_sound)
{
    bool has_setups = dice_chance(dice, 250), has_timeline = dice_chance(dice, is_sound && has_setups ? 0 : 400);
    wish->network = dice_chance(dice, 800) ? WISHED_WIRE : dice_chance(dice, 600) ? WISHED_EMULATED : WISHED_LAB;
    wish->apart = wish->apart && wish->network != WISHED_EMULATED; // which is on one host
    if (has_setups) {
        wish->cases = wish->cases < FRESH_CASES_MOST ? wish->cases : 1;
        wish->case_retry = dice_chance(dice, 600);
        wish->case_fresh = dice_chance(dice, 500);
        wish->case_slow = wish->network != WISHED_WIRE && dice_chance(dice, 700);
        wish->case_call = wish->with_client && dice_chance(dice, 700);
    }
    wish->is_fresh = wish->is_fresh && !(is_sound && has_timeline);
    const struct timeline_may may = {
        .is_sound = is_sound,
        .has_network = wish->network != WISHED_WIRE,
        .has_cases = wish->cases > 0,
    };
    wish->is_wild = has_timeline && !is_sound;
    if (has_timeline)
        wish->timeline = timeline_drawn(dice, &may);
}

static struct experiment_wish draw_plain(struct dice *dice)
{
    static const uint32_t leases_ms[] = {0, 15000, 30000, 60000};
    return (struct experiment_wish){
        .cells = (uint32_t)dice_between(dice, 1, dice_chance(dice, 150) ? 12 : 4),
        .cases = (uint32_t)(dice_chance(dice, 60) ? SIMULATED_CASES_MAX : dice_between(dice, 0, 6)),
        .retries = (uint32_t)dice_below(dice, 3),
        .lease_ms = leases_ms[dice_below(dice, 4)],
        .queue_ms = (uint32_t)dice_between(dice, 10, 60) * 1000,
        .trial_ms = (uint32_t)dice_between(dice, 20, 60) * 1000,
        .case_ms = (uint32_t)dice_between(dice, 1, 8) * 1000,
        .apart = dice_chance(dice, 250),
        .exclusive = dice_chance(dice, 100),
        .with_runner = dice_chance(dice, 300),
        .with_client = dice_chance(dice, 200),
        .with_file = dice_chance(dice, 150),
        .asserts_exit = dice_chance(dice, 250),
        .asserts_metric = dice_chance(dice, 250),
        .asserts_output = dice_chance(dice, 250),
        .retries_all = dice_chance(dice, 700),
        .is_fresh = dice_chance(dice, 150),
    };
}

struct experiment_wish experiment_wish_drawn(struct dice *dice, bool is_sound)
{
    struct experiment_wish wish = draw_plain(dice);
    draw_surroundings(dice, &wish, is_sound);
    return wish;
}

void experiment_wish_hold(struct experiment_wish *wish, struct dice *dice)
{
    static const Pb__Verdict verdicts[] = {PB__VERDICT__VERDICT_INCONC, PB__VERDICT__VERDICT_FAIL, PB__VERDICT__VERDICT_ERROR};
    if (dice_chance(dice, 200)) {
        wish->hold_on = verdicts[dice_below(dice, 3)];
        wish->hold_ms = (uint32_t)dice_between(dice, 1000, 20000);
    }
}

static Pb__ServiceTemplate *service(Pb__Test *test, const char *name, struct arena *arena)
{
    Pb__ServiceTemplate *service = test->services[test->n_services++] = ARENA_NEW(arena, Pb__ServiceTemplate);
    pb__service_template__init(service);
    service->name = text(arena, name);
    service->host = ARENA_NEW(arena, Pb__HostRule);
    pb__host_rule__init(service->host);
    return service;
}

// The server, and the networks that there may be.
#define NEEDS_MAX 4
#define DRIVES_MAX 2

static void needs(Pb__ServiceTemplate *service, const char *name, struct arena *arena)
{
    if (!service->needs)
        service->needs = ARENA_ARRAY(arena, char *, NEEDS_MAX);
    service->needs[service->n_needs++] = text(arena, name);
}

static void drives(Pb__ServiceTemplate *service, const char *name, struct arena *arena)
{
    Pb__Drive *drive = ARENA_NEW(arena, Pb__Drive);
    pb__drive__init(drive);
    drive->name = text(arena, name);
    drive->services = ARENA_NEW(arena, char *);
    drive->services[drive->n_services++] = text(arena, name);
    if (!service->drives)
        service->drives = ARENA_ARRAY(arena, Pb__Drive *, DRIVES_MAX);
    service->drives[service->n_drives++] = drive;
    needs(service, name, arena);
}

static void add_server(Pb__Test *test, const struct experiment_wish *wish, struct arena *arena)
{
    Pb__ServiceTemplate *server = service(test, "server", arena);
    server->implementation = text(arena, "server");
    server->host->exclusive = wish->exclusive;
    if (!wish->with_file)
        return;
    server->options = ARENA_NEW(arena, Pb__PlacedSetting *);
    Pb__PlacedSetting *setting = server->options[server->n_options++] = ARENA_NEW(arena, Pb__PlacedSetting);
    pb__placed_setting__init(setting);
    setting->name = text(arena, "config");
    setting->values = ARENA_NEW(arena, char *);
    setting->values[setting->n_values++] = text(arena, "$(file.config)");
}

static void add_cases(Pb__ServiceTemplate *load, const struct experiment_wish *wish, struct arena *arena)
{
    const char *const named[] = {wish->case_retry ? CASE_RETRY : NULL, wish->case_fresh ? CASE_FRESH : NULL,
                                 wish->case_slow ? CASE_SLOW : NULL, wish->case_call ? CASE_CALL : NULL};
    load->cases = ARENA_ARRAY(arena, char *, wish->cases + sizeof named / sizeof *named);
    for (uint32_t i = 0; i < wish->cases; i++)
        load->cases[load->n_cases++] = arena_printf(arena, "c%u", i + 1);
    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        if (named[i])
            load->cases[load->n_cases++] = text(arena, named[i]);
}

static void add_load(Pb__Test *test, const struct experiment_wish *wish, struct arena *arena)
{
    Pb__ServiceTemplate *load = service(test, "load", arena);
    add_cases(load, wish, arena);
    load->tester = text(arena, load->n_cases ? "tester" : "runner");
    drives(load, "server", arena);
    if (wish->case_call)
        drives(load, "client", arena);
    if (wish->is_fresh && wish->cases <= FRESH_CASES_MOST)
        load->fresh = PB__FRESH__FRESH_CASE;
    if (wish->apart) {
        load->host->apart_from = ARENA_NEW(arena, char *);
        load->host->apart_from[load->host->n_apart_from++] = text(arena, "server");
    }
}

// As the reader of experiments completes them (coordinator/experiment/network.c).
static void add_network(Pb__Test *test, enum wished_network kind, struct arena *arena)
{
    if (kind == WISHED_WIRE)
        return;
    test->network = ARENA_NEW(arena, Pb__Network);
    pb__network__init(test->network);
    test->network->type = text(arena, kind == WISHED_EMULATED ? "emulated" : "lab");
    test->case_conditions = text(arena, "replace");
    for (size_t i = 0; i < test->n_services; i++) {
        Pb__ServiceTemplate *one = test->services[i];
        needs(one, kind == WISHED_EMULATED ? "network" : arena_printf(arena, "network.%s", one->name), arena);
        if (kind == WISHED_LAB)
            continue;
        one->host->with = ARENA_NEW(arena, char *);
        one->host->with[one->host->n_with++] = text(arena, "network");
    }
}

static void add_services(Pb__Test *test, const struct experiment_wish *wish, struct arena *arena)
{
    test->services = ARENA_ARRAY(arena, Pb__ServiceTemplate *, 4);
    add_server(test, wish, arena);
    add_load(test, wish, arena);
    if (wish->with_runner) {
        Pb__ServiceTemplate *judge = service(test, "judge", arena);
        judge->tester = text(arena, "runner");
        needs(judge, "server", arena);
    }
    if (wish->with_client) {
        Pb__ServiceTemplate *client = service(test, "client", arena);
        client->implementation = text(arena, "client");
        needs(client, "server", arena);
    }
    add_network(test, wish->network, arena);
}

static Pb__Assertion *assertion(Pb__Test *test, const char *of, const char *words, struct arena *arena)
{
    Pb__Assertion *assertion = test->assertions[test->n_assertions++] = ARENA_NEW(arena, Pb__Assertion);
    pb__assertion__init(assertion);
    assertion->service = text(arena, of);
    assertion->text = text(arena, words);
    return assertion;
}

static Pb__Assertion *absent_output(Pb__Test *test, struct arena *arena)
{
    Pb__Assertion *output = assertion(test, "server", "no AddressSanitizer", arena);
    output->body_case = PB__ASSERTION__BODY_OUTPUT;
    output->output = ARENA_NEW(arena, Pb__OutputAssertion);
    pb__output_assertion__init(output->output);
    output->output->absent = true;
    output->output->pattern = text(arena, "AddressSanitizer");
    return output;
}

static void add_assertions(Pb__Test *test, const struct experiment_wish *wish, struct arena *arena)
{
    test->assertions = ARENA_ARRAY(arena, Pb__Assertion *, 4);
    if (wish->asserts_exit) {
        Pb__Assertion *exit = assertion(test, "server", "exit clean", arena);
        exit->body_case = PB__ASSERTION__BODY_EXIT;
        exit->exit = ARENA_NEW(arena, Pb__ExitAssertion);
        pb__exit_assertion__init(exit->exit);
        exit->exit->clean = true;
    }
    if (wish->asserts_metric && test->services[1]->n_cases) {
        Pb__Assertion *metric = assertion(test, "load", "rate at least 100", arena);
        metric->body_case = PB__ASSERTION__BODY_METRIC;
        metric->metric = ARENA_NEW(arena, Pb__MetricAssertion);
        pb__metric_assertion__init(metric->metric);
        metric->metric->name = text(arena, "rate");
        metric->metric->has_at_least = true;
        metric->metric->at_least = 100;
    }
    if (wish->asserts_output)
        absent_output(test, arena);
    if (wish->timeline.watches_first)
        timeline_watch(absent_output(test, arena), &wish->timeline, arena);
}

static void add_rules(Pb__Test *test, const struct experiment_wish *wish, struct arena *arena)
{
    static const Pb__Reason all[] = {PB__REASON__REASON_LOST,   PB__REASON__REASON_INFRASTRUCTURE, PB__REASON__REASON_TIMEOUT,
                                     PB__REASON__REASON_KILLED, PB__REASON__REASON_CRASH,          PB__REASON__REASON_INCOMPLETE};
    test->timeouts = ARENA_NEW(arena, Pb__Timeouts);
    pb__timeouts__init(test->timeouts);
    test->timeouts->queue_ms = wish->queue_ms ? wish->queue_ms : 60000;
    test->timeouts->ready_ms = 5000;
    test->timeouts->case_ms = wish->case_ms ? wish->case_ms : 5000;
    test->timeouts->trial_ms = wish->trial_ms ? wish->trial_ms : 60000;
    test->timeouts->stop_ms = 2000;
    test->timeouts->lease_ms = wish->lease_ms;
    test->retry = ARENA_NEW(arena, Pb__RetryRule);
    pb__retry_rule__init(test->retry);
    test->retry->times = wish->retries;
    test->retry->reasons = ARENA_ARRAY(arena, Pb__Reason, 6);
    for (size_t i = 0; i < (wish->retries_all ? 6 : 1); i++)
        test->retry->reasons[test->retry->n_reasons++] = all[i];
}

static void add_hold(Pb__Experiment *experiment, const struct experiment_wish *wish, struct arena *arena)
{
    Pb__HoldRule *rule = ARENA_NEW(arena, Pb__HoldRule);
    pb__hold_rule__init(rule);
    rule->verdict = wish->hold_on;
    rule->hold_ms = wish->hold_ms;
    experiment->holds = ARENA_NEW(arena, Pb__HoldRule *);
    experiment->holds[experiment->n_holds++] = rule;
}

Pb__Experiment *experiment_wished(const struct experiment_wish *wish, struct arena *arena)
{
    Pb__Experiment *experiment = ARENA_NEW(arena, Pb__Experiment);
    pb__experiment__init(experiment);
    experiment->language = 1;
    experiment->name = text(arena, "simulated");
    Pb__Test *test = ARENA_NEW(arena, Pb__Test);
    pb__test__init(test);
    test->name = text(arena, wish->is_wild ? WILD_TEST : "load");
    test->combinations = 1;
    test->repeat_times = wish->cells;
    add_rules(test, wish, arena);
    add_services(test, wish, arena);
    timeline_put(test, &wish->timeline, arena);
    add_assertions(test, wish, arena);
    experiment->tests = ARENA_NEW(arena, Pb__Test *);
    experiment->tests[experiment->n_tests++] = test;
    if (wish->hold_on) {
        add_hold(experiment, wish, arena);
    }
    if (wish->with_file) {
        char hash[HASH_TEXT_BYTES];
        hash_bytes("config", 6, hash);
        experiment->files = ARENA_NEW(arena, Pb__FileReference *);
        Pb__FileReference *file = experiment->files[experiment->n_files++] = ARENA_NEW(arena, Pb__FileReference);
        pb__file_reference__init(file);
        file->name = text(arena, "config");
        file->hash = text(arena, hash);
        file->size_bytes = 6;
    }
    return experiment;
}

// See plugins.h.
#include "tests/simulation/plugins.h"

#include "common/base/limits.h"
#include "common/wire/wire.h"

static char *text(struct arena *arena, const char *words)
{
    return arena_string(arena, words);
}

static char *case_name(struct arena *arena, uint32_t index)
{
    return arena_printf(arena, "c%u", index + 1);
}

static void add_cases(Pb__PluginDescription *description, struct arena *arena)
{
    description->cases = ARENA_ARRAY(arena, Pb__CaseDescription *, SIMULATED_CASES_MAX);
    for (uint32_t i = 0; i < SIMULATED_CASES_MAX; i++) {
        Pb__CaseDescription *one = description->cases[description->n_cases++] = ARENA_NEW(arena, Pb__CaseDescription);
        pb__case_description__init(one);
        one->name = case_name(arena, i);
    }
}

Pb__PluginDescription *plugin_description(size_t index, struct arena *arena)
{
    static const char *const names[SIMULATED_PLUGINS] = {"server", "tester", "runner", "client"};
    bool is_tester = index == 1 || index == 2;
    Pb__PluginDescription *description = ARENA_NEW(arena, Pb__PluginDescription);
    pb__plugin_description__init(description);
    description->name = text(arena, names[index]);
    description->kind = is_tester ? PB__PLUGIN_KIND__PLUGIN_KIND_TESTER : PB__PLUGIN_KIND__PLUGIN_KIND_IUT;
    description->version = text(arena, "1");
    description->abi_major = 1;
    description->executes = index >= 2;
    if (index == 1)
        add_cases(description, arena);
    return description;
}

// ---- experiments

// Each restarts the server, which takes a second: more do not fit into the shortest trial.
#define FRESH_CASES_MOST 6

struct experiment_wish experiment_wish_drawn(struct dice *dice)
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

static Pb__ServiceTemplate *service(Pb__Test *test, const char *name, struct arena *arena)
{
    Pb__ServiceTemplate *service = test->services[test->n_services++] = ARENA_NEW(arena, Pb__ServiceTemplate);
    pb__service_template__init(service);
    service->name = text(arena, name);
    service->host = ARENA_NEW(arena, Pb__HostRule);
    pb__host_rule__init(service->host);
    return service;
}

static void needs_server(Pb__ServiceTemplate *service, struct arena *arena)
{
    service->needs = ARENA_NEW(arena, char *);
    service->needs[service->n_needs++] = text(arena, "server");
}

static void drives_server(Pb__ServiceTemplate *service, struct arena *arena)
{
    Pb__Drive *drive = ARENA_NEW(arena, Pb__Drive);
    pb__drive__init(drive);
    drive->name = text(arena, "server");
    drive->services = service->needs;
    drive->n_services = service->n_needs;
    service->drives = ARENA_NEW(arena, Pb__Drive *);
    service->drives[service->n_drives++] = drive;
}

static void add_services(Pb__Test *test, const struct experiment_wish *wish, struct arena *arena)
{
    test->services = ARENA_ARRAY(arena, Pb__ServiceTemplate *, 4);
    Pb__ServiceTemplate *server = service(test, "server", arena);
    server->implementation = text(arena, "server");
    server->host->exclusive = wish->exclusive;
    if (wish->with_file) {
        server->options = ARENA_NEW(arena, Pb__PlacedSetting *);
        Pb__PlacedSetting *setting = server->options[server->n_options++] = ARENA_NEW(arena, Pb__PlacedSetting);
        pb__placed_setting__init(setting);
        setting->name = text(arena, "config");
        setting->values = ARENA_NEW(arena, char *);
        setting->values[setting->n_values++] = text(arena, "$(file.config)");
    }
    Pb__ServiceTemplate *load = service(test, "load", arena);
    load->tester = text(arena, wish->cases ? "tester" : "runner");
    needs_server(load, arena);
    drives_server(load, arena);
    if (wish->is_fresh && wish->cases <= FRESH_CASES_MOST)
        load->fresh = PB__FRESH__FRESH_CASE;
    load->cases = ARENA_ARRAY(arena, char *, wish->cases + 1);
    for (uint32_t i = 0; i < wish->cases; i++)
        load->cases[load->n_cases++] = case_name(arena, i);
    if (wish->apart) {
        load->host->apart_from = load->needs;
        load->host->n_apart_from = load->n_needs;
    }
    if (wish->with_runner) {
        Pb__ServiceTemplate *judge = service(test, "judge", arena);
        judge->tester = text(arena, "runner");
        needs_server(judge, arena);
    }
    if (wish->with_client) {
        Pb__ServiceTemplate *client = service(test, "client", arena);
        client->implementation = text(arena, "client");
        needs_server(client, arena);
    }
}

static Pb__Assertion *assertion(Pb__Test *test, const char *of, const char *words, struct arena *arena)
{
    Pb__Assertion *assertion = test->assertions[test->n_assertions++] = ARENA_NEW(arena, Pb__Assertion);
    pb__assertion__init(assertion);
    assertion->service = text(arena, of);
    assertion->text = text(arena, words);
    return assertion;
}

static void add_assertions(Pb__Test *test, const struct experiment_wish *wish, struct arena *arena)
{
    test->assertions = ARENA_ARRAY(arena, Pb__Assertion *, 3);
    if (wish->asserts_exit) {
        Pb__Assertion *exit = assertion(test, "server", "exit clean", arena);
        exit->body_case = PB__ASSERTION__BODY_EXIT;
        exit->exit = ARENA_NEW(arena, Pb__ExitAssertion);
        pb__exit_assertion__init(exit->exit);
        exit->exit->clean = true;
    }
    if (wish->asserts_metric && wish->cases) {
        Pb__Assertion *metric = assertion(test, "load", "rate at least 100", arena);
        metric->body_case = PB__ASSERTION__BODY_METRIC;
        metric->metric = ARENA_NEW(arena, Pb__MetricAssertion);
        pb__metric_assertion__init(metric->metric);
        metric->metric->name = text(arena, "rate");
        metric->metric->has_at_least = true;
        metric->metric->at_least = 100;
    }
    if (wish->asserts_output) {
        Pb__Assertion *output = assertion(test, "server", "no AddressSanitizer", arena);
        output->body_case = PB__ASSERTION__BODY_OUTPUT;
        output->output = ARENA_NEW(arena, Pb__OutputAssertion);
        pb__output_assertion__init(output->output);
        output->output->absent = true;
        output->output->pattern = text(arena, "AddressSanitizer");
    }
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

Pb__Experiment *experiment_wished(const struct experiment_wish *wish, struct arena *arena)
{
    Pb__Experiment *experiment = ARENA_NEW(arena, Pb__Experiment);
    pb__experiment__init(experiment);
    experiment->language = 1;
    experiment->name = text(arena, "simulated");
    Pb__Test *test = ARENA_NEW(arena, Pb__Test);
    pb__test__init(test);
    test->name = text(arena, "load");
    test->combinations = 1;
    test->repeat_times = wish->cells;
    add_rules(test, wish, arena);
    add_services(test, wish, arena);
    add_assertions(test, wish, arena);
    experiment->tests = ARENA_NEW(arena, Pb__Test *);
    experiment->tests[experiment->n_tests++] = test;
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

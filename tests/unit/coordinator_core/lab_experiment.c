// What the labs submit: one test, a server and a tester that drives it.
#include "common/base/verdict.h"
#include "tests/unit/coordinator_core/lab.h"

static Pb__ServiceTemplate *service(struct lab *lab, const char *name)
{
    Pb__ServiceTemplate *service = ARENA_NEW(lab->arena, Pb__ServiceTemplate);
    pb__service_template__init(service);
    service->name = arena_string(lab->arena, name);
    service->host = ARENA_NEW(lab->arena, Pb__HostRule);
    pb__host_rule__init(service->host);
    return service;
}

static Pb__ServiceTemplate *server(struct lab *lab)
{
    Pb__ServiceTemplate *server = service(lab, "server");
    server->implementation = arena_string(lab->arena, "server");
    server->role = arena_string(lab->arena, "server");
    return server;
}

static Pb__ServiceTemplate *tester(struct lab *lab)
{
    Pb__ServiceTemplate *tester = service(lab, "load");
    tester->tester = arena_string(lab->arena, "tester");
    tester->needs = ARENA_ARRAY(lab->arena, char *, 1);
    tester->needs[tester->n_needs++] = arena_string(lab->arena, "server");
    tester->drives = ARENA_ARRAY(lab->arena, Pb__Drive *, 1);
    tester->drives[0] = ARENA_NEW(lab->arena, Pb__Drive);
    pb__drive__init(tester->drives[tester->n_drives++]);
    tester->drives[0]->name = arena_string(lab->arena, "server");
    tester->drives[0]->services = tester->needs;
    tester->drives[0]->n_services = 1;
    return tester;
}

void lab_cases(struct lab *lab, Pb__Experiment *experiment, size_t count)
{
    Pb__ServiceTemplate *tester = experiment->tests[0]->services[1];
    tester->cases = ARENA_ARRAY(lab->arena, char *, count);
    tester->n_cases = count;
    for (size_t i = 0; i < count; i++) {
        tester->cases[i] = i == 0   ? arena_string(lab->arena, "one")
                           : i == 1 ? arena_string(lab->arena, "two")
                                    : arena_printf(lab->arena, "c%zu", i + 1);
    }
}

static Pb__Timeouts *timeouts(struct lab *lab)
{
    Pb__Timeouts *timeouts = ARENA_NEW(lab->arena, Pb__Timeouts);
    pb__timeouts__init(timeouts);
    timeouts->queue_ms = 60000;
    timeouts->ready_ms = 10000;
    timeouts->case_ms = 10000;
    timeouts->trial_ms = 120000;
    timeouts->stop_ms = 5000;
    timeouts->lease_ms = LEASE_MS;
    return timeouts;
}

Pb__Experiment *lab_experiment(struct lab *lab, uint32_t cells)
{
    Pb__Experiment *experiment = ARENA_NEW(lab->arena, Pb__Experiment);
    pb__experiment__init(experiment);
    experiment->language = 1;
    experiment->name = arena_string(lab->arena, "lab");
    Pb__Test *test = ARENA_NEW(lab->arena, Pb__Test);
    pb__test__init(test);
    test->name = arena_string(lab->arena, "load");
    test->combinations = 1;
    test->repeat_times = cells;
    test->timeouts = timeouts(lab);
    test->retry = ARENA_NEW(lab->arena, Pb__RetryRule);
    pb__retry_rule__init(test->retry);
    test->services = ARENA_ARRAY(lab->arena, Pb__ServiceTemplate *, 2);
    test->services[test->n_services++] = server(lab);
    test->services[test->n_services++] = tester(lab);
    experiment->tests = ARENA_ARRAY(lab->arena, Pb__Test *, 1);
    experiment->tests[experiment->n_tests++] = test;
    lab_cases(lab, experiment, 2);
    return experiment;
}

Pb__TimelineEntry *lab_entry(struct lab *lab, Pb__Experiment *experiment, const char *id, const char *service)
{
    Pb__Test *test = experiment->tests[0];
    Pb__TimelineEntry *entry = ARENA_NEW(lab->arena, Pb__TimelineEntry);
    pb__timeline_entry__init(entry);
    entry->id = arena_string(lab->arena, id);
    entry->service = arena_string(lab->arena, service);
    Pb__TimelineEntry **all = ARENA_ARRAY(lab->arena, Pb__TimelineEntry *, test->n_timeline + 1);
    for (size_t i = 0; i < test->n_timeline; i++) {
        all[i] = test->timeline[i];
    }
    test->timeline = all;
    test->timeline[test->n_timeline++] = entry;
    return entry;
}

Pb__Assertion *lab_assertion(struct lab *lab, Pb__Experiment *experiment, const char *service)
{
    Pb__Test *test = experiment->tests[0];
    Pb__Assertion *assertion = ARENA_NEW(lab->arena, Pb__Assertion);
    pb__assertion__init(assertion);
    assertion->service = arena_string(lab->arena, service);
    Pb__Assertion **all = ARENA_ARRAY(lab->arena, Pb__Assertion *, test->n_assertions + 1);
    for (size_t i = 0; i < test->n_assertions; i++) {
        all[i] = test->assertions[i];
    }
    test->assertions = all;
    test->assertions[test->n_assertions++] = assertion;
    return assertion;
}

// Clauses about the life of an instance: from initialize to cleanup, twice, and after a start that failed.
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "common/system/file.h"
#include "common/system/net_tables.h"
#include "services/sdk/author/contract.h"

#define GENERATIONS 10
#define GENERATIONS_QUICK 3
#define STATUS_WAIT_MS 5000

void clause_initialize(struct contract *contract, struct judgement *judgement)
{
    struct panther_test *test = contract_instance(contract, judgement);
    if (!test)
        return;
    if (panther_test_initialize(test) != 0)
        judge_bad(judgement, "initialize: %s", panther_test_problem(test));
    const char *processes = contract_processes(contract, test);
    if (*processes)
        judge_bad(judgement, "after initialize processes live: %s", processes);
    contract_finish(test, judgement);
}

void clause_lifecycle(struct contract *contract, struct judgement *judgement)
{
    struct panther_test *test = contract_running(contract, judgement);
    if (test)
        contract_finish(test, judgement);
}

// ---- ready

static void check_endpoint(const Pb__Endpoint *endpoint, struct judgement *judgement)
{
    static const struct {
        unsigned bit;
        enum net_protocol protocol;
        const char *name;
    } transports[] = {{PANTHER_TCP, NET_TCP, "TCP"}, {PANTHER_UDP, NET_UDP, "UDP"}};
    for (size_t i = 0; i < sizeof transports / sizeof *transports; i++) {
        if (!((unsigned)endpoint->transport & transports[i].bit))
            continue;
        if (net_port_is_bound(transports[i].protocol, endpoint->address, (uint16_t)endpoint->port, NULL) == 0)
            judge_bad(judgement, "it says that it is ready, and nothing listens on its %s port %u (%s)", transports[i].name, endpoint->port,
                      endpoint->name);
    }
}

static void check_status(struct panther_test *test, struct judgement *judgement)
{
    struct harness_status status = {0};
    if (harness_ask_status(test, STATUS_WAIT_MS, &status) < 0)
        judge_bad(judgement, "%s", panther_test_problem(test));
    else if (status.failed)
        judge_bad(judgement, "get_status fails while it is ready");
    else
        judge_note(judgement, "%s%s%s", status.state, *status.text ? ": " : "", status.text);
}

static bool serves(const struct contract *contract)
{
    return !contract_is_tester(contract) && strcmp(contract->role, "client") != 0;
}

void clause_ready(struct contract *contract, struct judgement *judgement)
{
    struct panther_test *test = contract_running(contract, judgement);
    size_t count = 0;
    if (!test)
        return;
    const Pb__Endpoint *const *endpoints = contract_endpoints(test, &count);
    for (size_t i = 0; serves(contract) && i < count; i++)
        if (strcmp(endpoints[i]->address, test->spec->address) == 0) // a device elsewhere cannot be looked at from here
            check_endpoint(endpoints[i], judgement);
    check_status(test, judgement);
    contract_finish(test, judgement);
}

// ---- stop

static void check_exit(const Pb__ProcessExited *exited, struct judgement *judgement)
{
    if (exited->clean || exited->expectation == PB__EXIT_EXPECTATION__EXIT_EXPECTATION_FINISHED)
        return;
    if (exited->signal == SIGKILL)
        judge_bad(judgement, "%s had to be killed at its stop", exited->name);
    else if (exited->signal)
        judge_bad(judgement, "%s ended by signal %d, which is not clean by the plugin's own rule", exited->name, exited->signal);
    else
        judge_bad(judgement, "%s ended with status %d, which is not clean by the plugin's own rule", exited->name, exited->status);
}

static void check_exits(const struct panther_test *test, struct judgement *judgement)
{
    for (size_t i = 0; i < test->event_count; i++)
        if (test->events[i]->body_case == PB__EVENT__BODY_PROCESS_EXITED)
            check_exit(test->events[i]->process_exited, judgement);
}

void clause_stop(struct contract *contract, struct judgement *judgement)
{
    struct panther_test *test = contract_running(contract, judgement);
    if (!test)
        return;
    if (panther_test_stop(test) != 0)
        judge_bad(judgement, "stop: %s", panther_test_problem(test));
    check_exits(test, judgement);
    contract_finish(test, judgement);
}

// ---- a start that fails

// The work folder is taken away under it: what is spawned there cannot be.
static bool start_fails(struct panther_test *test)
{
    folder_remove(test->spec->work_path, NULL);
    return panther_test_start(test) != 0;
}

static void check_no_death(const struct panther_test *test, const char *when, struct judgement *judgement)
{
    int number = 0;
    if (panther_test_host_died(test, &number))
        judge_bad(judgement, "%s: the plugin died (%s)", when, number ? strsignal(number) : "it ended its process");
}

void clause_broken_start(struct contract *contract, struct judgement *judgement)
{
    struct panther_test *test = contract_instance(contract, judgement);
    if (!test)
        return;
    if (panther_test_initialize(test) != 0) {
        judge_bad(judgement, "initialize: %s", panther_test_problem(test));
        panther_test_end(&test);
        return;
    }
    bool failed = start_fails(test);
    check_no_death(test, "in a start without a work folder", judgement);
    for (int i = 0; i < 2; i++)
        if (panther_test_stop(test) != 0)
            judge_bad(judgement, "%s %s: %s", i ? "the second stop after" : "stop after", failed ? "a failed start" : "a start",
                      panther_test_problem(test));
    check_no_death(test, "in stop after a failed start", judgement);
    contract_finish(test, judgement);
    if (!failed)
        judge_note(judgement, "its start does not fail without a work folder, so only stop twice was tried");
}

// ---- generations

// As a restart in a campaign: the same ports and the same state folder, the next generation.
static void one_generation(struct contract *contract, struct judgement *judgement, uint32_t generation, const Pb__GuardSpec *first)
{
    struct panther_test *test = contract_instance(contract, judgement);
    struct judgement own = {0};
    if (!test)
        return;
    harness_set_generation(test, generation, first);
    if (contract_start(test, &own))
        contract_finish(test, &own);
    else
        panther_test_end(&test);
    if (own.state == JUDGED_BAD)
        judge_bad(judgement, "generation %u: %s", generation, own.text);
}

void clause_generations(struct contract *contract, struct judgement *judgement)
{
    struct panther_test *first = contract_running(contract, judgement);
    if (!first)
        return;
    if (panther_test_stop(first) != 0 || panther_test_cleanup(first) != 0)
        judge_bad(judgement, "generation 1: %s", panther_test_problem(first));
    for (uint32_t i = 2; i <= (contract->quick ? GENERATIONS_QUICK : GENERATIONS) && judgement->state == JUDGED_GOOD; i++)
        one_generation(contract, judgement, i, first->spec);
    contract_finish(first, judgement); // its folder holds the state that was kept
}

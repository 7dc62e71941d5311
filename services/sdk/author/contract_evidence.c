// Clauses against a false pass: a process that was killed, a case that is not known, a service that is not there.
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "common/base/verdict.h"
#include "common/system/loop.h"
#include "services/sdk/author/contract.h"

#define NS_PER_MS UINT64_C(1000000)
#define EXIT_MS 10000
#define SPAWN_MS 10000
#define KILL_TRIES 5
// Without its service a case may wait for an answer as long as it likes; then it is late, which is no pass.
#define ABSENT_CASE_MS 1000
#define ABSENT_TOTAL_MS 20000
#define ABSENT_TOTAL_QUICK_MS 1500

static bool has_ended(const struct panther_test *test, uint32_t process, const Pb__ProcessExited **exited)
{
    for (size_t i = 0; i < test->event_count; i++) {
        const Pb__Event *event = test->events[i];
        if (event->body_case == PB__EVENT__BODY_PROCESS_EXITED && event->process_exited->process == process) {
            *exited = event->process_exited;
            return true;
        }
    }
    return false;
}

// The first process, from that event on, that has not ended; NULL: there is none.
static const Pb__ProcessStarted *running_process(const struct panther_test *test, size_t from)
{
    const Pb__ProcessExited *exited;
    for (size_t i = from; i < test->event_count; i++) {
        const Pb__Event *event = test->events[i];
        if (event->body_case == PB__EVENT__BODY_PROCESS_STARTED && !has_ended(test, event->process_started->process, &exited))
            return event->process_started;
    }
    return NULL;
}

static const Pb__ProcessExited *await_exit(struct panther_test *test, uint32_t process)
{
    const Pb__ProcessExited *exited = NULL;
    const uint64_t end_ns = clock_boottime_ns() + EXIT_MS * NS_PER_MS;
    while (!has_ended(test, process, &exited) && clock_boottime_ns() < end_ns && harness_read(test))
        ;
    return exited;
}

// ---- a process of an IUT

static void kill_and_see(struct panther_test *test, const Pb__ProcessStarted *process, struct judgement *judgement)
{
    kill((pid_t)process->pid, SIGKILL);
    const Pb__ProcessExited *exited = await_exit(test, process->process);
    if (!exited)
        judge_bad(judgement, "%s (pid %u) was killed, and its end is not reported", process->name, process->pid);
    else if (exited->clean || exited->signal != SIGKILL)
        judge_bad(judgement, "%s was killed and is reported as %s, status %d, signal %d", process->name, exited->clean ? "clean" : "ended",
                  exited->status, exited->signal);
    else if (exited->expectation != PB__EXIT_EXPECTATION__EXIT_EXPECTATION_UNEXPECTED)
        judge_bad(judgement, "%s was killed before stop, and its end is taken for expected", process->name);
    else
        judge_note(judgement, "%s: signal %d, unexpected", process->name, exited->signal);
}

static void kill_of_iut(struct contract *contract, struct panther_test *test, struct judgement *judgement)
{
    const uint64_t end_ns = clock_boottime_ns() + SPAWN_MS * NS_PER_MS;
    if (contract->description->executes)
        harness_begin_execute(test, CONTRACT_CASE_MS);
    const Pb__ProcessStarted *process = running_process(test, 0);
    while (!process && contract->description->executes && clock_boottime_ns() < end_ns && harness_read(test))
        process = running_process(test, 0);
    const char *strangers = process ? "" : contract_processes(contract, test);
    if (process)
        kill_and_see(test, process, judgement);
    else if (*strangers)
        judge_bad(judgement, "it is ready by processes that were not started by panther_spawn, so nobody sees how they end: %s", strangers);
    else
        judge_note(judgement, "it has no process that could be killed");
}

// ---- the tool of a tester

// 0: the tool ended before it could be killed; else the case is judged.
static bool kill_tool(struct contract *contract, struct panther_test *test, struct judgement *judgement)
{
    const size_t from = test->event_count;
    const int number = harness_begin_case(test, contract->case_name, CONTRACT_CASE_MS, false);
    const uint64_t end_ns = clock_boottime_ns() + SPAWN_MS * NS_PER_MS;
    const Pb__ProcessStarted *tool = NULL;
    bool answered = false;
    while (!tool && !answered && clock_boottime_ns() < end_ns && harness_read(test)) {
        tool = running_process(test, from);
        answered = test->event_count > from && test->events[test->event_count - 1]->body_case == PB__EVENT__BODY_CASE_RESULT;
    }
    if (tool)
        kill((pid_t)tool->pid, SIGKILL);
    const Pb__Event *answer = number < 0 ? NULL : harness_await(test, (uint32_t)number, CONTRACT_CASE_MS);
    if (!answer || answer->body_case != PB__EVENT__BODY_CASE_RESULT) {
        judge_bad(judgement, "case %s: %s", contract->case_name, panther_test_problem(test));
        return true;
    }
    const Pb__ProcessExited *exited = tool ? await_exit(test, tool->process) : NULL;
    if (!exited || exited->signal != SIGKILL)
        return false;
    const Pb__Outcome *outcome = answer->case_result->outcome;
    if (outcome->verdict == PB__VERDICT__VERDICT_PASS)
        judge_bad(judgement, "case %s passes although %s was killed: %s", contract->case_name, tool->name, outcome->text);
    else
        judge_note(judgement, "%s: %s: %s", tool->name, verdict_name((int)outcome->verdict), outcome->text);
    return true;
}

void clause_killed(struct contract *contract, struct judgement *judgement)
{
    struct panther_test *test = contract_running(contract, judgement);
    bool met = false;
    if (!test)
        return;
    if (!contract_is_tester(contract))
        kill_of_iut(contract, test, judgement);
    for (int i = 0; contract_is_tester(contract) && contract->case_name && !met && i < KILL_TRIES; i++)
        met = kill_tool(contract, test, judgement);
    if (contract_is_tester(contract) && !met)
        judge_note(judgement, "it runs no tool that lives long enough to be killed");
    contract_drop(test); // after a crash of its process the plugin may say what it likes
}

// ---- a case that is not known

static void ask(struct panther_test *test, bool unlisted, struct judgement *judgement)
{
    const char *whom = unlisted ? "run_test itself" : "the host";
    struct panther_test_outcome outcome = {0};
    const int number = harness_begin_case(test, "no_such_case", CONTRACT_CASE_MS, unlisted);
    const Pb__Event *answer = number < 0 ? NULL : harness_await(test, (uint32_t)number, CONTRACT_CASE_MS);
    if (!answer || answer->body_case != PB__EVENT__BODY_CASE_RESULT) {
        judge_bad(judgement, "%s, asked for no_such_case: %s", whom, panther_test_problem(test));
        return;
    }
    harness_copy_outcome(answer->case_result->outcome, &outcome);
    if (outcome.verdict != PANTHER_ERROR)
        judge_bad(judgement, "%s, asked for no_such_case, says %s%s%s", whom, verdict_name((int)outcome.verdict), *outcome.text ? ": " : "",
                  outcome.text);
}

void clause_unknown_case(struct contract *contract, struct judgement *judgement)
{
    if (!contract_is_tester(contract) || contract->description->n_cases == 0) {
        judge_note(judgement, "it has no cases");
        return;
    }
    struct panther_test *test = contract_running(contract, judgement);
    if (!test)
        return;
    ask(test, false, judgement);
    ask(test, true, judgement);
    contract_finish(test, judgement);
}

// ---- a service that is not there

static bool drives_something(const struct contract *contract)
{
    for (size_t i = 0; i < contract->peer_count; i++)
        if (contract->peers[i].is_drive)
            return true;
    return false;
}

// Initialized and not started: their ports are known, and nobody listens there.
static void make_absent(struct contract *contract, struct panther_test *test, struct panther_test **absent, struct judgement *judgement)
{
    for (size_t i = 0; i < contract->peer_count; i++) {
        const struct contract_peer *peer = &contract->peers[i];
        absent[i] = contract_peer_instance(contract, peer);
        if (panther_test_initialize(absent[i]) != 0)
            judge_skip(judgement, "%s: %s", peer->word, panther_test_problem(absent[i]));
        harness_add_service(test, peer->is_drive ? peer->word : NULL, peer->word, absent[i]);
    }
}

static void run_absent(struct contract *contract, struct panther_test *test, struct judgement *judgement)
{
    const uint64_t end_ns = clock_boottime_ns() + (contract->quick ? ABSENT_TOTAL_QUICK_MS : ABSENT_TOTAL_MS) * NS_PER_MS;
    const size_t count = contract->description->n_cases;
    struct panther_test_outcome outcome = {0};
    size_t asked = 0;
    if (count == 0 && panther_test_execute(test, ABSENT_CASE_MS, &outcome) == 0 && outcome.verdict == PANTHER_PASS)
        judge_bad(judgement, "its execution passes: %s", outcome.text);
    for (; asked < count && clock_boottime_ns() < end_ns; asked++) {
        const char *name = contract->description->cases[asked]->name;
        if (panther_test_case(test, name, ABSENT_CASE_MS, &outcome) == 0 && outcome.verdict == PANTHER_PASS)
            judge_bad(judgement, "case %s passes although nobody listens there: %s", name, outcome.text);
        if (!test->socket || test->socket < 0)
            break;
    }
    judge_note(judgement, "%zu of %zu cases tried", asked, count);
}

void clause_absent(struct contract *contract, struct judgement *judgement)
{
    struct panther_test *absent[CONTRACT_LIST_MAX] = {NULL};
    if (!contract_is_tester(contract) || !contract_find_peers(contract, judgement) || !drives_something(contract)) {
        judge_note(judgement, "it drives nothing that it needs");
        return;
    }
    struct panther_test *test = contract_bare(contract);
    make_absent(contract, test, absent, judgement);
    if (panther_test_initialize(test) != 0 || panther_test_start(test) != 0)
        judge_note(judgement, "it does not start without it: %s", panther_test_problem(test));
    else
        run_absent(contract, test, judgement);
    contract_finish(test, judgement);
    for (size_t i = 0; i < contract->peer_count; i++)
        panther_test_end(&absent[i]);
}

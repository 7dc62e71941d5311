// Clauses about an instance at work: it says how it goes, comes to a verdict, lets itself be stopped, and does not grow.
#include <stdio.h>
#include <string.h>

#include "common/base/units.h"
#include "common/base/verdict.h"
#include "common/system/loop.h"
#include "common/system/process.h"
#include "services/sdk/author/contract.h"

#define NS_PER_MS UINT64_C(1000000)
#define STATUS_MAX_MS 100
// A busy machine may be late once; a plugin that is slow is slow each time.
#define STATUS_TRIES 5
#define STATUS_WAIT_MS 5000
// Until a case that was sent has begun.
#define BEGIN_MS 5000
// What stop may take: the stop signal's grace twice over, on a busy machine.
#define CANCEL_PHASE_MS 5000
// Cases sent at once, so that a stop meets one of them.
#define CASES_AT_ONCE 16

// Work that can be begun: a case, or the execution. 0: it has none.
static bool has_work(const struct contract *contract)
{
    return contract->description->executes || (contract_is_tester(contract) && contract->case_name);
}

static int begin_work(struct contract *contract, struct panther_test *test)
{
    if (contract_is_tester(contract) && contract->case_name)
        return harness_begin_case(test, contract->case_name, CONTRACT_CASE_MS, false);
    return harness_begin_execute(test, CONTRACT_CASE_MS);
}

static bool is_working(const struct harness_status *status)
{
    return strcmp(status->phase, "run_case") == 0 || strcmp(status->phase, "execute") == 0;
}

// ---- status

void clause_status(struct contract *contract, struct judgement *judgement)
{
    struct panther_test *test = contract_running(contract, judgement);
    uint64_t best_ns = UINT64_MAX;
    unsigned during = 0;
    if (!test)
        return;
    for (int i = 0; i < STATUS_TRIES && judgement->state == JUDGED_GOOD; i++) {
        struct harness_status status = {0};
        int number = has_work(contract) ? begin_work(contract, test) : 0;
        if (harness_ask_status(test, STATUS_WAIT_MS, &status) < 0)
            judge_bad(judgement, "%s", panther_test_problem(test));
        during += is_working(&status);
        best_ns = status.took_ns < best_ns ? status.took_ns : best_ns;
        if (number > 0 && judgement->state == JUDGED_GOOD && i + 1 < STATUS_TRIES && contract_is_tester(contract) && contract->case_name)
            harness_await(test, (uint32_t)number, CONTRACT_CASE_MS);
        else if (number > 0)
            break; // an execution runs once
    }
    if (best_ns > STATUS_MAX_MS * NS_PER_MS)
        judge_bad(judgement, "the quickest answer took %llu ms", (unsigned long long)(best_ns / NS_PER_MS));
    judge_note(judgement, "%.1f ms%s", (double)best_ns / 1e6, during ? ", while it works" : "");
    contract_drop(test);
}

// ---- verdict

static void check_outcome(const struct panther_test_outcome *outcome, const char *what, struct judgement *judgement)
{
    if (outcome->verdict == PANTHER_NONE)
        judge_bad(judgement, "%s ends without a verdict", what);
    else if (outcome->verdict == PANTHER_ERROR)
        judge_bad(judgement, "%s ends as an error: %s", what, outcome->text);
    else
        judge_note(judgement, "%s: %s%s%s", what, verdict_name((int)outcome->verdict), *outcome->text ? ": " : "", outcome->text);
}

void clause_verdict(struct contract *contract, struct judgement *judgement)
{
    struct panther_test_outcome outcome = {0};
    if (!has_work(contract)) {
        judge_note(judgement, "it serves: there is nothing to judge");
        return;
    }
    struct panther_test *test = contract_running(contract, judgement);
    if (!test)
        return;
    bool is_case = contract_is_tester(contract) && contract->case_name;
    int failed = is_case ? panther_test_case(test, contract->case_name, CONTRACT_CASE_MS, &outcome)
                         : panther_test_execute(test, CONTRACT_CASE_MS, &outcome);
    if (failed != 0)
        judge_bad(judgement, "%s: %s", is_case ? contract->case_name : "execute", panther_test_problem(test));
    else if (contract_is_tester(contract))
        check_outcome(&outcome, is_case ? contract->case_name : "the execution", judgement);
    contract_finish(test, judgement);
}

// ---- cancel

// False: it has ended before anybody saw it.
static bool await_work(struct panther_test *test)
{
    const uint64_t end_ns = clock_boottime_ns() + BEGIN_MS * NS_PER_MS;
    bool begun = false;
    while (clock_boottime_ns() < end_ns) {
        struct harness_status status = {0};
        if (harness_ask_status(test, STATUS_WAIT_MS, &status) < 0)
            return false;
        if (is_working(&status))
            return true;
        if (begun && !*status.phase)
            return false;
        begun = begun || !*status.phase;
    }
    return false;
}

static void check_stop(struct panther_test *test, struct judgement *judgement)
{
    int number = 0;
    const uint64_t begin_ns = clock_boottime_ns();
    int stopped = panther_test_stop(test);
    const uint64_t took_ms = (clock_boottime_ns() - begin_ns) / NS_PER_MS;
    char time[32];
    duration_format_ms(took_ms, time, sizeof time);
    if (panther_test_host_died(test, &number))
        judge_bad(judgement, "it did not come back when it was stopped, and was killed after %s", time);
    else if (stopped != 0)
        judge_bad(judgement, "stop during its work: %s", panther_test_problem(test));
    else if (took_ms > CANCEL_PHASE_MS)
        judge_bad(judgement, "stop during its work took %s", time);
    else
        judge_note(judgement, "after %s", time);
}

void clause_cancel(struct contract *contract, struct judgement *judgement)
{
    if (!has_work(contract)) {
        judge_note(judgement, "it serves: it has no case and no execution");
        return;
    }
    struct panther_test *test = contract_instance(contract, judgement);
    if (!test)
        return;
    panther_test_phase_ms(test, CANCEL_PHASE_MS);
    if (!contract_start(test, judgement)) {
        panther_test_end(&test);
        return;
    }
    bool is_case = contract_is_tester(contract) && contract->case_name;
    for (int i = 0; i < (is_case ? CASES_AT_ONCE : 1); i++)
        begin_work(contract, test);
    bool met = await_work(test);
    check_stop(test, judgement);
    if (!met)
        judge_note(judgement, "its work ends before a stop can meet it");
    contract_drop(test);
}

// ---- memory

#define MEMORY_WARM_UP 5
#define MEMORY_CYCLES_MIN 10
#define MEMORY_CYCLES_QUICK 3
#define MEMORY_CYCLES_MAX 500
#define MEMORY_TIME_MS 3000
#define MEMORY_TIME_QUICK_MS 500
// Beyond what malloc keeps for itself: a page for each cycle, and some.
#define MEMORY_GROWTH_BYTES (512 * 1024)
#define MEMORY_GROWTH_PER_CYCLE_BYTES 2048

// RssAnon in bytes; 0: gone.
static uint64_t memory_of(int pid)
{
    CLEANUP_FREE char *text = process_file(pid, "status");
    const char *line = text ? strstr(text, "RssAnon:") : NULL;
    unsigned long long kib = 0;
    return line && sscanf(line, "RssAnon: %llu", &kib) == 1 ? kib * 1024 : 0;
}

// One more piece of work; false: it failed. A service without any is asked how it is.
static bool cycle(struct contract *contract, struct panther_test *test)
{
    struct panther_test_outcome outcome;
    struct harness_status status;
    if (contract_is_tester(contract) && contract->case_name)
        return panther_test_case(test, contract->case_name, CONTRACT_CASE_MS, &outcome) == 0;
    return harness_ask_status(test, STATUS_WAIT_MS, &status) == 0;
}

static void check_growth(struct contract *contract, struct panther_test *test, struct judgement *judgement)
{
    const int host = panther_test_host_pid(test);
    const uint64_t time_ms = contract->quick ? MEMORY_TIME_QUICK_MS : MEMORY_TIME_MS, warm_ns = clock_boottime_ns() + time_ms * NS_PER_MS;
    const unsigned cycles_min = contract->quick ? MEMORY_CYCLES_QUICK : MEMORY_CYCLES_MIN;
    unsigned cycles = 0;
    for (int i = 0; i < MEMORY_WARM_UP && (i < 2 || clock_boottime_ns() < warm_ns); i++)
        cycle(contract, test);
    const uint64_t before = memory_of(host), end_ns = clock_boottime_ns() + time_ms * NS_PER_MS;
    while (cycles < MEMORY_CYCLES_MAX && (cycles < cycles_min || clock_boottime_ns() < end_ns)) {
        if (!cycle(contract, test)) {
            judge_bad(judgement, "cycle %u: %s", cycles + 1, panther_test_problem(test));
            return;
        }
        cycles++;
    }
    const uint64_t after = memory_of(host), allowed = MEMORY_GROWTH_BYTES + (uint64_t)cycles * MEMORY_GROWTH_PER_CYCLE_BYTES;
    char grown[32], whole[32];
    size_format(after > before ? after - before : 0, grown, sizeof grown);
    size_format(after, whole, sizeof whole);
    if (after > before + allowed)
        judge_bad(judgement, "%u cycles grew it by %s to %s", cycles, grown, whole);
    else
        judge_note(judgement, "%u cycles, %s more", cycles, grown);
}

#if defined(PANTHER_ADDRESS_SANITIZER) || defined(PANTHER_THREAD_SANITIZER)
#define KEEPS_WHAT_WAS_FREED true
#else
#define KEEPS_WHAT_WAS_FREED false
#endif

void clause_memory(struct contract *contract, struct judgement *judgement)
{
    if (KEEPS_WHAT_WAS_FREED) {
        judge_note(judgement, "not looked at: the sanitizer that this build has keeps what was freed, or notes who touched it");
        return;
    }
    struct panther_test *test = contract_running(contract, judgement);
    if (!test)
        return;
    check_growth(contract, test, judgement);
    contract_finish(test, judgement);
}

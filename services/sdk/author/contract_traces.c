// Clauses about what an instance leaves behind while its guard is still there to be looked at: later the guard has swept it away.
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "services/sdk/author/contract.h"

// More than a start, a case and a stop have to tell.
#define PLUGIN_LOG_MAX_BYTES ((off_t)256 * 1024)
#define STREAMS_MAX_BYTES ((off_t)8 * 1024 * 1024)
#define CASES_OF_DESCRIPTORS 5
#define CASES_OF_DESCRIPTORS_QUICK 2

// Up, one piece of work, down, not cleaned up yet. NULL: it did not get so far.
static struct panther_test *worked(struct contract *contract, struct judgement *judgement)
{
    struct panther_test *test = contract_running(contract, judgement);
    struct panther_test_outcome outcome;
    if (!test)
        return NULL;
    if (contract_is_tester(contract) && contract->case_name)
        panther_test_case(test, contract->case_name, CONTRACT_CASE_MS, &outcome);
    else if (contract->description->executes && !contract_is_tester(contract))
        panther_test_execute(test, CONTRACT_CASE_MS, &outcome);
    if (panther_test_stop(test) != 0)
        judge_bad(judgement, "stop: %s", panther_test_problem(test));
    return test;
}

void clause_processes(struct contract *contract, struct judgement *judgement)
{
    struct panther_test *test = worked(contract, judgement);
    if (!test)
        return;
    const char *processes = contract_processes(contract, test);
    if (*processes)
        judge_bad(judgement, "after stop there live: %s", processes);
    contract_finish(test, judgement);
}

// ---- ports

void clause_ports(struct contract *contract, struct judgement *judgement)
{
    struct panther_test *test = worked(contract, judgement);
    if (!test)
        return;
    for (uint32_t i = 0; i < test->spec->port_count; i++) {
        const char *transport;
        if (harness_port_is_taken((uint16_t)(test->spec->port_first + i), &transport))
            judge_bad(judgement, "after stop %s port %u is open", transport, test->spec->port_first + i);
    }
    contract_finish(test, judgement);
}

// ---- descriptors

static size_t count_open(int pid)
{
    char path[64];
    size_t count = 0;
    snprintf(path, sizeof path, "/proc/%d/fd", pid);
    DIR *folder = opendir(path);
    while (folder && readdir(folder))
        count++;
    if (folder)
        closedir(folder);
    return count;
}

// The first case may open what all later ones use.
static void check_cases(struct contract *contract, struct panther_test *test, struct judgement *judgement)
{
    struct panther_test_outcome outcome;
    if (panther_test_case(test, contract->case_name, CONTRACT_CASE_MS, &outcome) != 0)
        return;
    const int host = panther_test_host_pid(test);
    const size_t before = count_open(host), cases = contract->quick ? CASES_OF_DESCRIPTORS_QUICK : CASES_OF_DESCRIPTORS;
    for (size_t i = 0; i < cases; i++)
        if (panther_test_case(test, contract->case_name, CONTRACT_CASE_MS, &outcome) != 0)
            return;
    const size_t after = count_open(host);
    if (after >= before + cases)
        judge_bad(judgement, "%zu cases left %zu descriptors open", cases, after - before);
}

// What is still open when cleanup has returned, the host itself says in its answer.
void clause_descriptors(struct contract *contract, struct judgement *judgement)
{
    struct panther_test *test = contract_running(contract, judgement);
    if (!test)
        return;
    if (contract_is_tester(contract) && contract->case_name)
        check_cases(contract, test, judgement);
    if (panther_test_stop(test) != 0 || panther_test_cleanup(test) != 0)
        judge_bad(judgement, "%s", panther_test_problem(test));
    else if (*panther_test_problem(test))
        judge_bad(judgement, "%s", panther_test_problem(test));
    contract_finish(test, judgement);
}

// ---- log

static off_t size_of(const struct contract *contract, const struct panther_test *test, const char *stream)
{
    struct stat status;
    const char *path = arena_printf(contract->arena, "%s/streams/%s", panther_test_folder(test), stream);
    return stat(path, &status) == 0 && S_ISREG(status.st_mode) ? status.st_size : 0;
}

static off_t size_of_all(const struct contract *contract, const struct panther_test *test)
{
    struct dirent **entries = NULL;
    off_t total = 0;
    int count = scandir(arena_printf(contract->arena, "%s/streams", panther_test_folder(test)), &entries, NULL, NULL);
    for (int i = 0; i < count; i++) {
        total += size_of(contract, test, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return total;
}

void clause_log(struct contract *contract, struct judgement *judgement)
{
    struct panther_test *test = worked(contract, judgement);
    if (!test)
        return;
    const off_t own = size_of(contract, test, "plugin.log"), all = size_of_all(contract, test);
    if (own > PLUGIN_LOG_MAX_BYTES)
        judge_bad(judgement, "plugin.log has %lld bytes after one life; %lld are enough", (long long)own, (long long)PLUGIN_LOG_MAX_BYTES);
    else if (all > STREAMS_MAX_BYTES)
        judge_bad(judgement, "its streams have %lld bytes after one life; %lld are enough", (long long)all, (long long)STREAMS_MAX_BYTES);
    else
        judge_note(judgement, "%lld bytes", (long long)all);
    contract_finish(test, judgement);
}

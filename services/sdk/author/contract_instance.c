// An instance under check: made, brought up, brought to its end, and looked at from outside.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/system/file.h"
#include "common/system/process.h"
#include "services/sdk/author/contract.h"

static void set_options(struct contract *contract, struct panther_test *test)
{
    for (size_t i = 0; i < contract->option_count; i++) {
        const char *text = contract->options[i], *equals = strchr(text, '=');
        panther_test_option(test, arena_string_bytes(contract->arena, text, (size_t)(equals - text)), equals + 1);
    }
}

static void add_peers(struct contract *contract, struct panther_test *test)
{
    for (size_t i = 0; i < contract->peer_count; i++) {
        const struct contract_peer *peer = &contract->peers[i];
        harness_add_service(test, peer->is_drive ? peer->word : NULL, peer->word, peer->test);
    }
}

static void share_builds(struct contract *contract, struct panther_test *test)
{
    if (!contract->builds) {
        contract->builds = arena_string(contract->arena, "/tmp/panther-check-XXXXXX");
        INVARIANT(mkdtemp(contract->builds));
    }
    panther_test_state_folder(test, contract->builds);
    panther_test_phase_ms(test, CONTRACT_BUILD_MS);
}

void contract_end_builds(struct contract *contract)
{
    struct panther_error error = {0};
    if (contract->builds && folder_remove(contract->builds, &error) < 0)
        fprintf(stderr, "panther-plugin: %s\n", error.message);
    contract->builds = NULL;
}

struct panther_test *contract_plain(struct contract *contract)
{
    struct panther_test *test = panther_test_new(contract->path);
    panther_test_phase_ms(test, CONTRACT_PHASE_MS);
    if (contract->description->builds)
        share_builds(contract, test);
    panther_test_protocol(test, contract->protocol, contract->version, contract->role);
    return test;
}

struct panther_test *contract_bare(struct contract *contract)
{
    struct panther_test *test = contract_plain(contract);
    set_options(contract, test);
    return test;
}

struct panther_test *contract_instance(struct contract *contract, struct judgement *judgement)
{
    if (!contract_start_peers(contract, judgement))
        return NULL;
    struct panther_test *test = contract_bare(contract);
    add_peers(contract, test);
    return test;
}

bool contract_start(struct panther_test *test, struct judgement *judgement)
{
    if (panther_test_initialize(test) != 0)
        judge_bad(judgement, "initialize: %s", panther_test_problem(test));
    else if (panther_test_start(test) != 0)
        judge_bad(judgement, "start: %s", panther_test_problem(test));
    else
        return true;
    return false;
}

struct panther_test *contract_running(struct contract *contract, struct judgement *judgement)
{
    struct panther_test *test = contract_instance(contract, judgement);
    if (test && !contract_start(test, judgement))
        panther_test_end(&test);
    return test;
}

void contract_finish(struct panther_test *test, struct judgement *judgement)
{
    if (!test->is_stopped && panther_test_stop(test) != 0)
        judge_bad(judgement, "stop: %s", panther_test_problem(test));
    if (!test->is_cleaned && panther_test_cleanup(test) != 0)
        judge_bad(judgement, "cleanup: %s", panther_test_problem(test));
    if (panther_test_end(&test) != 0)
        judge_bad(judgement, "something was left at its end (named above)");
}

void contract_drop(struct panther_test *test)
{
    struct judgement nobodys = {0};
    const int host = panther_test_host_pid(test);
    if (host > 0)
        kill(host, SIGKILL); // else a plugin that is deaf to a stop takes all of its time, once more; the guard ends what it left
    contract_finish(test, &nobodys);
}

static const char *name_of(pid_t pid, char *name, size_t bytes)
{
    CLEANUP_FREE char *text = process_file(pid, "comm");
    snprintf(name, bytes, "%.*s", text ? (int)strcspn(text, "\n") : 1, text ? text : "?");
    return name;
}

// Those who have left the tree by a double fork are the guard's children now: it is their subreaper.
const char *contract_processes(const struct contract *contract, const struct panther_test *test)
{
    struct process_list list = {0};
    struct text text = {0};
    const int host = panther_test_host_pid(test);
    process_descendants(test->guard, &list);
    for (size_t i = 0; i < list.count; i++) {
        char name[32];
        if (list.pids[i] != host)
            text_printf(&text, "%s%d %s", text.length ? ", " : "", (int)list.pids[i], name_of(list.pids[i], name, sizeof name));
    }
    char *copy = arena_string(contract->arena, text_string(&text));
    text_free(&text);
    process_list_free(&list);
    return copy;
}

const Pb__Endpoint *const *contract_endpoints(const struct panther_test *test, size_t *count)
{
    for (size_t i = 0; i < test->event_count; i++) {
        const Pb__Event *event = test->events[i];
        if (event->body_case == PB__EVENT__BODY_COMMAND_DONE && event->command_done->number == 1) {
            *count = event->command_done->n_endpoints;
            return (const Pb__Endpoint *const *)event->command_done->endpoints;
        }
    }
    *count = 0;
    return NULL;
}

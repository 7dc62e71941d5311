// What no host of the lab offers is refused before anything runs, with the host's name and its reason: a tool of an execution environment,
// and a network whose conditions the kernel cannot make.
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "agent/environment/lab/probe.h"
#include "tests/e2e/fixture.h"

static const char *const two_agents[] = {"lab-a", "lab-b", NULL};

#define HEAD                                                                                                                               \
    "panther: 1\n"                                                                                                                         \
    "experiment: refused\n"                                                                                                                \
    "tests:\n"                                                                                                                             \
    "  - name: load\n"                                                                                                                     \
    "    protocol: {name: http, version: \"2\"}\n"                                                                                         \
    "    timeouts: {queue: 1s}\n"                                                                                                          \
    "    services:\n"                                                                                                                      \
    "      server: {implementation: nghttpd, role: server}\n"                                                                              \
    "      load: {tester: h2load, drives: {server: server}, options: {requests: 5, clients: 1}, cases: [throughput]}\n"

static const char traced[] = HEAD "    execution_environment: [{type: strace, services: [server]}]\n";
static const char far[] = HEAD "    network_environment: {type: lab, delay: 20ms}\n";

static bool is_hidden; // strace, from this program and all that it starts

static int hide_strace(void **state)
{
    static const char *const places[] = {"/usr/bin/strace", "/bin/strace", "/usr/local/bin/strace"};
    is_hidden = geteuid() == 0 && unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
    for (size_t i = 0; is_hidden && i < sizeof places / sizeof *places; i++)
        is_hidden = access(places[i], X_OK) != 0 || mount("/dev/null", places[i], NULL, MS_BIND, NULL) == 0;
    return lab_begin(state);
}

// One error, which names the hosts and why not, and nothing was begun for it.
static void refuse(struct lab *lab, const char *text, const char *run, const char *service, const char *why)
{
    const struct output output = lab_run(lab, "submit", lab_write(lab, "refused.yaml", text), "--wait", NULL);
    const json_t *cell = lab_cell(lab, arena_printf(lab->arena, "%s/load/1", run));
    assert_int_equal(output.status, 3);
    assert_string_equal(row_text(cell, "verdict"), "error");
    assert_text_has(row_text(cell, "text"), arena_printf(lab->arena, "service %s: no host can start it so: lab-", service));
    assert_text_has(row_text(cell, "text"), arena_printf(lab->arena, "lab-a: %s", why));
    assert_text_has(row_text(cell, "text"), arena_printf(lab->arena, "lab-b: %s", why));
    assert_int_equal(lab_count_events(lab, run, "trial_started"), 0);
}

static void what_no_host_offers_is_an_error_before_the_run(void **state)
{
    struct lab *lab = *state;
    const char *no_netem = lab_probe_netem();
    lab_up(lab, two_agents);
    if (is_hidden)
        refuse(lab, traced, "r1", "server", "strace is not installed");
    else
        print_message("SKIPPED: hiding strace needs root and a mount namespace\n");
    if (no_netem)
        refuse(lab, far, is_hidden ? "r2" : "r1", "network.server", no_netem);
    else
        print_message("SKIPPED: this kernel has netem\n");
    lab_leaves_nothing(lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"what_no_host_offers_is_an_error_before_the_run", what_no_host_offers_is_an_error_before_the_run, hide_strace, lab_end, NULL}};
    return cmocka_run_group_tests_name("e2e_environments", tests, NULL, NULL);
}

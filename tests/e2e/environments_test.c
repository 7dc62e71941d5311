// What no host of the lab offers is refused before anything runs, with the host's name and its reason: a tool or a cgroup of an execution
// environment, and a network whose conditions the kernel cannot make.
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "agent/environment/lab/probe.h"
#include "tests/e2e/fixture.h"

static const char *const two_agents[] = {"lab-a", "lab-b", NULL};

// Of one test, whose name and environment follow.
#define TEST(name, environment)                                                                                                            \
    "  - name: " name "\n"                                                                                                                 \
    "    protocol: {name: http, version: \"2\"}\n"                                                                                         \
    "    timeouts: {queue: 1s}\n"                                                                                                          \
    "    services:\n"                                                                                                                      \
    "      server: {implementation: nghttpd, role: server}\n"                                                                              \
    "      load: {tester: h2load, drives: {server: server}, options: {requests: 5, clients: 1}, cases: [throughput]}\n"                    \
    "    " environment "\n"

static const char hidden[] = TEST("traced", "execution_environment: [{type: strace, services: [server]}]")
    TEST("limited", "execution_environment: [{type: limits, services: [server], cpu: 0.5}]");
static const char far[] = TEST("far", "network_environment: {type: lab, delay: 20ms}");

static bool is_hidden; // strace, and cgroups, from this program and all that it starts

static int hide(void **state)
{
    static const char *const places[] = {"/usr/bin/strace", "/bin/strace", "/usr/local/bin/strace"};
    is_hidden = geteuid() == 0 && unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
                mount("none", "/sys/fs/cgroup", "tmpfs", 0, "size=64k") == 0;
    for (size_t i = 0; is_hidden && i < sizeof places / sizeof *places; i++)
        is_hidden = access(places[i], X_OK) != 0 || mount("/dev/null", places[i], NULL, MS_BIND, NULL) == 0;
    return lab_begin(state);
}

// An error, which names the hosts and why not, and nothing was begun for it.
static void is_refused(struct lab *lab, const char *test, const char *service, const char *why)
{
    const json_t *cell = lab_cell(lab, arena_printf(lab->arena, "r1/%s/1", test));
    assert_string_equal(row_text(cell, "verdict"), "error");
    assert_text_has(row_text(cell, "text"), arena_printf(lab->arena, "service %s: no host can start it so: lab-", service));
    assert_text_has(row_text(cell, "text"), arena_printf(lab->arena, ": %s", why)); // of both, or of one whom a busy machine let speak
}

static void what_no_host_offers_is_an_error_before_the_run(void **state)
{
    struct lab *lab = *state;
    const char *no_netem = lab_probe_netem();
    if (!is_hidden)
        print_message("SKIPPED: hiding strace and cgroups needs root and a mount namespace\n");
    if (!no_netem)
        print_message("SKIPPED: this kernel has netem\n");
    if (!is_hidden && !no_netem) {
        lab->passed = true;
        skip();
    }
    lab_up(lab, two_agents);
    const char *text =
        arena_printf(lab->arena, "panther: 1\nexperiment: refused\ntests:\n%s%s", is_hidden ? hidden : "", no_netem ? far : "");
    assert_int_equal(lab_run(lab, "submit", lab_write(lab, "refused.yaml", text), "--wait", NULL).status, 3);
    if (is_hidden) {
        is_refused(lab, "traced", "server", "strace is not installed");
        is_refused(lab, "limited", "server", "limits.cpu: this host has no cgroup for it that the agent may write");
    }
    if (no_netem)
        is_refused(lab, "far", "network.server", no_netem);
    assert_int_equal(lab_count_events(lab, "r1", "trial_started"), 0);
    lab_leaves_nothing(lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"what_no_host_offers_is_an_error_before_the_run", what_no_host_offers_is_an_error_before_the_run, hide, lab_end, NULL}};
    return cmocka_run_group_tests_name("e2e_environments", tests, NULL, NULL);
}

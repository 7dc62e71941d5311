// dnsperf under the real guard and host: against a real Unbound, one that is killed in the middle, and nobody: its status is 0 each time.
#define _GNU_SOURCE
#include <panther/test.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

// clang-format off
#include <cmocka.h>
// clang-format on

static struct panther_test *start_server(void)
{
    struct panther_test *server = panther_test_new(PANTHER_PLUGINS "/unbound/service.yaml");
    panther_test_protocol(server, "dns", "1", "server");
    if (panther_test_initialize(server) != 0 || panther_test_start(server) != 0)
        fail_msg("%s", panther_test_problem(server));
    return server;
}

static struct panther_test *new_tester(void)
{
    struct panther_test *test = panther_test_new(PANTHER_PLUGINS "/dnsperf/service.yaml");
    panther_test_protocol(test, "dns", "1", "client");
    panther_test_option(test, "duration", "1s");
    panther_test_option(test, "rate", "500");
    return test;
}

static void make_ready(struct panther_test *test)
{
    if (panther_test_initialize(test) != 0 || panther_test_start(test) != 0)
        fail_msg("%s", panther_test_problem(test));
}

static void expect(struct panther_test *test, enum panther_verdict verdict, enum panther_reason reason)
{
    struct panther_test_outcome outcome;
    if (panther_test_case(test, "load", 20000, &outcome) != 0)
        fail_msg("%s", panther_test_problem(test));
    if (outcome.verdict != verdict || outcome.reason != reason)
        fail_msg("verdict %d, reason %d: %s", outcome.verdict, outcome.reason, outcome.text);
}

static double metric(const struct panther_test *test, const char *name)
{
    double value = -1;
    if (!panther_test_metric(test, name, &value))
        fail_msg("no metric %s", name);
    return value;
}

static void measures_a_good_server(void **state)
{
    (void)state;
    struct panther_test *server = start_server(), *test = new_tester();
    panther_test_option(test, "answer_time", "10s");
    panther_test_drive(test, "server", server);
    make_ready(test);
    expect(test, PANTHER_PASS, PANTHER_REASON_NONE);
    assert_true(metric(test, "queries_per_s") > 0);
    assert_true(metric(test, "completed") >= 99);
    assert_true(metric(test, "latency_mean") > 0 && metric(test, "latency_mean") <= metric(test, "latency_max"));
    assert_int_equal(panther_test_end(&test), 0);
    assert_int_equal(panther_test_end(&server), 0);
}

// Stopped, as a server is that hangs: its socket is there and nothing comes back.
static void a_server_that_stops_is_a_fail(void **state)
{
    (void)state;
    struct panther_test *server = start_server(), *test = new_tester();
    panther_test_drive(test, "server", server);
    panther_test_option(test, "answer_time", "300ms");
    make_ready(test);
    kill(panther_test_pid(server, "unbound"), SIGSTOP);
    expect(test, PANTHER_FAIL, PANTHER_REASON_TIMEOUT);
    kill(panther_test_pid(server, "unbound"), SIGCONT);
    assert_int_equal(panther_test_end(&test), 0);
    assert_int_equal(panther_test_end(&server), 0);
}

static void killed_in_the_middle_is_a_fail(void **state)
{
    (void)state;
    struct panther_test *server = start_server(), *test = new_tester();
    panther_test_drive(test, "server", server);
    panther_test_option(test, "answer_time", "300ms");
    make_ready(test);
    pid_t unbound = panther_test_pid(server, "unbound"), killer = fork();
    if (killer == 0) { // as soon as dnsperf of this instance asks; its command line names the instance's folder
        char command[1024];
        snprintf(command, sizeof command,
                 "for i in $(seq 1000); do pgrep -f '^[^ ]*dnsperf .*%s/' >/dev/null && break; sleep 0.02; done; sleep 0.2; kill -KILL %d",
                 panther_test_folder(test), (int)unbound);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    expect(test, PANTHER_FAIL, PANTHER_REASON_ASSERTION);
    assert_true(metric(test, "completed") < 99);
    assert_int_equal(waitpid(killer, NULL, 0), killer);
    assert_int_equal(panther_test_end(&test), 0);
    assert_int_equal(panther_test_end(&server), 0);
}

static void nobody_is_a_fail(void **state)
{
    (void)state;
    struct panther_test *test = new_tester();
    panther_test_option(test, "answer_time", "300ms");
    panther_test_peer(test, "server", "server", "dns", "127.0.0.1", 1, PANTHER_UDP);
    make_ready(test);
    expect(test, PANTHER_FAIL, PANTHER_REASON_TIMEOUT);
    assert_int_equal(panther_test_end(&test), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(measures_a_good_server),
        cmocka_unit_test(a_server_that_stops_is_a_fail),
        cmocka_unit_test(killed_in_the_middle_is_a_fail),
        cmocka_unit_test(nobody_is_a_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// h2load under the real guard and host, against a real nginx and against what is no server at all: its exit status is 0 each time.
#include <panther/test.h>

#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct panther_test *server; // nginx over TLS, for all tests

static int start_server(void **state)
{
    (void)state;
    server = panther_test_new(PANTHER_PLUGINS "/nginx.so");
    panther_test_protocol(server, "http", "2", "server");
    return panther_test_initialize(server) == 0 ? panther_test_start(server) : -1;
}

static int stop_server(void **state)
{
    (void)state;
    return panther_test_end(&server);
}

static struct panther_test *new_tester(void)
{
    struct panther_test *test = panther_test_new(PANTHER_PLUGINS "/h2load.so");
    panther_test_protocol(test, "http", "2", "client");
    panther_test_option(test, "clients", "2");
    panther_test_option(test, "requests", "200");
    return test;
}

static void run(struct panther_test *test, uint32_t timeout_ms, struct panther_test_outcome *outcome)
{
    if (panther_test_initialize(test) != 0 || panther_test_start(test) != 0 ||
        panther_test_case(test, "throughput", timeout_ms, outcome) != 0)
        fail_msg("%s", panther_test_problem(test));
}

static void assert_outcome(struct panther_test **test, const struct panther_test_outcome *outcome, enum panther_verdict verdict,
                           enum panther_reason reason)
{
    if (outcome->verdict != verdict || outcome->reason != reason)
        fail_msg("verdict %d, reason %d: %s", outcome->verdict, outcome->reason, outcome->text);
    assert_int_equal(panther_test_end(test), 0);
}

static double metric(const struct panther_test *test, const char *name)
{
    double value = -1;
    if (!panther_test_metric(test, name, &value))
        fail_msg("no metric %s", name);
    return value;
}

static void measures_throughput_and_latency(void **state)
{
    (void)state;
    struct panther_test_outcome outcome;
    struct panther_test *test = new_tester();
    panther_test_drive(test, "server", server);
    run(test, 20000, &outcome);
    assert_true(metric(test, "req_per_s") > 0);
    assert_true(metric(test, "success_ratio") == 1);
    assert_true(metric(test, "requests") == 200);
    assert_true(metric(test, "latency_p50") > 0);
    assert_true(metric(test, "latency_p50") <= metric(test, "latency_p90"));
    assert_true(metric(test, "latency_p90") <= metric(test, "latency_p99"));
    assert_true(metric(test, "latency_p99") <= metric(test, "latency_max") * 1.01);
    assert_outcome(&test, &outcome, PANTHER_PASS, PANTHER_REASON_NONE);
}

static void loads_for_a_duration(void **state)
{
    (void)state;
    struct panther_test_outcome outcome;
    struct panther_test *test = new_tester();
    panther_test_option(test, "duration", "500ms");
    panther_test_drive(test, "server", server);
    run(test, 20000, &outcome);
    // more than nginx's own limit of requests per connection, which would end the load early
    assert_true(metric(test, "requests") > 2000);
    assert_outcome(&test, &outcome, PANTHER_PASS, PANTHER_REASON_NONE);
}

static void refused_connection_is_a_fail(void **state)
{
    (void)state;
    struct panther_test_outcome outcome;
    struct panther_test *test = new_tester();
    panther_test_peer(test, "server", "server", "https", "127.0.0.1", 1, PANTHER_TCP);
    run(test, 20000, &outcome);
    assert_true(metric(test, "success_ratio") == 0);
    assert_outcome(&test, &outcome, PANTHER_FAIL, PANTHER_REASON_ASSERTION);
}

static void missing_page_is_a_fail(void **state)
{
    (void)state;
    struct panther_test_outcome outcome;
    struct panther_test *test = new_tester();
    panther_test_option(test, "path", "/none");
    panther_test_drive(test, "server", server);
    run(test, 20000, &outcome);
    if (!strstr(outcome.text, "200 4xx"))
        fail_msg("%s", outcome.text);
    assert_outcome(&test, &outcome, PANTHER_FAIL, PANTHER_REASON_ASSERTION);
}

static void missing_page_may_be_expected(void **state)
{
    (void)state;
    struct panther_test_outcome outcome;
    struct panther_test *test = new_tester();
    panther_test_option(test, "path", "/none");
    panther_test_option(test, "min_success", "0%");
    panther_test_drive(test, "server", server);
    run(test, 20000, &outcome);
    assert_outcome(&test, &outcome, PANTHER_PASS, PANTHER_REASON_NONE);
}

// Accepts connections in its backlog and never answers.
static int silent_server(uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(listener, 16), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    *port = ntohs(address.sin_port);
    return listener;
}

static void silent_server_is_a_fail(void **state)
{
    (void)state;
    uint16_t port;
    int listener = silent_server(&port);
    struct panther_test_outcome outcome;
    struct panther_test *test = new_tester();
    panther_test_option(test, "silence", "1s");
    panther_test_peer(test, "server", "server", "http", "127.0.0.1", port, PANTHER_TCP);
    run(test, 20000, &outcome);
    assert_outcome(&test, &outcome, PANTHER_FAIL, PANTHER_REASON_TIMEOUT);
    close(listener);
}

static void running_out_of_time_is_inconclusive(void **state)
{
    (void)state;
    uint16_t port;
    int listener = silent_server(&port);
    struct panther_test_outcome outcome;
    struct panther_test *test = new_tester();
    panther_test_option(test, "max_time", "300ms");
    panther_test_peer(test, "server", "server", "http", "127.0.0.1", port, PANTHER_TCP);
    run(test, 20000, &outcome);
    assert_outcome(&test, &outcome, PANTHER_INCONC, PANTHER_REASON_TIMEOUT);
    close(listener);
}

// Kills the h2load of this instance as soon as it lives; its command line names the instance's folder.
static pid_t start_killer(const struct panther_test *test)
{
    char command[1024];
    snprintf(command, sizeof(command), "until pkill -KILL -f '^[^ ]*h2load .*--log-file=%s/'; do sleep 0.02; done",
             panther_test_folder(test));
    pid_t killer = fork();
    if (killer == 0) {
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    return killer;
}

static void killed_tool_is_inconclusive(void **state)
{
    (void)state;
    struct panther_test_outcome outcome;
    struct panther_test *test = new_tester();
    panther_test_option(test, "duration", "20s");
    panther_test_drive(test, "server", server);
    assert_int_equal(panther_test_initialize(test), 0);
    assert_int_equal(panther_test_start(test), 0);
    pid_t killer = start_killer(test);
    assert_int_equal(panther_test_case(test, "throughput", 30000, &outcome), 0);
    kill(killer, SIGKILL);
    waitpid(killer, NULL, 0);
    assert_outcome(&test, &outcome, PANTHER_INCONC, PANTHER_REASON_KILLED);
}

static void no_summary_is_inconclusive(void **state)
{
    (void)state;
    struct panther_test_outcome outcome;
    struct panther_test *test = new_tester();
    // h2load takes no such URI and says nothing of requests
    panther_test_option(test, "path", "/a b");
    panther_test_drive(test, "server", server);
    run(test, 20000, &outcome);
    assert_outcome(&test, &outcome, PANTHER_INCONC, PANTHER_REASON_INCOMPLETE);
}

static void refuses_more_threads_than_clients(void **state)
{
    (void)state;
    struct panther_test *test = new_tester();
    panther_test_option(test, "threads", "3");
    panther_test_drive(test, "server", server);
    assert_int_not_equal(panther_test_initialize(test), 0);
    assert_non_null(strstr(panther_test_problem(test), "threads"));
    assert_int_equal(panther_test_end(&test), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(measures_throughput_and_latency),     cmocka_unit_test(loads_for_a_duration),
        cmocka_unit_test(refused_connection_is_a_fail),        cmocka_unit_test(missing_page_is_a_fail),
        cmocka_unit_test(missing_page_may_be_expected),        cmocka_unit_test(silent_server_is_a_fail),
        cmocka_unit_test(running_out_of_time_is_inconclusive), cmocka_unit_test(killed_tool_is_inconclusive),
        cmocka_unit_test(no_summary_is_inconclusive),          cmocka_unit_test(refuses_more_threads_than_clients),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}

// wrk under the real guard and host, against nginx and against what is wrong: a missing file, nobody there, a server that is broken or
// silent.
#include <panther/test.h>

#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static struct panther_test *server;

static int start_server(void **state)
{
    (void)state;
    server = panther_test_new(PANTHER_PLUGINS "/nginx.so");
    panther_test_protocol(server, "http", "1.1", "server");
    if (panther_test_initialize(server) != 0 || panther_test_start(server) != 0)
        fail_msg("%s", panther_test_problem(server));
    return 0;
}

static int end_server(void **state)
{
    (void)state;
    return server ? panther_test_end(&server) : 0;
}

static struct panther_test *new_load(void)
{
    struct panther_test *test = panther_test_new(PANTHER_PLUGINS "/wrk/service.yaml");
    panther_test_option(test, "duration", "1s");
    panther_test_option(test, "connections", "4");
    return test;
}

static void run(struct panther_test *test, struct panther_test_outcome *outcome)
{
    if (panther_test_initialize(test) != 0 || panther_test_start(test) != 0 || panther_test_case(test, "throughput", 20000, outcome) != 0)
        fail_msg("%s", panther_test_problem(test));
}

static void assert_fails(struct panther_test *test, const char *why)
{
    struct panther_test_outcome outcome = {0};
    run(test, &outcome);
    if (outcome.verdict != PANTHER_FAIL || !strstr(outcome.text, why))
        fail_msg("verdict %d: \"%s\", not \"%s\"", outcome.verdict, outcome.text, why);
    assert_int_equal(panther_test_end(&test), 0);
}

static void measures_a_server(void **state)
{
    (void)state;
    struct panther_test_outcome outcome = {0};
    struct panther_test *test = new_load();
    double requests = 0, rate = 0, p50 = 0, p99 = 0;
    panther_test_drive(test, "server", server);
    run(test, &outcome);
    if (outcome.verdict != PANTHER_PASS)
        fail_msg("%s", outcome.text);
    assert_true(panther_test_metric(test, "requests", &requests) && panther_test_metric(test, "req_per_s", &rate));
    assert_true(panther_test_metric(test, "latency_p50", &p50) && panther_test_metric(test, "latency_p99", &p99));
    // more than the limit of servers that close a connection after 100 requests would hide
    assert_true(requests > 100 && rate > 10);
    assert_true(p50 > 0 && p99 >= p50);
    assert_int_equal(panther_test_end(&test), 0);
}

static void a_missing_file_is_a_fail(void **state)
{
    (void)state;
    struct panther_test *test = new_load();
    panther_test_option(test, "path", "/none");
    panther_test_drive(test, "server", server);
    assert_fails(test, "had a status of 4xx or 5xx");
}

static void nobody_there_is_a_fail(void **state)
{
    (void)state;
    struct panther_test *test = new_load();
    panther_test_peer(test, "server", "server", "http", "127.0.0.1", 1, PANTHER_TCP);
    assert_fails(test, "no connection to 127.0.0.1:1");
}

static int listener(uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(fd, 64), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

// Takes connections and closes each without an answer.
static void *hang_up(void *data)
{
    int fd;
    while ((fd = accept(*(int *)data, NULL, NULL)) >= 0)
        close(fd);
    return NULL;
}

static void a_server_that_hangs_up_is_a_fail(void **state)
{
    (void)state;
    uint16_t port = 0;
    int fd = listener(&port);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, hang_up, &fd), 0);
    struct panther_test *test = new_load();
    panther_test_peer(test, "server", "server", "http", "127.0.0.1", port, PANTHER_TCP);
    assert_fails(test, "connections failed");
    shutdown(fd, SHUT_RDWR);
    pthread_join(thread, NULL);
    close(fd);
}

static void a_silent_server_is_a_fail(void **state)
{
    (void)state;
    uint16_t port = 0;
    int fd = listener(&port);
    struct panther_test *test = new_load();
    panther_test_peer(test, "server", "server", "http", "127.0.0.1", port, PANTHER_TCP);
    assert_fails(test, "no request was answered");
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(measures_a_server),         cmocka_unit_test(a_missing_file_is_a_fail),
        cmocka_unit_test(nobody_there_is_a_fail),    cmocka_unit_test(a_server_that_hangs_up_is_a_fail),
        cmocka_unit_test(a_silent_server_is_a_fail),
    };
    return cmocka_run_group_tests(tests, start_server, end_server);
}

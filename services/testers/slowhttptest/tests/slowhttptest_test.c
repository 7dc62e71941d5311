// slowhttptest under the real guard and host: a server that bears the attack, servers that do not, and nobody at all.
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

static struct panther_test *new_attack(const char *duration)
{
    struct panther_test *test = panther_test_new(PANTHER_PLUGINS "/slowhttptest/service.yaml");
    panther_test_option(test, "duration", duration);
    panther_test_option(test, "connections", "20");
    panther_test_option(test, "probe_timeout", "1");
    return test;
}

static void run(struct panther_test *test, const char *name, struct panther_test_outcome *outcome)
{
    if (panther_test_initialize(test) != 0 || panther_test_start(test) != 0 || panther_test_case(test, name, 20000, outcome) != 0)
        fail_msg("%s", panther_test_problem(test));
}

static void assert_fails(struct panther_test *test, const char *why)
{
    struct panther_test_outcome outcome = {0};
    run(test, "slow_headers", &outcome);
    if (outcome.verdict != PANTHER_FAIL || !strstr(outcome.text, why))
        fail_msg("verdict %d: \"%s\", not \"%s\"", outcome.verdict, outcome.text, why);
    assert_int_equal(panther_test_end(&test), 0);
}

static void a_server_with_many_connections_bears_it(void **state)
{
    (void)state;
    struct panther_test_outcome outcome = {0};
    struct panther_test *server = panther_test_new(PANTHER_PLUGINS "/nginx.so");
    double held = 0;
    panther_test_protocol(server, "http", "1.1", "server");
    panther_test_option(server, "tls", "false");
    if (panther_test_initialize(server) != 0 || panther_test_start(server) != 0)
        fail_msg("%s", panther_test_problem(server));
    struct panther_test *test = new_attack("1s");
    panther_test_drive(test, "server", server);
    run(test, "slow_headers", &outcome);
    if (outcome.verdict != PANTHER_PASS)
        fail_msg("%s", outcome.text);
    assert_true(panther_test_metric(test, "held_max", &held));
    assert_true(held > 0 && held <= 20);
    assert_int_equal(panther_test_end(&test), 0);
    assert_int_equal(panther_test_end(&server), 0);
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

// One connection at a time, and each until its request is complete: what such attacks are made for.
static void *serve_one_by_one(void *data)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
    int fd;
    while ((fd = accept(*(int *)data, NULL, NULL)) >= 0) {
        char request[65536] = "";
        size_t bytes = 0;
        ssize_t got = 0;
        while (!strstr(request, "\r\n\r\n") && bytes < sizeof(request) - 1 &&
               (got = read(fd, request + bytes, sizeof(request) - 1 - bytes)) > 0)
            request[bytes += (size_t)got] = '\0';
        if (got > 0 && write(fd, answer, sizeof(answer) - 1) < 0)
            perror("answer");
        close(fd);
    }
    return NULL;
}

static void a_server_that_serves_one_by_one_does_not(void **state)
{
    (void)state;
    uint16_t port = 0;
    int fd = listener(&port);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, serve_one_by_one, &fd), 0);
    struct panther_test *test = new_attack("2s");
    panther_test_peer(test, "server", "server", "http", "127.0.0.1", port, PANTHER_TCP);
    assert_fails(test, "nobody else was answered");
    shutdown(fd, SHUT_RDWR);
    pthread_join(thread, NULL);
    close(fd);
}

static void nobody_there_is_a_fail(void **state)
{
    (void)state;
    struct panther_test *test = new_attack("1s");
    panther_test_peer(test, "server", "server", "http", "127.0.0.1", 1, PANTHER_TCP);
    assert_fails(test, "no connection to 127.0.0.1:1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_with_many_connections_bears_it),
        cmocka_unit_test(a_server_that_serves_one_by_one_does_not),
        cmocka_unit_test(nobody_there_is_a_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

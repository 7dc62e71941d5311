// Chromium as an HTTP/3 client under the real guard and host, against caddy, which it must and must not be satisfied with.
#include <panther/test.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct panther_test *server;

static struct panther_test *ready_server(const char *plugin)
{
    struct panther_test *test = panther_test_new(plugin);
    panther_test_protocol(test, "quic", "1", "server");
    if (panther_test_initialize(test) != 0 || panther_test_start(test) != 0)
        fail_msg("%s", panther_test_problem(test));
    return test;
}

static int start_server(void **state)
{
    (void)state;
    server = ready_server(PANTHER_PLUGINS "/caddy/service.yaml");
    return 0;
}

static int end_server(void **state)
{
    (void)state;
    return server ? panther_test_end(&server) : 0;
}

static struct panther_test *new_client(int port)
{
    struct panther_test *test = panther_test_new(PANTHER_PLUGINS "/chromium/service.yaml");
    panther_test_protocol(test, "quic", "1", "client");
    panther_test_peer(test, NULL, "server", "quic", "127.0.0.1", (uint16_t)port, PANTHER_UDP | PANTHER_TCP);
    return test;
}

static void execute(struct panther_test *test, struct panther_test_outcome *outcome)
{
    if (panther_test_initialize(test) != 0 || panther_test_start(test) != 0 || panther_test_execute(test, 60000, outcome) != 0)
        fail_msg("%s", panther_test_problem(test));
}

static void loads_a_page_over_http3(void **state)
{
    (void)state;
    struct panther_test_outcome outcome = {0};
    struct panther_test *test = new_client(panther_test_port(server, "quic"));
    execute(test, &outcome);
    if (outcome.verdict != PANTHER_PASS)
        fail_msg("%s", outcome.text);
    assert_true(strtol(panther_test_version(test), NULL, 10) > 90);
    assert_int_equal(panther_test_stop(test), 0);
    assert_int_equal(panther_test_cleanup(test), 0);
    assert_true(panther_test_artifact(test, "netlog.1.json"));
    assert_int_equal(panther_test_end(&test), 0);
}

static void a_missing_page_is_a_fail(void **state)
{
    (void)state;
    struct panther_test_outcome outcome = {0};
    struct panther_test *test = new_client(panther_test_port(server, "quic"));
    panther_test_option(test, "paths", "/none.html");
    execute(test, &outcome);
    assert_int_equal(outcome.verdict, PANTHER_FAIL);
    assert_non_null(strstr(outcome.text, "status 404"));
    assert_int_equal(panther_test_end(&test), 0);
}

// ngtcp2's server speaks QUIC alone: its key is learned from a first visit.
static void a_server_of_quic_alone_is_trusted(void **state)
{
    (void)state;
    struct panther_test_outcome outcome = {0};
    struct panther_test *other = ready_server(PANTHER_PLUGINS "/ngtcp2.so"), *test = new_client(panther_test_port(other, "quic"));
    execute(test, &outcome);
    if (outcome.verdict != PANTHER_PASS)
        fail_msg("%s", outcome.text);
    assert_int_equal(panther_test_end(&test), 0);
    assert_int_equal(panther_test_end(&other), 0);
}

// A key that is not the server's own is no proof of anything.
static void another_key_is_a_fail(void **state)
{
    (void)state;
    struct panther_test_outcome outcome = {0};
    struct panther_test *other = ready_server(PANTHER_PLUGINS "/ngtcp2.so"), *test = new_client(panther_test_port(other, "quic"));
    panther_test_option(test, "key_hash", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    execute(test, &outcome);
    assert_int_equal(outcome.verdict, PANTHER_FAIL);
    assert_non_null(strstr(outcome.text, "there was no QUIC handshake"));
    assert_int_equal(panther_test_end(&test), 0);
    const int port = panther_test_port(other, "quic");
    assert_int_equal(panther_test_end(&other), 0);
    test = new_client(port); // nobody is there any more
    panther_test_option(test, "max_time", "5s");
    execute(test, &outcome);
    assert_int_equal(outcome.verdict, PANTHER_ERROR);
    assert_non_null(strstr(outcome.text, "key is not known"));
    assert_int_equal(panther_test_end(&test), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loads_a_page_over_http3),
        cmocka_unit_test(a_missing_page_is_a_fail),
        cmocka_unit_test(a_server_of_quic_alone_is_trusted),
        cmocka_unit_test(another_key_is_a_fail),
    };
    return cmocka_run_group_tests(tests, start_server, end_server);
}

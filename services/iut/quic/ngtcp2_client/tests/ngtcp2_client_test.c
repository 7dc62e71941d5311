// gtlsclient as a client under the real guard and host, against ngtcp2's server, which it must and must not be satisfied with.
#include <panther/test.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct panther_test *server;

static int start_server(void **state)
{
    (void)state;
    server = panther_test_new(PANTHER_PLUGINS "/ngtcp2.so");
    panther_test_protocol(server, "quic", "1", "server");
    panther_test_option(server, "sizes", "1KiB");
    panther_test_option(server, "sizes", "300000");
    if (panther_test_initialize(server) != 0 || panther_test_start(server) != 0)
        fail_msg("%s", panther_test_problem(server));
    return 0;
}

static int end_server(void **state)
{
    (void)state;
    return server ? panther_test_end(&server) : 0;
}

static struct panther_test *new_client(int port)
{
    struct panther_test *test = panther_test_new(PANTHER_PLUGINS "/ngtcp2_client/service.yaml");
    panther_test_protocol(test, "quic", "1", "client");
    panther_test_peer(test, NULL, "server", "quic", "127.0.0.1", (uint16_t)port, PANTHER_UDP);
    return test;
}

static void execute(struct panther_test *test, struct panther_test_outcome *outcome)
{
    if (panther_test_initialize(test) != 0 || panther_test_start(test) != 0 || panther_test_execute(test, 30000, outcome) != 0)
        fail_msg("%s", panther_test_problem(test));
}

static void assert_fails(struct panther_test *test, const char *why)
{
    struct panther_test_outcome outcome = {0};
    execute(test, &outcome);
    assert_int_equal(outcome.verdict, PANTHER_FAIL);
    char *text = panther_test_stream(test, "gtlsclient.stdout");
    assert_non_null(text);
    if (!strstr(text, why))
        fail_msg("\"%s\" is not in: %s", why, text);
    free(text);
    assert_int_equal(panther_test_end(&test), 0);
}

static void downloads(void **state)
{
    (void)state;
    struct panther_test_outcome outcome = {0};
    double value = 0;
    struct panther_test *test = new_client(panther_test_port(server, "quic"));
    panther_test_option(test, "paths", "/index.html");
    panther_test_option(test, "paths", "/1024.bin");
    panther_test_option(test, "paths", "/300000.bin");
    execute(test, &outcome);
    if (outcome.verdict != PANTHER_PASS)
        fail_msg("%s", outcome.text);
    assert_int_equal(strncmp(panther_test_version(test), "0.", 2), 0);
    assert_true(panther_test_metric(test, "downloads", &value));
    assert_int_equal((int)value, 3);
    assert_int_equal(panther_test_stop(test), 0);
    assert_int_equal(panther_test_cleanup(test), 0);
    assert_true(panther_test_artifact(test, "client.1.sqlog"));
    assert_true(panther_test_artifact(test, "client.keys"));
    assert_int_equal(panther_test_end(&test), 0);
}

// What it is asked to do is seen in its own log, not in the download alone.
static void changes_keys_and_addresses(void **state)
{
    (void)state;
    static const char *const actions[][2] = {
        {"key_update", "Initiate key update"}, {"migration", "succeeded"}, {"nat_rebinding", "PATH_RESPONSE"}};
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
        struct panther_test_outcome outcome = {0};
        struct panther_test *test = new_client(panther_test_port(server, "quic"));
        panther_test_option(test, "paths", "/300000.bin");
        panther_test_option(test, "after_handshake", actions[i][0]);
        execute(test, &outcome);
        if (outcome.verdict != PANTHER_PASS)
            fail_msg("%s: %s", actions[i][0], outcome.text);
        char *text = panther_test_stream(test, "gtlsclient.stderr");
        assert_non_null(text);
        if (!strstr(text, actions[i][1]))
            fail_msg("%s: \"%s\" is not in its log", actions[i][0], actions[i][1]);
        free(text);
        assert_int_equal(panther_test_end(&test), 0);
    }
}

static void a_missing_file_is_a_fail(void **state)
{
    (void)state;
    struct panther_test *test = new_client(panther_test_port(server, "quic"));
    panther_test_option(test, "paths", "/1024.bin");
    panther_test_option(test, "paths", "/none");
    assert_fails(test, "not ok 2 - /none: status 404, not 200");
}

// gtlsclient ends with status 0 here.
static void nobody_there_is_a_fail(void **state)
{
    (void)state;
    struct panther_test *test = new_client(1);
    panther_test_option(test, "handshake_timeout", "500ms");
    assert_fails(test, "not ok 1 - /: there was no handshake");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(downloads),
        cmocka_unit_test(changes_keys_and_addresses),
        cmocka_unit_test(a_missing_file_is_a_fail),
        cmocka_unit_test(nobody_there_is_a_fail),
    };
    return cmocka_run_group_tests(tests, start_server, end_server);
}

// iperf3 as a competing flow under the real guard and host: a server and a client of it, and a client that finds nobody.
#include <panther/test.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define EXECUTE_MS 30000

static struct panther_test *begin(const char *role)
{
    struct panther_test *test = panther_test_new(PANTHER_PLUGINS "/iperf3/service.yaml");
    panther_test_protocol(test, "quic", "1", role);
    return test;
}

static void execute(struct panther_test *test, struct panther_test_outcome *outcome)
{
    if (panther_test_initialize(test) != 0 || panther_test_start(test) != 0 || panther_test_execute(test, EXECUTE_MS, outcome) != 0)
        fail_msg("%s", panther_test_problem(test));
}

static struct panther_test *client_of(int port)
{
    struct panther_test *client = begin("rival_client");
    panther_test_peer(client, NULL, "server", "iperf", "127.0.0.1", (uint16_t)port, PANTHER_TCP);
    panther_test_option(client, "duration", "1s");
    panther_test_option(client, "connect_timeout", "2s");
    return client;
}

static void a_flow(void **state)
{
    (void)state;
    struct panther_test_outcome outcome = {0};
    struct panther_test *server = begin("rival_server");
    if (panther_test_initialize(server) != 0 || panther_test_start(server) != 0)
        fail_msg("%s", panther_test_problem(server));
    struct panther_test *client = client_of(panther_test_port(server, "iperf"));
    execute(client, &outcome);
    double rate = 0;
    if (outcome.verdict != PANTHER_PASS)
        fail_msg("%s", outcome.text);
    assert_true(panther_test_metric(client, "rate", &rate));
    assert_true(rate > 0);
    assert_int_equal(panther_test_end(&client), 0);
    assert_int_equal(panther_test_end(&server), 0);
}

// Port 1 of this host: nobody listens.
static void nobody_there(void **state)
{
    (void)state;
    struct panther_test_outcome outcome = {0};
    struct panther_test *client = client_of(1);
    execute(client, &outcome);
    assert_int_equal(outcome.verdict, PANTHER_FAIL);
    assert_int_equal(panther_test_end(&client), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flow),
        cmocka_unit_test(nobody_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

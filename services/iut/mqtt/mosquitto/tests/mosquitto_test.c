// Mosquitto under the real guard and host: its own clients get through, with TLS and without; mqtt_suite judges it.
#include <panther/test.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// clang-format off
#include <cmocka.h>
// clang-format on

static struct panther_test *start_server(const char *option, const char *value)
{
    struct panther_test *server = panther_test_new(PANTHER_PLUGINS "/mosquitto/service.yaml");
    panther_test_protocol(server, "mqtt", "3.1.1", "server");
    if (option)
        panther_test_option(server, option, value);
    if (panther_test_initialize(server) != 0 || panther_test_start(server) != 0)
        fail_msg("%s", panther_test_problem(server));
    return server;
}

// mosquitto_pub keeps a message, mosquitto_sub gets it.
static void assert_carries(const struct panther_test *server, const char *endpoint, const char *flags)
{
    char command[1024], line[256] = "";
    int port = panther_test_port(server, endpoint);
    snprintf(
        command, sizeof command,
        "mosquitto_pub -h 127.0.0.1 -p %d %s -q 2 -r -t a/b -m '%s' && mosquitto_sub -h 127.0.0.1 -p %d %s -q 1 -t 'a/#' -C 1 -W 20 -v",
        port, flags, endpoint, port, flags);
    FILE *client = popen(command, "r");
    assert_non_null(client);
    assert_non_null(fgets(line, sizeof line, client));
    assert_int_equal(pclose(client), 0);
    snprintf(command, sizeof command, "a/b %s\n", endpoint);
    assert_string_equal(line, command);
}

static void carries_messages_and_ends_cleanly(void **state)
{
    (void)state;
    struct panther_test_exit ended;
    struct panther_test *server = start_server(NULL, NULL);
    assert_int_equal(strncmp(panther_test_version(server), "2.", 2), 0);
    assert_carries(server, "mqtt", "");
    assert_int_equal(panther_test_stop(server), 0);
    assert_true(panther_test_exited(server, "mosquitto", 5000, &ended));
    assert_true(ended.clean && !ended.unexpected && ended.status == 0);
    assert_int_equal(panther_test_end(&server), 0);
}

static void carries_messages_over_tls(void **state)
{
    (void)state;
    struct panther_test *server = start_server("tls", "true");
    char flags[600], find[600], path[400] = "";
    // the certificate's authority is the instance's own
    snprintf(find, sizeof find, "find %s/work -name '*.pem' | grep -i -e ca -e authority | head -1", panther_test_folder(server));
    FILE *found = popen(find, "r");
    assert_non_null(found);
    assert_non_null(fgets(path, sizeof path, found));
    pclose(found);
    path[strcspn(path, "\n")] = '\0';
    snprintf(flags, sizeof flags, "--cafile %s", path);
    assert_carries(server, "mqtts", flags);
    assert_carries(server, "mqtt", "");
    assert_int_equal(panther_test_end(&server), 0);
}

// The sample that takes no time; the whole suite against it is what deploy/examples/mqtt.yaml runs.
static void passes_the_suite(void **state)
{
    (void)state;
    static const char *const cases[] = {"connect",    "qos2",          "exactly_once", "order",          "wildcards",  "retained",
                                        "will",       "will_withheld", "takeover",     "kept_session",   "redelivery", "wrong_level",
                                        "bad_length", "cut_packet",    "v5_qos",       "retain_cleared", "suback"};
    struct panther_test *server = start_server(NULL, NULL), *tester = panther_test_new(PANTHER_PLUGINS "/mqtt_suite.so");
    panther_test_protocol(tester, "mqtt", "3.1.1", "client");
    panther_test_drive(tester, "server", server);
    panther_test_option(tester, "timeout", "10s");
    if (panther_test_initialize(tester) != 0 || panther_test_start(tester) != 0)
        fail_msg("%s", panther_test_problem(tester));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct panther_test_outcome outcome;
        assert_int_equal(panther_test_case(tester, cases[i], 30000, &outcome), 0);
        if (outcome.verdict != PANTHER_PASS)
            fail_msg("%s: verdict %d, reason %d: %s", cases[i], outcome.verdict, outcome.reason, outcome.text);
    }
    assert_int_equal(panther_test_end(&tester), 0);
    assert_int_equal(panther_test_end(&server), 0);
}

static void being_killed_is_not_clean(void **state)
{
    (void)state;
    struct panther_test_exit ended;
    struct panther_test *server = start_server(NULL, NULL);
    assert_int_equal(kill(panther_test_pid(server, "mosquitto"), SIGKILL), 0);
    assert_true(panther_test_exited(server, "mosquitto", 5000, &ended));
    assert_true(!ended.clean && ended.unexpected && ended.signal == SIGKILL);
    assert_int_equal(panther_test_end(&server), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(carries_messages_and_ends_cleanly),
        cmocka_unit_test(carries_messages_over_tls),
        cmocka_unit_test(passes_the_suite),
        cmocka_unit_test(being_killed_is_not_clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

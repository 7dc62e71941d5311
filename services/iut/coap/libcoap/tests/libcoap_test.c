// libcoap's server under the real guard and host: libcoap's own client gets through, and what coap_suite says of it is written down: a
// change is news.
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

static const char *const cases[] = {
    "get",
    "get_non",
    "token",
    "ping",
    "duplicate",
    "many",
    "put",
    "delete",
    "missing",
    "unknown_method",
    "critical_option",
    "proxy",
    "elective_option",
    "discovery",
    "block_get",
    "block_put",
    "observe",
    "notify",
    "notify_order",
    "deregister",
    "observe_reset",
    "long_token",
    "empty_payload",
    "cut_option",
    "critical_option_non",
    "block_reserved",
    "observe_missing",
    "wrong_version",
    "reserved_option",
    "empty_with_bytes",
    "reserved_class",
    "stray_acknowledgement",
    "short_message",
};
static const char *const known_failures[] = {"block_reserved", "wrong_version", "reserved_class"}; // see coap_suite's README

static struct panther_test *start_server(void)
{
    struct panther_test *server = panther_test_new(PANTHER_PLUGINS "/libcoap/service.yaml");
    panther_test_protocol(server, "coap", "1", "server");
    if (panther_test_initialize(server) != 0 || panther_test_start(server) != 0)
        fail_msg("%s", panther_test_problem(server));
    return server;
}

static void ask(const struct panther_test *server, const char *arguments, char answer[256])
{
    char command[512];
    snprintf(command, sizeof command, "coap-client-notls -B 5 %s coap://127.0.0.1:%d/box", arguments, panther_test_port(server, "coap"));
    FILE *client = popen(command, "r");
    assert_non_null(client);
    answer[fread(answer, 1, 255, client)] = '\0';
    assert_int_equal(pclose(client), 0);
}

static void serves_and_ends_cleanly(void **state)
{
    (void)state;
    char answer[256];
    struct panther_test_exit ended;
    struct panther_test *server = start_server();
    assert_int_equal(strncmp(panther_test_version(server), "4.", 2), 0);
    ask(server, "-m put -e 'what a day'", answer);
    ask(server, "-m get", answer);
    assert_non_null(strstr(answer, "what a day"));
    assert_int_equal(panther_test_stop(server), 0);
    assert_true(panther_test_exited(server, "coap-server", 5000, &ended));
    assert_true(ended.clean && !ended.unexpected && ended.status == 0);
    assert_int_equal(panther_test_end(&server), 0);
}

static bool is_known(const char *name)
{
    for (size_t i = 0; i < sizeof known_failures / sizeof known_failures[0]; i++)
        if (strcmp(name, known_failures[i]) == 0)
            return true;
    return false;
}

static void conforms_as_far_as_is_known(void **state)
{
    (void)state;
    struct panther_test *server = start_server(), *tester = panther_test_new(PANTHER_PLUGINS "/coap_suite.so");
    panther_test_protocol(tester, "coap", "1", "client");
    panther_test_drive(tester, "server", server);
    panther_test_option(tester, "silence", "100ms");
    if (panther_test_initialize(tester) != 0 || panther_test_start(tester) != 0)
        fail_msg("%s", panther_test_problem(tester));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct panther_test_outcome outcome;
        assert_int_equal(panther_test_case(tester, cases[i], 30000, &outcome), 0);
        if (outcome.verdict != (is_known(cases[i]) ? PANTHER_FAIL : PANTHER_PASS))
            fail_msg("%s: verdict %d, reason %d: %s", cases[i], outcome.verdict, outcome.reason, outcome.text);
        if (outcome.verdict == PANTHER_FAIL)
            assert_int_equal(outcome.reason, PANTHER_REASON_VIOLATION);
    }
    assert_int_equal(panther_test_end(&tester), 0);
    assert_int_equal(panther_test_end(&server), 0);
}

static void being_killed_is_not_clean(void **state)
{
    (void)state;
    struct panther_test_exit ended;
    struct panther_test *server = start_server();
    assert_int_equal(kill(panther_test_pid(server, "coap-server"), SIGKILL), 0);
    assert_true(panther_test_exited(server, "coap-server", 5000, &ended));
    assert_true(!ended.clean && ended.unexpected && ended.signal == SIGKILL);
    assert_int_equal(panther_test_end(&server), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(serves_and_ends_cleanly),
        cmocka_unit_test(conforms_as_far_as_is_known),
        cmocka_unit_test(being_killed_is_not_clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

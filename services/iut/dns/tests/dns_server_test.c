// dnsmasq, unbound and BIND (SERVER; its process is PROGRAM) under the real guard and host: they serve the same zone, so one test holds for
// all. What dns_conformance says of each is written down here, too: a change is news.
#include <panther/test.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// clang-format off
#include <cmocka.h>
// clang-format on

static const struct {
    const char *server, *name;
    enum panther_reason reason;
} known_failures[] = {
    {"dnsmasq", "unknown_opcode", PANTHER_REASON_ASSERTION}, // REFUSED
    {"dnsmasq", "edns_version", PANTHER_REASON_VIOLATION},   // answers version 1 as it does version 0
    {"dnsmasq", "edns_twice", PANTHER_REASON_VIOLATION},     // takes the last OPT
    {"dnsmasq", "two_questions", PANTHER_REASON_VIOLATION},  // REFUSED
};
static const char *const cases[] = {
    "address",      "ipv6_address", "no_recursion", "missing_name",   "missing_type", "alias",          "letter_case",
    "unknown_type", "any",          "other_class",  "unknown_opcode", "many",         "answer_ignored", "truncation",
    "tcp_whole",    "tcp_pieces",   "tcp_several",  "tcp_half",       "edns",         "edns_absent",    "edns_version",
    "edns_size",    "edns_small",   "edns_option",  "edns_twice",     "short_header", "pointer_loop",   "bad_label",
    "long_name",    "cut_question", "no_question",  "two_questions",  "wrong_counts", "trailing_bytes",
};

static struct panther_test *start_server(const char *option, const char *value)
{
    struct panther_test *server = panther_test_new(PANTHER_PLUGINS "/" SERVER "/service.yaml");
    panther_test_protocol(server, "dns", "1", "server");
    if (option)
        panther_test_option(server, option, value);
    if (panther_test_initialize(server) != 0 || panther_test_start(server) != 0)
        fail_msg("%s", panther_test_problem(server));
    return server;
}

static void tells_its_version(void **state)
{
    (void)state;
    struct panther_test *server = start_server(NULL, NULL);
    assert_true(atof(panther_test_version(server)) > 0);
    assert_int_equal(panther_test_stop(server), 0);
    struct panther_test_exit ended;
    assert_true(panther_test_exited(server, PROGRAM, 5000, &ended));
    assert_true(ended.clean && !ended.unexpected);
    assert_int_equal(panther_test_end(&server), 0);
}

// A client that is not ours.
static void answers_dig(void **state)
{
    (void)state;
    char command[256], line[256] = "";
    struct panther_test *server = start_server("address", "192.0.2.99");
    snprintf(command, sizeof command, "dig +short +tries=3 +time=2 -p %d @127.0.0.1 www.test.example A", panther_test_port(server, "dns"));
    FILE *dig = popen(command, "r");
    assert_non_null(dig);
    assert_non_null(fgets(line, sizeof line, dig));
    assert_int_equal(pclose(dig), 0);
    assert_string_equal(line, "192.0.2.99\n");
    assert_int_equal(panther_test_end(&server), 0);
}

static enum panther_reason known(const char *name)
{
    for (size_t i = 0; i < sizeof known_failures / sizeof known_failures[0]; i++)
        if (strcmp(known_failures[i].server, SERVER) == 0 && strcmp(known_failures[i].name, name) == 0)
            return known_failures[i].reason;
    return PANTHER_REASON_NONE;
}

static void conforms_as_far_as_is_known(void **state)
{
    (void)state;
    struct panther_test *server = start_server(NULL, NULL), *tester = panther_test_new(PANTHER_PLUGINS "/dns_conformance.so");
    panther_test_protocol(tester, "dns", "1", "client");
    panther_test_drive(tester, "server", server);
    if (panther_test_initialize(tester) != 0 || panther_test_start(tester) != 0)
        fail_msg("%s", panther_test_problem(tester));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct panther_test_outcome outcome;
        enum panther_reason reason = known(cases[i]);
        assert_int_equal(panther_test_case(tester, cases[i], 30000, &outcome), 0);
        if (outcome.reason != reason || outcome.verdict != (reason == PANTHER_REASON_NONE ? PANTHER_PASS : PANTHER_FAIL))
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
    assert_int_equal(kill(panther_test_pid(server, PROGRAM), SIGKILL), 0);
    assert_true(panther_test_exited(server, PROGRAM, 5000, &ended));
    assert_true(!ended.clean && ended.unexpected && ended.signal == SIGKILL);
    assert_int_equal(panther_test_end(&server), 0);
}

static void refuses_a_taken_port(void **state)
{
    (void)state;
    char port[16];
    struct panther_test *server = start_server(NULL, NULL), *second = panther_test_new(PANTHER_PLUGINS "/" SERVER "/service.yaml");
    snprintf(port, sizeof port, "%d", panther_test_port(server, "dns"));
    panther_test_option(second, "port", port);
    assert_int_not_equal(panther_test_initialize(second), 0);
    assert_non_null(strstr(panther_test_problem(second), port));
    assert_int_equal(panther_test_end(&second), 0);
    assert_int_equal(panther_test_end(&server), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_its_version),         cmocka_unit_test(answers_dig),          cmocka_unit_test(conforms_as_far_as_is_known),
        cmocka_unit_test(being_killed_is_not_clean), cmocka_unit_test(refuses_a_taken_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

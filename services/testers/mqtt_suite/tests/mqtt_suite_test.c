// mqtt_suite under the real guard and host: against a server that is right, the same made wrong in one way at a time, one that dies, one
// that is silent, and none. The real one: services/iut/mqtt/mosquitto/tests.
#define _GNU_SOURCE
#include "../../tests/wrong_server.h"
#include "../cases.h"

#include <panther/test.h>

#include <fcntl.h>
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

// clang-format off: cmocka needs what stands above
#include <cmocka.h>
// clang-format on

#define CASE_NAME(NAME, SECTION, SUMMARY) #NAME,
static const char *const all_cases[] = {MQTT_CASES(CASE_NAME)};
enum { CASES = sizeof all_cases / sizeof all_cases[0] };

#define PROGRAM PANTHER_SOURCE "/services/testers/mqtt_suite/tests/wrong_server.py"

// ---- the tester

static struct panther_test *tester_of(uint16_t port, const char *timeout, const char *slack)
{
    struct panther_test *test = panther_test_new(PANTHER_PLUGINS "/mqtt_suite.so");
    panther_test_protocol(test, "mqtt", "3.1.1", "client");
    panther_test_option(test, "timeout", timeout);
    panther_test_option(test, "slack", slack);
    panther_test_option(test, "silence", "100ms");
    panther_test_peer(test, "server", "server", "mqtt", "127.0.0.1", port, PANTHER_TCP);
    if (panther_test_initialize(test) != 0 || panther_test_start(test) != 0)
        fail_msg("%s", panther_test_problem(test));
    return test;
}

static struct panther_test_outcome run(struct panther_test *test, const char *name)
{
    struct panther_test_outcome outcome;
    if (panther_test_case(test, name, 20000, &outcome) != 0)
        fail_msg("%s", panther_test_problem(test));
    return outcome;
}

static void expect(struct panther_test *test, const char *mode, const char *name, enum panther_verdict verdict, enum panther_reason reason)
{
    struct panther_test_outcome outcome = run(test, name);
    if (outcome.verdict != verdict || outcome.reason != reason)
        fail_msg("%s, %s: verdict %d, reason %d: %s", mode, name, outcome.verdict, outcome.reason, outcome.text);
}

static void a_right_server_passes_every_case(void **state)
{
    (void)state;
    struct server server = wrong_server(PROGRAM, "right");
    struct panther_test *test = tester_of(server.port, "10s", "10s");
    for (size_t i = 0; i < CASES; i++)
        expect(test, "right", all_cases[i], PANTHER_PASS, PANTHER_REASON_NONE);
    assert_int_equal(panther_test_end(&test), 0);
    end_server(&server);
}

// Each case can fail, for the reason that it is there for.
static void a_wrong_server_fails_the_case(void **state)
{
    (void)state;
    static const struct {
        const char *mode, *name;
        enum panther_reason reason;
        bool is_silence; // it shows in what does not come
    } wrongs[] = {
        {"always_present", "connect", PANTHER_REASON_VIOLATION, false},
        {"connack_flags", "connect", PANTHER_REASON_VIOLATION, false},
        {"refuses", "connect", PANTHER_REASON_ASSERTION, false},
        {"silent", "connect", PANTHER_REASON_TIMEOUT, true},
        {"one_piece", "pieces", PANTHER_REASON_ASSERTION, false},
        {"no_pong", "ping", PANTHER_REASON_TIMEOUT, true},
        {"other_topic", "qos0", PANTHER_REASON_ASSERTION, false},
        {"swallows", "qos0", PANTHER_REASON_TIMEOUT, true},
        {"no_puback", "qos1", PANTHER_REASON_TIMEOUT, true},
        {"other_ack", "qos1", PANTHER_REASON_VIOLATION, false},
        {"id_zero", "qos1", PANTHER_REASON_VIOLATION, false},
        {"no_pubcomp", "qos2", PANTHER_REASON_TIMEOUT, true},
        {"qos3_out", "qos2", PANTHER_REASON_VIOLATION, false},
        {"twice", "exactly_once", PANTHER_REASON_VIOLATION, false},
        {"full_qos", "lower_qos", PANTHER_REASON_ASSERTION, false},
        {"one_code", "suback", PANTHER_REASON_VIOLATION, false},
        {"grants_zero", "suback", PANTHER_REASON_ASSERTION, false},
        {"unsubscribe_ignored", "unsubscribe", PANTHER_REASON_VIOLATION, false},
        {"swallows", "order", PANTHER_REASON_TIMEOUT, true},
        {"cut_payload", "large", PANTHER_REASON_ASSERTION, false},
        {"plus_is_hash", "wildcards", PANTHER_REASON_ASSERTION, false},
        {"dollar_matches", "dollar", PANTHER_REASON_VIOLATION, false},
        {"retain_unmarked", "retained", PANTHER_REASON_VIOLATION, false},
        {"nothing_kept", "retained", PANTHER_REASON_TIMEOUT, true},
        {"retain_marked", "retain_live", PANTHER_REASON_VIOLATION, false},
        {"first_kept", "retain_replaced", PANTHER_REASON_ASSERTION, false},
        {"never_cleared", "retain_cleared", PANTHER_REASON_ASSERTION, false},
        {"no_will", "will", PANTHER_REASON_TIMEOUT, true},
        {"will_always", "will_withheld", PANTHER_REASON_VIOLATION, false},
        {"will_not_kept", "will_retained", PANTHER_REASON_TIMEOUT, true},
        {"no_takeover", "takeover", PANTHER_REASON_VIOLATION, true},
        {"never_clean", "clean_session", PANTHER_REASON_VIOLATION, false},
        {"always_present", "clean_session", PANTHER_REASON_VIOLATION, false},
        {"sessions_forgotten", "kept_session", PANTHER_REASON_VIOLATION, false},
        {"no_queue", "kept_session", PANTHER_REASON_TIMEOUT, true},
        {"stack", "kept_session", PANTHER_REASON_ASSERTION, false},
        {"never_present", "redelivery", PANTHER_REASON_VIOLATION, false},
        {"not_redelivered", "redelivery", PANTHER_REASON_TIMEOUT, true},
        {"no_dup", "redelivery", PANTHER_REASON_VIOLATION, false},
        {"new_id", "redelivery", PANTHER_REASON_VIOLATION, false},
        {"impatient", "keep_alive", PANTHER_REASON_ASSERTION, false},
        {"no_empty_id", "empty_id", PANTHER_REASON_ASSERTION, false},
        {"any_id", "empty_id_kept", PANTHER_REASON_VIOLATION, false},
        {"level_code", "wrong_level", PANTHER_REASON_VIOLATION, false},
        {"no_connect_needed", "no_connect", PANTHER_REASON_VIOLATION, true},
        {"reconnects", "second_connect", PANTHER_REASON_VIOLATION, true},
        {"any_flags", "connect_flags", PANTHER_REASON_VIOLATION, true},
        {"any_flags", "reserved_flags", PANTHER_REASON_VIOLATION, true},
        {"any_type", "reserved_type", PANTHER_REASON_VIOLATION, true},
        {"any_publish", "qos3", PANTHER_REASON_VIOLATION, true},
        {"wildcard_passes", "wildcard_topic", PANTHER_REASON_VIOLATION, false},
        {"any_publish", "null_topic", PANTHER_REASON_VIOLATION, true},
        {"any_length", "bad_length", PANTHER_REASON_VIOLATION, true},
        {"any_publish", "cut_packet", PANTHER_REASON_VIOLATION, true},
        {"any_subscribe", "empty_subscribe", PANTHER_REASON_VIOLATION, true},
        {"level_stays", "wrong_level", PANTHER_REASON_VIOLATION, true},
        {"no_keep_alive", "keep_alive", PANTHER_REASON_VIOLATION, true},
        {"refuses", "v5_connect", PANTHER_REASON_ASSERTION, false},
        {"swallows", "v5_qos", PANTHER_REASON_TIMEOUT, true},
        {"dies", "qos0", PANTHER_REASON_ASSERTION, false},
    };
    struct server server = wrong_server(PROGRAM, "right");
    struct panther_test *patient = tester_of(server.port, "10s", "10s"), *hasty = tester_of(server.port, "150ms", "100ms");
    for (size_t i = 0; i < sizeof wrongs / sizeof wrongs[0]; i++) {
        say(&server, wrongs[i].mode);
        expect(wrongs[i].is_silence ? hasty : patient, wrongs[i].mode, wrongs[i].name, PANTHER_FAIL, wrongs[i].reason);
    }
    assert_int_equal(panther_test_end(&patient), 0);
    assert_int_equal(panther_test_end(&hasty), 0);
    end_server(&server);
}

static void nobody_there_passes_no_case(void **state)
{
    (void)state;
    struct server server = wrong_server(PROGRAM, "right");
    end_server(&server); // its port was free a moment ago
    struct panther_test *test = tester_of(server.port, "100ms", "100ms");
    for (size_t i = 0; i < CASES; i++) {
        struct panther_test_outcome outcome = run(test, all_cases[i]);
        if (outcome.verdict != PANTHER_FAIL)
            fail_msg("%s: verdict %d: %s", all_cases[i], outcome.verdict, outcome.text);
    }
    assert_int_equal(panther_test_end(&test), 0);
}

static void running_out_of_time_is_inconclusive(void **state)
{
    (void)state;
    struct panther_test_outcome outcome;
    struct server server = wrong_server(PROGRAM, "silent");
    struct panther_test *test = tester_of(server.port, "20s", "10s");
    assert_int_equal(panther_test_case(test, "connect", 300, &outcome), 0);
    assert_int_equal(outcome.verdict, PANTHER_INCONC);
    assert_int_equal(outcome.reason, PANTHER_REASON_TIMEOUT);
    assert_int_equal(panther_test_end(&test), 0);
    end_server(&server);
}

static void refuses_what_is_no_topic(void **state)
{
    (void)state;
    struct panther_test *test = panther_test_new(PANTHER_PLUGINS "/mqtt_suite.so");
    panther_test_option(test, "prefix", "a/+");
    panther_test_peer(test, "server", "server", "mqtt", "127.0.0.1", 1, PANTHER_TCP);
    assert_int_not_equal(panther_test_initialize(test), 0);
    assert_non_null(strstr(panther_test_problem(test), "prefix"));
    assert_int_equal(panther_test_end(&test), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_right_server_passes_every_case), cmocka_unit_test(a_wrong_server_fails_the_case),
        cmocka_unit_test(nobody_there_passes_no_case),      cmocka_unit_test(running_out_of_time_is_inconclusive),
        cmocka_unit_test(refuses_what_is_no_topic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// coap_suite under the real guard and host: against a server that is right, the same made wrong in one way at a time, one that dies, one
// that is silent, and none. The real one: services/iut/coap/libcoap/tests.
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
static const char *const all_cases[] = {COAP_CASES(CASE_NAME)};
enum { CASES = sizeof all_cases / sizeof all_cases[0] };

#define PROGRAM PANTHER_SOURCE "/services/testers/coap_suite/tests/wrong_server.py"

// ---- the tester

static struct panther_test *tester_of(uint16_t port, const char *timeout, const char *tries)
{
    struct panther_test *test = panther_test_new(PANTHER_PLUGINS "/coap_suite.so");
    panther_test_protocol(test, "coap", "1", "client");
    panther_test_option(test, "timeout", timeout);
    panther_test_option(test, "tries", tries);
    panther_test_option(test, "silence", "50ms");
    panther_test_peer(test, "server", "server", "coap", "127.0.0.1", port, PANTHER_UDP);
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
    struct panther_test *test = tester_of(server.port, "2s", "3");
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
        {"error_500", "get", PANTHER_REASON_ASSERTION, false},
        {"other_id", "get", PANTHER_REASON_VIOLATION, false},
        {"bare_marker", "missing", PANTHER_REASON_VIOLATION, false},
        {"silent", "get", PANTHER_REASON_TIMEOUT, true},
        {"acks_non", "get_non", PANTHER_REASON_VIOLATION, false},
        {"token_lost", "token", PANTHER_REASON_VIOLATION, false},
        {"no_pong", "ping", PANTHER_REASON_VIOLATION, true},
        {"pong_ack", "ping", PANTHER_REASON_VIOLATION, false},
        {"duplicate_forgotten", "duplicate", PANTHER_REASON_ASSERTION, false},
        {"duplicate_silent", "duplicate", PANTHER_REASON_ASSERTION, true},
        {"many_forgets", "many", PANTHER_REASON_VIOLATION, true},
        {"put_forgets", "put", PANTHER_REASON_ASSERTION, false},
        {"always_created", "put", PANTHER_REASON_ASSERTION, false},
        {"never_deletes", "delete", PANTHER_REASON_ASSERTION, false},
        {"all_found", "missing", PANTHER_REASON_ASSERTION, false},
        {"method_code", "unknown_method", PANTHER_REASON_VIOLATION, false},
        {"any_option", "critical_option", PANTHER_REASON_VIOLATION, false},
        {"any_option", "critical_option_non", PANTHER_REASON_VIOLATION, false},
        {"elective_refused", "elective_option", PANTHER_REASON_VIOLATION, false},
        {"no_proxy_code", "proxy", PANTHER_REASON_VIOLATION, false},
        {"core_format", "discovery", PANTHER_REASON_ASSERTION, false},
        {"large_blocks", "block_get", PANTHER_REASON_VIOLATION, false},
        {"block_number", "block_get", PANTHER_REASON_VIOLATION, false},
        {"wrong_block", "block_get", PANTHER_REASON_ASSERTION, false},
        {"short_block", "block_get", PANTHER_REASON_VIOLATION, false},
        {"no_continue", "block_put", PANTHER_REASON_ASSERTION, false},
        {"other_block", "block_put", PANTHER_REASON_VIOLATION, false},
        {"loses_block", "block_put", PANTHER_REASON_ASSERTION, false},
        {"any_block", "block_reserved", PANTHER_REASON_VIOLATION, false},
        {"not_observable", "observe", PANTHER_REASON_ASSERTION, false},
        {"never_notifies", "notify", PANTHER_REASON_ASSERTION, true},
        {"notify_stale", "notify", PANTHER_REASON_ASSERTION, false},
        {"notify_plain", "notify", PANTHER_REASON_VIOLATION, false},
        {"notify_token", "notify", PANTHER_REASON_ASSERTION, true},
        {"sequence_falls", "notify_order", PANTHER_REASON_VIOLATION, false},
        {"never_deregisters", "deregister", PANTHER_REASON_VIOLATION, false},
        {"reset_ignored", "observe_reset", PANTHER_REASON_VIOLATION, false},
        {"observe_nothing", "observe_missing", PANTHER_REASON_VIOLATION, false},
        {"any_version", "wrong_version", PANTHER_REASON_VIOLATION, false},
        {"any_format", "long_token", PANTHER_REASON_VIOLATION, false},
        {"any_format", "empty_payload", PANTHER_REASON_VIOLATION, false},
        {"any_format", "reserved_option", PANTHER_REASON_VIOLATION, false},
        {"any_format", "cut_option", PANTHER_REASON_VIOLATION, false},
        {"any_format", "empty_with_bytes", PANTHER_REASON_VIOLATION, false},
        {"acks_reserved", "reserved_class", PANTHER_REASON_VIOLATION, false},
        {"answers_acks", "stray_acknowledgement", PANTHER_REASON_VIOLATION, false},
        {"dies", "short_message", PANTHER_REASON_ASSERTION, false},
    };
    struct server server = wrong_server(PROGRAM, "right");
    struct panther_test *patient = tester_of(server.port, "5s", "2"), *hasty = tester_of(server.port, "100ms", "1");
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
    struct panther_test *test = tester_of(server.port, "100ms", "1");
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
    struct panther_test *test = tester_of(server.port, "20s", "1");
    assert_int_equal(panther_test_case(test, "get", 300, &outcome), 0);
    assert_int_equal(outcome.verdict, PANTHER_INCONC);
    assert_int_equal(outcome.reason, PANTHER_REASON_TIMEOUT);
    assert_int_equal(panther_test_end(&test), 0);
    end_server(&server);
}

static void refuses_what_is_no_path(void **state)
{
    (void)state;
    struct panther_test *test = panther_test_new(PANTHER_PLUGINS "/coap_suite.so");
    panther_test_option(test, "missing", "");
    panther_test_peer(test, "server", "server", "coap", "127.0.0.1", 1, PANTHER_UDP);
    assert_int_not_equal(panther_test_initialize(test), 0);
    assert_non_null(strstr(panther_test_problem(test), "no path"));
    assert_int_equal(panther_test_end(&test), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_right_server_passes_every_case), cmocka_unit_test(a_wrong_server_fails_the_case),
        cmocka_unit_test(nobody_there_passes_no_case),      cmocka_unit_test(running_out_of_time_is_inconclusive),
        cmocka_unit_test(refuses_what_is_no_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// dns_conformance under the real guard and host: against dnsmasq, unbound and BIND, against a server that is wrong in one way at a time,
// against one that dies, one that is silent, and none.
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
static const char *const all_cases[] = {DNS_CASES(CASE_NAME)};
enum { CASES = sizeof all_cases / sizeof all_cases[0] };

#define PROGRAM PANTHER_SOURCE "/services/testers/dns_conformance/tests/wrong_server.py"

// ---- the tester

static struct panther_test *tester_of(uint16_t port, const char *timeout, const char *tries)
{
    struct panther_test *test = panther_test_new(PANTHER_PLUGINS "/dns_conformance.so");
    panther_test_protocol(test, "dns", "1", "client");
    panther_test_option(test, "timeout", timeout);
    panther_test_option(test, "tries", tries);
    panther_test_option(test, "silence", "50ms");
    panther_test_peer(test, "server", "server", "dns", "127.0.0.1", port, PANTHER_UDP | PANTHER_TCP);
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
    } wrongs[] = {
        {"wrong_address", "address", PANTHER_REASON_ASSERTION},
        {"wrong_owner", "address", PANTHER_REASON_VIOLATION},
        {"wrong_id", "address", PANTHER_REASON_VIOLATION},
        {"query_bit", "address", PANTHER_REASON_VIOLATION},
        {"reserved_bit", "address", PANTHER_REASON_VIOLATION},
        {"rd_lost", "address", PANTHER_REASON_VIOLATION},
        {"question_lost", "address", PANTHER_REASON_VIOLATION},
        {"question_other", "address", PANTHER_REASON_VIOLATION},
        {"short_data", "address", PANTHER_REASON_VIOLATION},
        {"cut_record", "address", PANTHER_REASON_VIOLATION},
        {"pointer_forward", "ipv6_address", PANTHER_REASON_VIOLATION},
        {"rd_always", "no_recursion", PANTHER_REASON_VIOLATION},
        {"no_nxdomain", "missing_name", PANTHER_REASON_ASSERTION},
        {"pointer_forward", "missing_type", PANTHER_REASON_VIOLATION},
        {"no_cname", "alias", PANTHER_REASON_ASSERTION},
        {"case_sensitive", "letter_case", PANTHER_REASON_VIOLATION},
        {"lower_case", "letter_case", PANTHER_REASON_ASSERTION},
        {"unknown_type_refused", "unknown_type", PANTHER_REASON_ASSERTION},
        {"cut_record", "any", PANTHER_REASON_VIOLATION},
        {"any_class", "other_class", PANTHER_REASON_VIOLATION},
        {"any_opcode", "unknown_opcode", PANTHER_REASON_ASSERTION},
        {"answers_answers", "answer_ignored", PANTHER_REASON_ASSERTION},
        {"mixed_up", "many", PANTHER_REASON_VIOLATION},
        {"no_truncation", "truncation", PANTHER_REASON_VIOLATION},
        {"tc_lost", "truncation", PANTHER_REASON_VIOLATION},
        {"tc_in_tcp", "tcp_whole", PANTHER_REASON_ASSERTION},
        {"small_tcp", "tcp_whole", PANTHER_REASON_ASSERTION},
        {"tcp_wrong_length", "tcp_whole", PANTHER_REASON_TIMEOUT},
        {"tcp_one_piece", "tcp_pieces", PANTHER_REASON_ASSERTION},
        {"tcp_one_query", "tcp_several", PANTHER_REASON_ASSERTION},
        {"tcp_one_client", "tcp_half", PANTHER_REASON_TIMEOUT},
        {"no_opt", "edns", PANTHER_REASON_VIOLATION},
        {"opt_unasked", "edns_absent", PANTHER_REASON_VIOLATION},
        {"any_version", "edns_version", PANTHER_REASON_VIOLATION},
        {"no_truncation", "edns_size", PANTHER_REASON_VIOLATION},
        {"no_truncation", "edns_small", PANTHER_REASON_VIOLATION},
        {"option_refused", "edns_option", PANTHER_REASON_VIOLATION},
        {"two_opts", "edns_twice", PANTHER_REASON_VIOLATION},
        {"malformed_is_good", "pointer_loop", PANTHER_REASON_ASSERTION},
        {"malformed_is_good", "bad_label", PANTHER_REASON_ASSERTION},
        {"malformed_is_good", "long_name", PANTHER_REASON_ASSERTION},
        {"malformed_is_good", "cut_question", PANTHER_REASON_ASSERTION},
        {"wrong_id", "no_question", PANTHER_REASON_VIOLATION},
        {"two_questions", "two_questions", PANTHER_REASON_VIOLATION},
        {"query_bit", "wrong_counts", PANTHER_REASON_VIOLATION},
        {"query_bit", "trailing_bytes", PANTHER_REASON_VIOLATION},
        {"silent", "address", PANTHER_REASON_TIMEOUT},
        // these two cannot be undone
        {"no_tcp", "tcp_whole", PANTHER_REASON_VIOLATION},
        {"dies", "short_header", PANTHER_REASON_VIOLATION},
    };
    struct server server = wrong_server(PROGRAM, "right");
    struct panther_test *patient = tester_of(server.port, "5s", "2"), *hasty = tester_of(server.port, "100ms", "1");
    for (size_t i = 0; i < sizeof wrongs / sizeof wrongs[0]; i++) {
        say(&server, wrongs[i].mode);
        expect(wrongs[i].reason == PANTHER_REASON_TIMEOUT ? hasty : patient, wrongs[i].mode, wrongs[i].name, PANTHER_FAIL,
               wrongs[i].reason);
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
    assert_int_equal(panther_test_case(test, "address", 300, &outcome), 0);
    assert_int_equal(outcome.verdict, PANTHER_INCONC);
    assert_int_equal(outcome.reason, PANTHER_REASON_TIMEOUT);
    assert_int_equal(panther_test_end(&test), 0);
    end_server(&server);
}

static void refuses_what_is_no_name(void **state)
{
    (void)state;
    struct panther_test *test = panther_test_new(PANTHER_PLUGINS "/dns_conformance.so");
    panther_test_option(test, "zone", "test..example");
    panther_test_peer(test, "server", "server", "dns", "127.0.0.1", 1, PANTHER_UDP);
    assert_int_not_equal(panther_test_initialize(test), 0);
    assert_non_null(strstr(panther_test_problem(test), "no domain name"));
    assert_int_equal(panther_test_end(&test), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_right_server_passes_every_case), cmocka_unit_test(a_wrong_server_fails_the_case),
        cmocka_unit_test(nobody_there_passes_no_case),      cmocka_unit_test(running_out_of_time_is_inconclusive),
        cmocka_unit_test(refuses_what_is_no_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// dns_conformance under the real guard and host: against dnsmasq, unbound and BIND, against a server that is wrong in one way at a time,
// against one that dies, one that is silent, and none.
#include "../../tests/suite.h"
#include "../cases.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

// clang-format off: cmocka needs what stands above
#include <cmocka.h>
// clang-format on

#define CASE_NAME(NAME, SECTION, SUMMARY) #NAME,
static const char *const all_cases[] = {DNS_CASES(CASE_NAME)};

static const struct suite suite = {
    .plugin = PANTHER_PLUGINS "/dns_conformance.so",
    .program = PANTHER_SOURCE "/services/testers/dns_conformance/tests/wrong_server.py",
    .protocol = "dns",
    .version = "1",
    .transports = PANTHER_UDP | PANTHER_TCP,
    .cases = all_cases,
    .n_cases = sizeof all_cases / sizeof all_cases[0],
    .other = "tries",
    .silence = "50ms",
    .normal = {"2s", "3"},
    .patient = {"5s", "2"},
    .hasty = {"100ms", "1"},
    .endless = {"20s", "1"},
    .first = "address",
};

// Each case can fail, for the reason that it is there for.
static const struct suite_wrong wrongs[] = {
    {"wrong_address", "address", PANTHER_REASON_ASSERTION, false},
    {"wrong_owner", "address", PANTHER_REASON_VIOLATION, false},
    {"wrong_id", "address", PANTHER_REASON_VIOLATION, false},
    {"query_bit", "address", PANTHER_REASON_VIOLATION, false},
    {"reserved_bit", "address", PANTHER_REASON_VIOLATION, false},
    {"rd_lost", "address", PANTHER_REASON_VIOLATION, false},
    {"question_lost", "address", PANTHER_REASON_VIOLATION, false},
    {"question_other", "address", PANTHER_REASON_VIOLATION, false},
    {"short_data", "address", PANTHER_REASON_VIOLATION, false},
    {"cut_record", "address", PANTHER_REASON_VIOLATION, false},
    {"pointer_forward", "ipv6_address", PANTHER_REASON_VIOLATION, false},
    {"rd_always", "no_recursion", PANTHER_REASON_VIOLATION, false},
    {"no_nxdomain", "missing_name", PANTHER_REASON_ASSERTION, false},
    {"pointer_forward", "missing_type", PANTHER_REASON_VIOLATION, false},
    {"no_cname", "alias", PANTHER_REASON_ASSERTION, false},
    {"case_sensitive", "letter_case", PANTHER_REASON_VIOLATION, false},
    {"lower_case", "letter_case", PANTHER_REASON_ASSERTION, false},
    {"unknown_type_refused", "unknown_type", PANTHER_REASON_ASSERTION, false},
    {"cut_record", "any", PANTHER_REASON_VIOLATION, false},
    {"any_class", "other_class", PANTHER_REASON_VIOLATION, false},
    {"any_opcode", "unknown_opcode", PANTHER_REASON_ASSERTION, false},
    {"answers_answers", "answer_ignored", PANTHER_REASON_ASSERTION, false},
    {"mixed_up", "many", PANTHER_REASON_VIOLATION, false},
    {"no_truncation", "truncation", PANTHER_REASON_VIOLATION, false},
    {"tc_lost", "truncation", PANTHER_REASON_VIOLATION, false},
    {"tc_in_tcp", "tcp_whole", PANTHER_REASON_ASSERTION, false},
    {"small_tcp", "tcp_whole", PANTHER_REASON_ASSERTION, false},
    {"tcp_wrong_length", "tcp_whole", PANTHER_REASON_TIMEOUT, true},
    {"tcp_one_piece", "tcp_pieces", PANTHER_REASON_ASSERTION, false},
    {"tcp_one_query", "tcp_several", PANTHER_REASON_ASSERTION, false},
    {"tcp_one_client", "tcp_half", PANTHER_REASON_TIMEOUT, true},
    {"no_opt", "edns", PANTHER_REASON_VIOLATION, false},
    {"opt_unasked", "edns_absent", PANTHER_REASON_VIOLATION, false},
    {"any_version", "edns_version", PANTHER_REASON_VIOLATION, false},
    {"no_truncation", "edns_size", PANTHER_REASON_VIOLATION, false},
    {"no_truncation", "edns_small", PANTHER_REASON_VIOLATION, false},
    {"option_refused", "edns_option", PANTHER_REASON_VIOLATION, false},
    {"two_opts", "edns_twice", PANTHER_REASON_VIOLATION, false},
    {"malformed_is_good", "pointer_loop", PANTHER_REASON_ASSERTION, false},
    {"malformed_is_good", "bad_label", PANTHER_REASON_ASSERTION, false},
    {"malformed_is_good", "long_name", PANTHER_REASON_ASSERTION, false},
    {"malformed_is_good", "cut_question", PANTHER_REASON_ASSERTION, false},
    {"wrong_id", "no_question", PANTHER_REASON_VIOLATION, false},
    {"two_questions", "two_questions", PANTHER_REASON_VIOLATION, false},
    {"query_bit", "wrong_counts", PANTHER_REASON_VIOLATION, false},
    {"query_bit", "trailing_bytes", PANTHER_REASON_VIOLATION, false},
    {"silent", "address", PANTHER_REASON_TIMEOUT, true},
    // these two cannot be undone
    {"no_tcp", "tcp_whole", PANTHER_REASON_VIOLATION, false},
    {"dies", "short_header", PANTHER_REASON_VIOLATION, false},
};

static void a_right_server_passes_every_case(void **state)
{
    (void)state;
    suite_right_server_passes(&suite);
}

static void a_wrong_server_fails_the_case(void **state)
{
    (void)state;
    suite_wrong_server_fails(&suite, wrongs, sizeof wrongs / sizeof wrongs[0]);
}

static void nobody_there_passes_no_case(void **state)
{
    (void)state;
    suite_nobody_passes_nothing(&suite);
}

static void running_out_of_time_is_inconclusive(void **state)
{
    (void)state;
    suite_out_of_time_is_inconclusive(&suite);
}

static void refuses_what_is_no_name(void **state)
{
    (void)state;
    suite_refuses(&suite, "zone", "test..example", "no domain name");
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

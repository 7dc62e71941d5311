// coap_suite under the real guard and host: against a server that is right, the same made wrong in one way at a time, one that dies, one
// that is silent, and none. The real one: services/iut/coap/libcoap/tests.
#include "../../tests/suite.h"
#include "../cases.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

// clang-format off: cmocka needs what stands above
#include <cmocka.h>
// clang-format on

#define CASE_NAME(NAME, SECTION, SUMMARY) #NAME,
static const char *const all_cases[] = {COAP_CASES(CASE_NAME)};

static const struct suite suite = {
    .plugin = PANTHER_PLUGINS "/coap_suite.so",
    .program = PANTHER_SOURCE "/services/testers/coap_suite/tests/wrong_server.py",
    .protocol = "coap",
    .version = "1",
    .transports = PANTHER_UDP,
    .cases = all_cases,
    .n_cases = sizeof all_cases / sizeof all_cases[0],
    .other = "tries",
    .silence = "50ms",
    .normal = {"2s", "3"},
    .patient = {"5s", "2"},
    .hasty = {"100ms", "1"},
    .endless = {"20s", "1"},
    .first = "get",
};

// Each case can fail, for the reason that it is there for.
static const struct suite_wrong wrongs[] = {
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

static void refuses_what_is_no_path(void **state)
{
    (void)state;
    suite_refuses(&suite, "missing", "", "no path");
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

// mqtt_suite under the real guard and host: against a server that is right, the same made wrong in one way at a time, one that dies, one
// that is silent, and none. The real one: services/iut/mqtt/mosquitto/tests.
#include "../../tests/suite.h"
#include "../cases.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

// clang-format off: cmocka needs what stands above
#include <cmocka.h>
// clang-format on

#define CASE_NAME(NAME, SECTION, SUMMARY) #NAME,
static const char *const all_cases[] = {MQTT_CASES(CASE_NAME)};

static const struct suite suite = {
    .plugin = PANTHER_PLUGINS "/mqtt_suite.so",
    .program = PANTHER_SOURCE "/services/testers/mqtt_suite/tests/wrong_server.py",
    .protocol = "mqtt",
    .version = "3.1.1",
    .transports = PANTHER_TCP,
    .cases = all_cases,
    .n_cases = sizeof all_cases / sizeof all_cases[0],
    .other = "slack",
    .silence = "100ms",
    .normal = {"10s", "10s"},
    .patient = {"10s", "10s"},
    .hasty = {"150ms", "100ms"},
    .endless = {"20s", "10s"},
    .first = "connect",
};

// Each case can fail, for the reason that it is there for.
static const struct suite_wrong wrongs[] = {
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

static void refuses_what_is_no_topic(void **state)
{
    (void)state;
    suite_refuses(&suite, "prefix", "a/+", "prefix");
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

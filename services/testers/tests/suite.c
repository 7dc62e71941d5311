// See suite.h.
#include "suite.h"
#include "wrong_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

// clang-format off: cmocka needs what stands above
#include <cmocka.h>
// clang-format on

#define CASE_MS 20000 // no case of a suite takes so long
#define SHORT_MS 300  // what a case may take that is to run out of time

static struct panther_test *new_tester(const struct suite *suite, uint16_t port, struct suite_waits waits)
{
    struct panther_test *test = panther_test_new(suite->plugin);
    panther_test_protocol(test, suite->protocol, suite->version, "client");
    panther_test_option(test, "timeout", waits.timeout);
    panther_test_option(test, suite->other, waits.other);
    panther_test_option(test, "silence", suite->silence);
    panther_test_peer(test, "server", "server", suite->protocol, "127.0.0.1", port, suite->transports);
    if (panther_test_initialize(test) != 0 || panther_test_start(test) != 0)
        fail_msg("%s", panther_test_problem(test));
    return test;
}

static struct panther_test_outcome run(struct panther_test *test, const char *name)
{
    struct panther_test_outcome outcome;
    if (panther_test_case(test, name, CASE_MS, &outcome) != 0)
        fail_msg("%s", panther_test_problem(test));
    return outcome;
}

static void expect(struct panther_test *test, const char *mode, const char *name, enum panther_verdict verdict, enum panther_reason reason)
{
    struct panther_test_outcome outcome = run(test, name);
    if (outcome.verdict != verdict || outcome.reason != reason)
        fail_msg("%s, %s: verdict %d, reason %d: %s", mode, name, outcome.verdict, outcome.reason, outcome.text);
}

void suite_right_server_passes(const struct suite *suite)
{
    struct server server = wrong_server(suite->program, "right");
    struct panther_test *test = new_tester(suite, server.port, suite->normal);
    for (size_t i = 0; i < suite->n_cases; i++)
        expect(test, "right", suite->cases[i], PANTHER_PASS, PANTHER_REASON_NONE);
    assert_int_equal(panther_test_end(&test), 0);
    end_server(&server);
}

void suite_wrong_server_fails(const struct suite *suite, const struct suite_wrong *wrongs, size_t n_wrongs)
{
    struct server server = wrong_server(suite->program, "right");
    struct panther_test *patient = new_tester(suite, server.port, suite->patient);
    struct panther_test *hasty = new_tester(suite, server.port, suite->hasty);
    for (size_t i = 0; i < n_wrongs; i++) {
        say(&server, wrongs[i].mode);
        expect(wrongs[i].is_silence ? hasty : patient, wrongs[i].mode, wrongs[i].name, PANTHER_FAIL, wrongs[i].reason);
    }
    assert_int_equal(panther_test_end(&patient), 0);
    assert_int_equal(panther_test_end(&hasty), 0);
    end_server(&server);
}

void suite_nobody_passes_nothing(const struct suite *suite)
{
    struct server server = wrong_server(suite->program, "right");
    end_server(&server); // its port was free a moment ago
    struct panther_test *test = new_tester(suite, server.port, suite->hasty);
    for (size_t i = 0; i < suite->n_cases; i++) {
        struct panther_test_outcome outcome = run(test, suite->cases[i]);
        if (outcome.verdict != PANTHER_FAIL)
            fail_msg("%s: verdict %d: %s", suite->cases[i], outcome.verdict, outcome.text);
    }
    assert_int_equal(panther_test_end(&test), 0);
}

void suite_out_of_time_is_inconclusive(const struct suite *suite)
{
    struct panther_test_outcome outcome;
    struct server server = wrong_server(suite->program, "silent");
    struct panther_test *test = new_tester(suite, server.port, suite->endless);
    assert_int_equal(panther_test_case(test, suite->first, SHORT_MS, &outcome), 0);
    assert_int_equal(outcome.verdict, PANTHER_INCONC);
    assert_int_equal(outcome.reason, PANTHER_REASON_TIMEOUT);
    assert_int_equal(panther_test_end(&test), 0);
    end_server(&server);
}

void suite_refuses(const struct suite *suite, const char *option, const char *value, const char *problem)
{
    struct panther_test *test = panther_test_new(suite->plugin);
    panther_test_option(test, option, value);
    panther_test_peer(test, "server", "server", suite->protocol, "127.0.0.1", 1, suite->transports);
    assert_int_not_equal(panther_test_initialize(test), 0);
    assert_non_null(strstr(panther_test_problem(test), problem));
    assert_int_equal(panther_test_end(&test), 0);
}

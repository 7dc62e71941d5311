// That the cases of HTTP/1.1 can fail: a server that is wrong in a chosen way, one that dies, and none at all.
#include "wrong_server.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static void wrong_http1(void **state)
{
    (void)state;
    must_fail("1.1", "careless",
              CASES_OF("h1_if_none_match", "h1_if_match", "h1_if_unmodified_since", "h1_connection_close", "h1_missing_host",
                       "h1_two_hosts", "h1_invalid_host", "h1_space_before_colon", "h1_length_and_chunked", "h1_chunked_not_last",
                       "h1_chunked_http10", "h1_bad_length", "h1_two_lengths", "h1_bad_chunk", "h1_huge_chunk", "h1_chunked_request",
                       "h1_obs_fold"));
    must_fail("1.1", "bytes", CASES_OF("h1_get", "h1_large_body", "h1_range"));
    must_fail("1.1", "short", CASES_OF("h1_large_body"));
    must_fail("1.1", "ranges",
              CASES_OF("h1_range", "h1_range_suffix", "h1_range_multi", "h1_range_unsatisfiable", "h1_range_unit", "h1_range_head",
                       "h1_if_range"));
    must_fail("1.1", "methods", CASES_OF("h1_head", "h1_unknown_method"));
    must_fail("1.1", "grammar", CASES_OF("h1_options", "h1_http10"));
    must_fail("1.1", "forms", CASES_OF("h1_absolute_form", "h1_redirect"));
    must_fail("1.1", "waits", CASES_OF("h1_expect_continue"));
    must_fail("1.1", "dates", CASES_OF("h1_if_modified_since"));
    must_fail("1.1", "order", CASES_OF("h1_pipelining"));
    must_fail("1.1", "closes", CASES_OF("h1_persistent"));
    must_fail("1.1", "long", CASES_OF("h1_long_target", "h1_large_field"));
}

static void refused_connection_is_a_fail(void **state)
{
    (void)state;
    must_not_pass("1.1", 1, "h1_get");
    must_not_pass("1.1", 1, "h1_missing_host");
}

static void dead_server_is_a_fail(void **state)
{
    (void)state;
    must_not_survive("1.1", "dies", "h1_get");
    must_not_survive("1.1", "dies", "h1_bad_chunk"); // to close is right there, but not to be gone
    must_not_survive("1.1", "dies-later", "h1_missing_host");
}

static void silent_server_is_a_timeout(void **state)
{
    (void)state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(listener, 16), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    must_not_pass("1.1", ntohs(address.sin_port), "h1_get");
    close(listener);
}

static void cases_of_the_other_version_are_unsupported(void **state)
{
    (void)state;
    struct panther_test_outcome outcome;
    struct panther_test *test = new_tester("1.1", 1);
    assert_int_equal(panther_test_case(test, "h2_get", 20000, &outcome), 0);
    assert_int_equal(outcome.verdict, PANTHER_NONE);
    assert_int_equal(outcome.reason, PANTHER_REASON_UNSUPPORTED);
    assert_int_equal(panther_test_case(test, "h3_get", 20000, &outcome), 0);
    assert_int_equal(outcome.verdict, PANTHER_ERROR);
    assert_int_equal(panther_test_end(&test), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_http1),
        cmocka_unit_test(refused_connection_is_a_fail),
        cmocka_unit_test(dead_server_is_a_fail),
        cmocka_unit_test(silent_server_is_a_timeout),
        cmocka_unit_test(cases_of_the_other_version_are_unsupported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

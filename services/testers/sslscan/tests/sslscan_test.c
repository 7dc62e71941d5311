// sslscan against a good TLS server, a bad example, and none: sslscan itself ends with status 0 each time.
#include <panther/test.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void make_ready(struct panther_test *test)
{
    if (panther_test_initialize(test) != 0 || panther_test_start(test) != 0)
        fail_msg("%s", panther_test_problem(test));
}

static struct panther_test *new_server(const char *option)
{
    struct panther_test *server = panther_test_new(PANTHER_PLUGINS "/openssl/service.yaml");
    panther_test_protocol(server, "tls", "1.2", "server");
    if (option)
        panther_test_option(server, option, "true");
    if (option && strcmp(option, "legacy") == 0)
        panther_test_option(server, "expired", "true");
    make_ready(server);
    return server;
}

static struct panther_test *new_tester(const struct panther_test *server, const char *option, const char *value)
{
    struct panther_test *test = panther_test_new(PANTHER_PLUGINS "/sslscan/service.yaml");
    panther_test_protocol(test, "tls", "1.2", "client");
    if (option)
        panther_test_option(test, option, value);
    panther_test_drive(test, "server", server);
    make_ready(test);
    return test;
}

static void assert_case(struct panther_test *test, const char *name, enum panther_verdict verdict, const char *text)
{
    struct panther_test_outcome outcome;
    assert_int_equal(panther_test_case(test, name, 60000, &outcome), 0);
    if (outcome.verdict != verdict || !strstr(outcome.text, text))
        fail_msg("%s: verdict %d, reason %d: %s", name, outcome.verdict, outcome.reason, outcome.text);
}

static void a_good_server_passes(void **state)
{
    (void)state;
    struct panther_test *server = new_server(NULL), *test = new_tester(server, NULL, NULL);
    assert_int_equal(strncmp(panther_test_version(test), "2.", 2), 0);
    assert_case(test, "protocols", PANTHER_PASS, "");
    assert_case(test, "ciphers", PANTHER_PASS, "");
    assert_case(test, "certificate", PANTHER_PASS, "");
    assert_case(test, "heartbleed", PANTHER_PASS, "");
    assert_int_equal(panther_test_stop(server), 0); // and now there is none
    assert_case(test, "protocols", PANTHER_FAIL, "no connection");
    assert_case(test, "certificate", PANTHER_FAIL, "no connection");
    assert_int_equal(panther_test_end(&test), 0);
    assert_int_equal(panther_test_end(&server), 0);
}

static void a_bad_example_fails(void **state)
{
    (void)state;
    struct panther_test *server = new_server("legacy"), *test = new_tester(server, NULL, NULL);
    assert_case(test, "protocols", PANTHER_FAIL, "TLS 1.0 or 1.1");
    assert_case(test, "ciphers", PANTHER_FAIL, "null, anonymous or weak");
    assert_case(test, "certificate", PANTHER_FAIL, "has expired");
    assert_int_equal(panther_test_end(&test), 0);
    test = new_tester(server, "allow_old", "true");
    assert_case(test, "protocols", PANTHER_PASS, "");
    assert_int_equal(panther_test_end(&test), 0);
    assert_int_equal(panther_test_end(&server), 0);
}

static void a_missing_version_fails(void **state)
{
    (void)state;
    struct panther_test *server = new_server("only"), *test = new_tester(server, NULL, NULL);
    assert_case(test, "protocols", PANTHER_FAIL, "does not speak TLS 1.3");
    assert_int_equal(panther_test_end(&test), 0);
    test = new_tester(server, "require_13", "false");
    assert_case(test, "protocols", PANTHER_PASS, "");
    assert_int_equal(panther_test_end(&test), 0);
    assert_int_equal(panther_test_end(&server), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_server_passes),
        cmocka_unit_test(a_bad_example_fails),
        cmocka_unit_test(a_missing_version_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

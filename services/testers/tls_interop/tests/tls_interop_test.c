// tls_interop against real servers of both stacks, and against servers that are wrong in every way that it looks for.
#include <panther/test.h>

#include <setjmp.h>
#include <signal.h>
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

// options: name, value, ..., NULL
static struct panther_test *new_server(const char *path, const char *const *options)
{
    struct panther_test *server = panther_test_new(path);
    panther_test_protocol(server, "tls", "1.2", "server");
    for (; *options; options += 2)
        panther_test_option(server, options[0], options[1]);
    make_ready(server);
    return server;
}

#define OPTIONS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NO_OPTIONS ((const char *const[]){NULL})
#define OPENSSL_SERVER PANTHER_PLUGINS "/openssl/service.yaml"
#define GNUTLS_SERVER PANTHER_PLUGINS "/gnutls/service.yaml"

static struct panther_test *new_tester(const struct panther_test *server, const char *const *options)
{
    struct panther_test *test = panther_test_new(PANTHER_PLUGINS "/tls_interop.so");
    panther_test_protocol(test, "tls", "1.3", "client");
    for (; *options; options += 2)
        panther_test_option(test, options[0], options[1]);
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

static void end(struct panther_test *test, struct panther_test *server)
{
    assert_int_equal(panther_test_end(&test), 0);
    assert_int_equal(panther_test_end(&server), 0);
}

static void openssl_passes_all(void **state)
{
    (void)state;
    struct panther_test *server = new_server(OPENSSL_SERVER, NO_OPTIONS), *test = new_tester(server, NO_OPTIONS);
    assert_case(test, "versions", PANTHER_PASS, "4 connections");
    assert_case(test, "ciphers", PANTHER_PASS, "12 connections");
    assert_case(test, "groups", PANTHER_PASS, "6 connections");
    assert_case(test, "alpn", PANTHER_PASS, "2 connections");
    assert_case(test, "resumption", PANTHER_PASS, "4 connections");
    assert_case(test, "certificate", PANTHER_PASS, "2 connections");
    assert_case(test, "other_name", PANTHER_PASS, "2 connections");
    assert_case(test, "old_version", PANTHER_PASS, "2 connections");
    end(test, server);
}

static void gnutls_passes(void **state)
{
    (void)state;
    struct panther_test *server = new_server(GNUTLS_SERVER, NO_OPTIONS);
    struct panther_test *test = new_tester(server, OPTIONS("ciphers", "CHACHA20-POLY1305", "groups", "P-384"));
    assert_case(test, "ciphers", PANTHER_PASS, "4 connections");
    assert_case(test, "groups", PANTHER_PASS, "2 connections");
    assert_case(test, "alpn", PANTHER_PASS, "2 connections");
    assert_case(test, "resumption", PANTHER_PASS, "4 connections");
    assert_case(test, "certificate", PANTHER_PASS, "2 connections");
    assert_case(test, "old_version", PANTHER_PASS, "2 connections");
    end(test, server);
}

static void a_missing_version_fails(void **state)
{
    (void)state;
    struct panther_test *server = new_server(OPENSSL_SERVER, OPTIONS("only", "true", "tickets", "false", "alpn", "h2"));
    struct panther_test *test = new_tester(server, NO_OPTIONS);
    assert_case(test, "versions", PANTHER_FAIL, "openssl, TLS 1.3: no handshake");
    assert_case(test, "alpn", PANTHER_FAIL, "openssl: ");
    assert_case(test, "resumption", PANTHER_FAIL, "openssl, TLS 1.2: the session was not resumed");
    end(test, server);
}

static void missing_ciphers_and_groups_fail(void **state)
{
    (void)state;
    struct panther_test *server = new_server(OPENSSL_SERVER, OPTIONS("ciphersuites", "TLS_AES_256_GCM_SHA384", "groups", "X25519:P-256"));
    struct panther_test *test = new_tester(server, OPTIONS("clients", "gnutls", "versions", "1.3"));
    assert_case(test, "ciphers", PANTHER_FAIL, "gnutls, TLS 1.3, AES-128-GCM: no handshake");
    assert_case(test, "groups", PANTHER_FAIL, "gnutls, TLS 1.3, P-384: no handshake");
    end(test, server);
}

static void an_expired_certificate_is_refused(void **state)
{
    (void)state;
    struct panther_test *server = new_server(GNUTLS_SERVER, OPTIONS("expired", "true"));
    struct panther_test *test = new_tester(server, OPTIONS("expect", "expired"));
    assert_case(test, "certificate", PANTHER_PASS, "");
    assert_int_equal(panther_test_end(&test), 0);
    test = new_tester(server, NO_OPTIONS);
    assert_case(test, "certificate", PANTHER_FAIL, "certificate has expired");
    assert_int_equal(panther_test_end(&test), 0);
    test = new_tester(server, OPTIONS("expect", "wrong_name"));
    assert_case(test, "certificate", PANTHER_FAIL, "not refused as \"hostname mismatch\"");
    end(test, server);
}

static void a_certificate_for_another_name_is_refused(void **state)
{
    (void)state;
    struct panther_test *server = new_server(OPENSSL_SERVER, OPTIONS("wrong_name", "true"));
    struct panther_test *test = new_tester(server, OPTIONS("expect", "wrong_name"));
    assert_case(test, "certificate", PANTHER_PASS, "");
    assert_int_equal(panther_test_end(&test), 0);
    test = new_tester(server, OPTIONS("clients", "gnutls"));
    assert_case(test, "certificate", PANTHER_FAIL, "does not match the expected");
    end(test, server);
}

static void an_old_version_is_a_violation(void **state)
{
    (void)state;
    struct panther_test *server = new_server(OPENSSL_SERVER, OPTIONS("legacy", "true"));
    struct panther_test *test = new_tester(server, NO_OPTIONS);
    assert_case(test, "old_version", PANTHER_FAIL, "the server speaks TLS 1.1");
    assert_int_equal(panther_test_stop(server), 0); // and now there is none
    assert_case(test, "versions", PANTHER_FAIL, "no handshake");
    assert_case(test, "old_version", PANTHER_INCONC, "neither a handshake nor an alert");
    end(test, server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(openssl_passes_all),
        cmocka_unit_test(gnutls_passes),
        cmocka_unit_test(a_missing_version_fails),
        cmocka_unit_test(missing_ciphers_and_groups_fail),
        cmocka_unit_test(an_expired_certificate_is_refused),
        cmocka_unit_test(a_certificate_for_another_name_is_refused),
        cmocka_unit_test(an_old_version_is_a_violation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

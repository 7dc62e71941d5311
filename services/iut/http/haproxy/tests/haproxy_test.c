// HAProxy in front of nginx, both under the real guard and host: what passes through it, what it says when nobody stands behind it, how it
// ends.
#include <panther/test.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct panther_test *backend;

static void make_ready(struct panther_test *test)
{
    if (panther_test_initialize(test) != 0 || panther_test_start(test) != 0)
        fail_msg("%s", panther_test_problem(test));
}

static struct panther_test *new_backend(const char *tls)
{
    struct panther_test *test = panther_test_new(PANTHER_PLUGINS "/nginx.so");
    panther_test_protocol(test, "http", "1.1", "server");
    panther_test_option(test, "tls", tls);
    make_ready(test);
    return test;
}

static struct panther_test *new_proxy(const char *version, const char *tls)
{
    struct panther_test *test = panther_test_new(PANTHER_PLUGINS "/haproxy/service.yaml");
    panther_test_protocol(test, "http", version, "server");
    panther_test_option(test, "tls", tls);
    return test;
}

static void stand_before(struct panther_test *test, const struct panther_test *behind, const char *scheme)
{
    panther_test_peer(test, NULL, "backend", scheme, "127.0.0.1", (uint16_t)panther_test_port(behind, scheme), PANTHER_TCP);
}

static int start_backend(void **state)
{
    (void)state;
    backend = new_backend("false");
    return 0;
}

static int end_backend(void **state)
{
    (void)state;
    return backend ? panther_test_end(&backend) : 0;
}

static void assert_answer(const struct panther_test *test, const char *flags, const char *scheme, const char *expected)
{
    char command[512], answer[64] = "";
    snprintf(command, sizeof(command),
             "curl -sk -m 10 %s -o /dev/null -w '%%{http_version} %%{http_code} %%{size_download}' %s://127.0.0.1:%d/1024.bin", flags,
             scheme, panther_test_port(test, scheme));
    FILE *curl = popen(command, "r");
    assert_non_null(curl);
    assert_non_null(fgets(answer, sizeof(answer), curl));
    pclose(curl);
    if (strncmp(answer, expected, strlen(expected)) != 0)
        fail_msg("\"%s\" instead of \"%s\"", answer, expected);
}

static void assert_ends_cleanly(struct panther_test **test)
{
    struct panther_test_exit ended;
    if (panther_test_stop(*test) != 0)
        fail_msg("%s", panther_test_problem(*test));
    assert_true(panther_test_exited(*test, "haproxy", 5000, &ended));
    // its master may not handle signals yet though its worker answers: see service.yaml
    assert_true(ended.status == 0 || ended.signal == SIGTERM);
    assert_true(ended.clean);
    assert_int_equal(panther_test_end(test), 0);
}

static void passes_http2_over_tls_on(void **state)
{
    (void)state;
    struct panther_test *test = new_proxy("2", "true");
    stand_before(test, backend, "http");
    panther_test_option(test, "workers", "2");
    make_ready(test);
    assert_int_equal(strncmp(panther_test_version(test), "2.", 2), 0);
    assert_answer(test, "--http2", "https", "2 200 1024");
    assert_answer(test, "--http1.1", "https", "1.1 200 1024");
    assert_ends_cleanly(&test);
}

static void offers_http1_alone(void **state)
{
    (void)state;
    struct panther_test *test = new_proxy("1.1", "true");
    stand_before(test, backend, "http");
    make_ready(test);
    assert_answer(test, "--http2", "https", "1.1 200 1024");
    assert_ends_cleanly(&test);
}

static void passes_plain_requests_to_a_backend_with_tls(void **state)
{
    (void)state;
    struct panther_test *behind = new_backend("true");
    struct panther_test *test = new_proxy("1.1", "false");
    panther_test_option(test, "backend_tls", "true");
    stand_before(test, behind, "https");
    make_ready(test);
    assert_answer(test, "--http1.1", "http", "1.1 200 1024");
    assert_ends_cleanly(&test);
    assert_int_equal(panther_test_end(&behind), 0);
}

static void says_503_when_nobody_stands_behind_it(void **state)
{
    (void)state;
    struct panther_test *behind = new_backend("false");
    struct panther_test *test = new_proxy("1.1", "false");
    panther_test_option(test, "retries", "0");
    stand_before(test, behind, "http");
    make_ready(test);
    assert_answer(test, "--http1.1", "http", "1.1 200 1024");
    assert_int_equal(panther_test_end(&behind), 0);
    assert_answer(test, "--http1.1", "http", "1.1 503");
    assert_ends_cleanly(&test);
}

static void refuses_to_stand_before_nobody(void **state)
{
    (void)state;
    struct panther_test *test = new_proxy("1.1", "false");
    assert_int_not_equal(panther_test_initialize(test), 0);
    assert_non_null(strstr(panther_test_problem(test), "need.1.endpoint"));
    assert_int_equal(panther_test_end(&test), 0);
}

static void reports_being_killed(void **state)
{
    (void)state;
    struct panther_test_exit ended;
    struct panther_test *test = new_proxy("2", "true");
    stand_before(test, backend, "http");
    make_ready(test);
    assert_int_equal(kill(panther_test_pid(test, "haproxy"), SIGKILL), 0);
    assert_true(panther_test_exited(test, "haproxy", 5000, &ended));
    assert_int_equal(ended.signal, SIGKILL);
    assert_true(ended.unexpected);
    assert_false(ended.clean);
    // its worker, which a killed master leaves behind, is gone as well
    assert_int_equal(panther_test_end(&test), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passes_http2_over_tls_on),
        cmocka_unit_test(offers_http1_alone),
        cmocka_unit_test(passes_plain_requests_to_a_backend_with_tls),
        cmocka_unit_test(says_503_when_nobody_stands_behind_it),
        cmocka_unit_test(refuses_to_stand_before_nobody),
        cmocka_unit_test(reports_being_killed),
    };
    return cmocka_run_group_tests(tests, start_backend, end_backend);
}

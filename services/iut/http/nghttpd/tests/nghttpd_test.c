// nghttpd under the real guard and host: what it serves and how it ends.
#include <panther/test.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PLUGIN PANTHER_PLUGINS "/nghttpd.so"

static struct panther_test *ready_server(const char *tls)
{
    struct panther_test *test = panther_test_new(PLUGIN);
    panther_test_protocol(test, "http", "2", "server");
    panther_test_option(test, "tls", tls);
    panther_test_option(test, "sizes", "2KiB");
    if (panther_test_initialize(test) != 0 || panther_test_start(test) != 0)
        fail_msg("%s", panther_test_problem(test));
    return test;
}

// "2 200 2048": HTTP version, status and bytes that curl got
static void assert_answer(const struct panther_test *test, const char *flags, const char *scheme, const char *expected)
{
    char command[512], answer[64] = "";
    snprintf(command, sizeof(command),
             "curl -sk %s -o /dev/null -w '%%{http_version} %%{http_code} %%{size_download}' %s://127.0.0.1:%d/2048.bin", flags, scheme,
             panther_test_port(test, scheme));
    FILE *curl = popen(command, "r");
    assert_non_null(curl);
    assert_non_null(fgets(answer, sizeof(answer), curl));
    pclose(curl);
    assert_string_equal(answer, expected);
}

// It does not catch TERM, and that is its way to end.
static void assert_ends_cleanly(struct panther_test **test)
{
    struct panther_test_exit ended;
    assert_int_equal(panther_test_stop(*test), 0);
    assert_true(panther_test_exited(*test, "nghttpd", 5000, &ended));
    assert_int_equal(ended.signal, SIGTERM);
    assert_true(ended.clean);
    assert_false(ended.unexpected);
    assert_int_equal(panther_test_end(test), 0);
}

static void serves_over_tls(void **state)
{
    (void)state;
    struct panther_test *test = ready_server("true");
    assert_int_equal(strncmp(panther_test_version(test), "1.", 2), 0);
    assert_answer(test, "--http2", "https", "2 200 2048");
    assert_ends_cleanly(&test);
}

static void serves_with_prior_knowledge(void **state)
{
    (void)state;
    struct panther_test *test = ready_server("false");
    assert_answer(test, "--http2-prior-knowledge", "http", "2 200 2048");
    assert_ends_cleanly(&test);
}

static void being_killed_is_not_clean(void **state)
{
    (void)state;
    struct panther_test_exit ended;
    struct panther_test *test = ready_server("true");
    assert_int_equal(kill(panther_test_pid(test, "nghttpd"), SIGTERM), 0);
    assert_true(panther_test_exited(test, "nghttpd", 5000, &ended));
    assert_int_equal(ended.signal, SIGTERM);
    assert_true(ended.unexpected);
    assert_int_equal(panther_test_end(&test), 0);
}

static void runs_twenty_times_alike(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        struct panther_test *test = ready_server("true");
        assert_ends_cleanly(&test);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(serves_over_tls),
        cmocka_unit_test(serves_with_prior_knowledge),
        cmocka_unit_test(being_killed_is_not_clean),
        cmocka_unit_test(runs_twenty_times_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

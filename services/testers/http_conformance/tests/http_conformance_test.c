// http_conformance under the real guard and host, against real servers, against none, and against one that is killed.
#include "../cases.h"

#include <panther/test.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SEED 42

static struct panther_test *new_server(const char *plugin, const char *version, const char *tls)
{
    char path[4096];
    snprintf(path, sizeof path, PANTHER_PLUGINS "/%s.so", plugin);
    struct panther_test *server = panther_test_new(path);
    panther_test_protocol(server, "http", version, "server");
    panther_test_seed(server, SEED);
    panther_test_option(server, "sizes", "1KiB");
    panther_test_option(server, "sizes", "300000");
    panther_test_option(server, "tls", tls);
    if (panther_test_initialize(server) != 0 || panther_test_start(server) != 0)
        fail_msg("%s", panther_test_problem(server));
    return server;
}

static struct panther_test *new_tester(const char *version)
{
    struct panther_test *test = panther_test_new(PANTHER_PLUGINS "/http_conformance.so");
    panther_test_protocol(test, "http", version, "client");
    panther_test_seed(test, SEED);
    panther_test_option(test, "large", "300000");
    panther_test_option(test, "patience", "2s");
    return test;
}

static void make_ready(struct panther_test *test)
{
    if (panther_test_initialize(test) != 0 || panther_test_start(test) != 0)
        fail_msg("%s", panther_test_problem(test));
}

static const char *const h1_cases[] = {
#define NAME(CASE, SECTION, SUMMARY) #CASE,
    CASES_H1(NAME) NULL};

// Every case, each as expected: pass or not applicable, but for those named, which fail.
static void run_all(struct panther_test *test, const char *const *names, const char *const *failing)
{
    bool is_wrong = false;
    for (; *names; names++) {
        struct panther_test_outcome outcome;
        bool may_fail = false;
        for (size_t i = 0; failing[i]; i++)
            may_fail |= strcmp(failing[i], *names) == 0;
        assert_int_equal(panther_test_case(test, *names, 20000, &outcome), 0);
        if ((outcome.verdict == PANTHER_FAIL) != may_fail || outcome.verdict > PANTHER_FAIL || outcome.verdict == PANTHER_INCONC) {
            printf("%s: verdict %d, reason %d: %s\n", *names, outcome.verdict, outcome.reason, outcome.text);
            is_wrong = true;
        }
    }
    assert_false(is_wrong);
}

static void all_cases_on(const char *plugin, const char *version, const char *tls, const char *const *names, const char *const *failing)
{
    struct panther_test *server = new_server(plugin, version, tls), *test = new_tester(version);
    panther_test_drive(test, "server", server);
    make_ready(test);
    run_all(test, names, failing);
    assert_int_equal(panther_test_end(&test), 0);
    assert_int_equal(panther_test_end(&server), 0);
}

static const char *const h2_cases[] = {CASES_H2(NAME) NULL};

// The README says where it breaks them.
static const char *const nginx_h1_failures[] = {"h1_unknown_method", "h1_range_head", NULL};

static void nginx_with_http1(void **state)
{
    (void)state;
    all_cases_on("nginx", "1.1", "false", h1_cases, nginx_h1_failures);
}

static void nginx_with_http1_over_tls(void **state)
{
    (void)state;
    all_cases_on("nginx", "1.1", "true", h1_cases, nginx_h1_failures);
}

static const char *const nginx_h2_failures[] = {"h2_data_on_idle",      "h2_rst_on_idle", "h2_window_update_on_idle", "h2_connection_field",
                                                "h2_transfer_encoding", "h2_te",          "h2_pseudo_behind",         NULL};
static const char *const nghttpd_failures[] = {"h2_lower_stream", NULL};

static void nginx_with_http2(void **state)
{
    (void)state;
    all_cases_on("nginx", "2", "false", h2_cases, nginx_h2_failures);
}

static void nghttpd_with_http2(void **state)
{
    (void)state;
    all_cases_on("nghttpd", "2", "true", h2_cases, nghttpd_failures);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nginx_with_http1), cmocka_unit_test(nginx_with_http1_over_tls),
                                       cmocka_unit_test(nginx_with_http2), cmocka_unit_test(nghttpd_with_http2)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// A server under the real guard and host, serving a folder with a folder in it, and the tester on it.
#include "real_server.h"

#include "../cases.h"

#include <panther/test.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define SEED 42

static const char *const h1_cases[] = {
#define NAME(CASE, SECTION, SUMMARY) #CASE,
    CASES_H1(NAME) NULL};
static const char *const h2_cases[] = {CASES_H2(NAME) NULL};

static struct panther_test *new_server(const struct expectation *expected, const char *folder)
{
    char path[4096];
    snprintf(path, sizeof path, PANTHER_PLUGINS "/%s", expected->plugin);
    struct panther_test *server = panther_test_new(path);
    panther_test_protocol(server, "http", expected->version, "server");
    panther_test_seed(server, SEED);
    panther_test_option(server, "sizes", "1KiB");
    panther_test_option(server, "sizes", "300000");
    panther_test_option(server, "tls", expected->tls);
    panther_test_option(server, "page", folder);
    return server;
}

// A folder with a folder in it, which the server copies when it is initialized.
static struct panther_test *start_server(const struct expectation *expected)
{
    char folder[] = "/tmp/http-conformance-XXXXXX", sub[64];
    assert_non_null(mkdtemp(folder));
    snprintf(sub, sizeof sub, "%s/sub", folder);
    bool is_made = mkdir(sub, 0755) == 0 && chmod(folder, 0755) == 0;
    struct panther_test *server = new_server(expected, folder);
    bool is_ready = is_made && panther_test_initialize(server) == 0 && panther_test_start(server) == 0;
    rmdir(sub);
    rmdir(folder);
    if (!is_ready)
        fail_msg("%s", panther_test_problem(server));
    return server;
}

static struct panther_test *new_tester(const struct expectation *expected)
{
    struct panther_test *test = panther_test_new(PANTHER_PLUGINS "/http_conformance.so");
    panther_test_protocol(test, "http", expected->version, "client");
    panther_test_seed(test, SEED);
    panther_test_option(test, "large", "300000");
    panther_test_option(test, "folder", "/sub");
    return test;
}

static bool is_in(const char *const *list, const char *name)
{
    for (; list && *list; list++)
        if (strcmp(*list, name) == 0)
            return true;
    return false;
}

static bool is_as_expected(const struct expectation *expected, const char *name, const struct panther_test_outcome *outcome)
{
    if (outcome->verdict == PANTHER_FAIL)
        return (is_in(expected->must_fail, name) || is_in(expected->may_fail, name)) && outcome->reason == PANTHER_REASON_VIOLATION;
    return !is_in(expected->must_fail, name) && (outcome->verdict == PANTHER_PASS || outcome->verdict == PANTHER_NONE);
}

static void judge_case(struct panther_test *test, const struct expectation *expected, const char *name, bool *is_wrong)
{
    struct panther_test_outcome outcome;
    assert_int_equal(panther_test_case(test, name, 20000, &outcome), 0);
    if (is_as_expected(expected, name, &outcome))
        return;
    printf("%s: verdict %d, reason %d: %s\n", name, outcome.verdict, outcome.reason, outcome.text);
    *is_wrong = true;
}

void run_all(const struct expectation *expected)
{
    bool is_wrong = false;
    struct panther_test *server = start_server(expected), *test = new_tester(expected);
    panther_test_drive(test, "server", server);
    if (panther_test_initialize(test) != 0 || panther_test_start(test) != 0)
        fail_msg("%s", panther_test_problem(test));
    if (expected->offers_h2c)
        judge_case(test, expected, "h2_upgrade", &is_wrong);
    for (const char *const *name = strcmp(expected->version, "2") == 0 ? h2_cases : h1_cases; *name; name++)
        judge_case(test, expected, *name, &is_wrong);
    assert_int_equal(panther_test_end(&test), 0);
    assert_int_equal(panther_test_end(&server), 0);
    assert_false(is_wrong);
}

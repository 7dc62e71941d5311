// curl as a client under the real guard and host, against nginx and against servers that are wrong: what passes, and what must not.
#include <panther/test.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct panther_test *server;

static int start_server(void **state)
{
    (void)state;
    server = panther_test_new(PANTHER_PLUGINS "/nginx.so");
    panther_test_protocol(server, "http", "2", "server");
    panther_test_option(server, "sizes", "1KiB");
    panther_test_option(server, "sizes", "100000");
    if (panther_test_initialize(server) != 0 || panther_test_start(server) != 0)
        fail_msg("%s", panther_test_problem(server));
    return 0;
}

static int end_server(void **state)
{
    (void)state;
    return server ? panther_test_end(&server) : 0;
}

static struct panther_test *new_client(const char *version, const char *scheme, int port)
{
    struct panther_test *test = panther_test_new(PANTHER_PLUGINS "/curl/service.yaml");
    panther_test_protocol(test, "http", version, "client");
    panther_test_peer(test, NULL, "server", scheme, "127.0.0.1", (uint16_t)port, PANTHER_TCP);
    return test;
}

static void execute(struct panther_test *test, struct panther_test_outcome *outcome)
{
    if (panther_test_initialize(test) != 0 || panther_test_start(test) != 0 || panther_test_execute(test, 20000, outcome) != 0)
        fail_msg("%s", panther_test_problem(test));
}

// The execution fails, and stdout says why.
static void assert_fails(struct panther_test *test, const char *why)
{
    struct panther_test_outcome outcome = {0};
    execute(test, &outcome);
    assert_int_equal(outcome.verdict, PANTHER_FAIL);
    char *text = panther_test_stream(test, "curl.stdout");
    assert_non_null(text);
    if (!strstr(text, why))
        fail_msg("\"%s\" is not in: %s", why, text);
    free(text);
    assert_int_equal(panther_test_end(&test), 0);
}

static void downloads_over_both_versions(void **state)
{
    (void)state;
    static const char *const versions[] = {"1.1", "2"};
    for (size_t i = 0; i < 2; i++) {
        struct panther_test_outcome outcome = {0};
        struct panther_test *test = new_client(versions[i], "https", panther_test_port(server, "https"));
        double value = 0;
        panther_test_option(test, "paths", "/index.html");
        panther_test_option(test, "paths", "/1024.bin");
        panther_test_option(test, "paths", "/100000.bin");
        panther_test_option(test, "times", "2");
        execute(test, &outcome);
        if (outcome.verdict != PANTHER_PASS)
            fail_msg("%s", outcome.text);
        assert_int_equal(strncmp(panther_test_version(test), "7.", 2), 0);
        assert_true(panther_test_metric(test, "downloads", &value));
        assert_int_equal((int)value, 6);
        assert_true(panther_test_metric(test, "bytes", &value));
        assert_true(value > 2 * (1024 + 100000));
        assert_int_equal(panther_test_end(&test), 0);
    }
}

static void a_missing_file_is_a_fail(void **state)
{
    (void)state;
    struct panther_test *test = new_client("2", "https", panther_test_port(server, "https"));
    panther_test_option(test, "paths", "/1024.bin");
    panther_test_option(test, "paths", "/none");
    assert_fails(test, "not ok 2 - /none: status 404, not 200");
}

static void another_version_is_a_fail(void **state)
{
    (void)state;
    // nginx's probe port speaks HTTP/1.1 alone
    struct panther_test *test = new_client("2", "http", panther_test_port(server, "probe"));
    panther_test_option(test, "paths", "/1024.bin");
    assert_fails(test, "not ok 1 - /1024.bin: ");
}

static void nobody_there_is_a_fail(void **state)
{
    (void)state;
    struct panther_test *test = new_client("1.1", "http", 1);
    assert_fails(test, "not ok 1 - /index.html: curl ended with status 7");
}

static char folder[] = "/tmp/curl-test-XXXXXX";

static void write_page(const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void a_file_of_another_size_is_a_fail(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    write_page("1024.bin", "not as long as it is called");
    struct panther_test *wrong = panther_test_new(PANTHER_PLUGINS "/nginx.so");
    panther_test_protocol(wrong, "http", "1.1", "server");
    panther_test_option(wrong, "tls", "false");
    panther_test_option(wrong, "sizes", "2KiB");
    panther_test_option(wrong, "page", folder);
    if (panther_test_initialize(wrong) != 0 || panther_test_start(wrong) != 0)
        fail_msg("%s", panther_test_problem(wrong));
    struct panther_test *test = new_client("1.1", "http", panther_test_port(wrong, "http"));
    panther_test_option(test, "paths", "/1024.bin");
    assert_fails(test, "not ok 1 - /1024.bin: 27 bytes, not 1024");
    assert_int_equal(panther_test_end(&wrong), 0);
    char path[128];
    snprintf(path, sizeof(path), "%s/1024.bin", folder);
    unlink(path);
    rmdir(folder);
}

static void a_client_that_does_not_finish_is_no_pass(void **state)
{
    (void)state;
    struct panther_test_outcome outcome = {0};
    struct panther_test *test = new_client("1.1", "https", panther_test_port(server, "https"));
    panther_test_option(test, "times", "100000");
    if (panther_test_initialize(test) != 0 || panther_test_start(test) != 0)
        fail_msg("%s", panther_test_problem(test));
    // more than it can do in this time
    assert_int_equal(panther_test_execute(test, 700, &outcome), 0);
    assert_int_equal(outcome.verdict, PANTHER_INCONC);
    assert_int_equal(outcome.reason, PANTHER_REASON_TIMEOUT);
    assert_int_equal(panther_test_end(&test), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(downloads_over_both_versions),     cmocka_unit_test(a_missing_file_is_a_fail),
        cmocka_unit_test(another_version_is_a_fail),        cmocka_unit_test(nobody_there_is_a_fail),
        cmocka_unit_test(a_file_of_another_size_is_a_fail), cmocka_unit_test(a_client_that_does_not_finish_is_no_pass),
    };
    return cmocka_run_group_tests(tests, start_server, end_server);
}

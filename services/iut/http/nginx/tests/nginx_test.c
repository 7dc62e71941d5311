// nginx under the real guard and host: what it serves, how it ends, and what it refuses.
#include <panther/test.h>

#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define PLUGIN PANTHER_PLUGINS "/nginx.so"

static struct panther_test *new_server(const char *version, const char *tls)
{
    struct panther_test *test = panther_test_new(PLUGIN);
    panther_test_protocol(test, "http", version, "server");
    panther_test_option(test, "tls", tls);
    return test;
}

static void make_ready(struct panther_test *test)
{
    if (panther_test_initialize(test) != 0 || panther_test_start(test) != 0)
        fail_msg("%s", panther_test_problem(test));
}

// "2 200 1024": HTTP version, status and bytes that curl got
static void assert_answer(const struct panther_test *test, const char *flags, const char *scheme, const char *path, const char *expected)
{
    char command[512], answer[64] = "";
    snprintf(command, sizeof(command), "curl -sk %s -o /dev/null -w '%%{http_version} %%{http_code} %%{size_download}' %s://127.0.0.1:%d%s",
             flags, scheme, panther_test_port(test, scheme), path);
    FILE *curl = popen(command, "r");
    assert_non_null(curl);
    assert_non_null(fgets(answer, sizeof(answer), curl));
    pclose(curl);
    assert_string_equal(answer, expected);
}

static void assert_ends_cleanly(struct panther_test **test)
{
    struct panther_test_exit ended;
    assert_int_equal(panther_test_stop(*test), 0);
    assert_true(panther_test_exited(*test, "nginx", 5000, &ended));
    assert_int_equal(ended.status, 0);
    assert_true(ended.clean);
    assert_false(ended.unexpected);
    assert_int_equal(panther_test_end(test), 0);
}

static void serves_http2_over_tls(void **state)
{
    (void)state;
    struct panther_test *test = new_server("2", "true");
    panther_test_option(test, "sizes", "1KiB");
    panther_test_option(test, "sizes", "100000");
    panther_test_option(test, "workers", "2");
    make_ready(test);
    assert_int_equal(strncmp(panther_test_version(test), "1.", 2), 0);
    assert_answer(test, "--http2", "https", "/1024.bin", "2 200 1024");
    assert_answer(test, "--http2", "https", "/100000.bin", "2 200 100000");
    assert_answer(test, "--http1.1", "https", "/1024.bin", "1.1 200 1024");
    assert_answer(test, "--http2", "https", "/none", "2 404 153");
    assert_ends_cleanly(&test);
}

static void serves_http1_without_tls(void **state)
{
    (void)state;
    struct panther_test *test = new_server("1.1", "false");
    make_ready(test);
    assert_answer(test, "--http1.1", "http", "/1024.bin", "1.1 200 1024");
    assert_int_equal(panther_test_port(test, "probe"), -1);
    assert_ends_cleanly(&test);
}

static void serves_http2_with_prior_knowledge(void **state)
{
    (void)state;
    struct panther_test *test = new_server("2", "false");
    make_ready(test);
    assert_answer(test, "--http2-prior-knowledge", "http", "/1024.bin", "2 200 1024");
    assert_ends_cleanly(&test);
}

static void serves_the_given_page(void **state)
{
    (void)state;
    char path[] = "/tmp/nginx-test-page-XXXXXX";
    int file = mkstemp(path);
    assert_int_equal(write(file, "0123456789", 10), 10);
    close(file);
    struct panther_test *test = new_server("2", "true");
    panther_test_option(test, "page", path);
    make_ready(test);
    assert_answer(test, "--http2", "https", "/", "2 200 10");
    assert_answer(test, "--http2", "https", "/index.html", "2 200 10");
    assert_ends_cleanly(&test);
    unlink(path);
}

static void leaves_its_configuration_and_log(void **state)
{
    (void)state;
    struct panther_test *test = new_server("2", "true");
    panther_test_option(test, "access_log", "true");
    make_ready(test);
    assert_answer(test, "--http2", "https", "/1024.bin", "2 200 1024");
    assert_int_equal(panther_test_stop(test), 0);
    assert_int_equal(panther_test_cleanup(test), 0);
    assert_true(panther_test_artifact(test, "nginx.conf"));
    assert_true(panther_test_artifact(test, "access.log"));
    assert_int_equal(panther_test_end(&test), 0);
}

static void refuses_options_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value;
    } bad[] = {{"workers", "0"}, {"workers", "many"}, {"tls", "perhaps"}, {"http2", "sometimes"}, {"wrokers", "1"}, {"sizes", "1XiB"}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct panther_test *test = new_server("2", "true");
        panther_test_option(test, bad[i].name, bad[i].value);
        assert_int_not_equal(panther_test_initialize(test), 0);
        if (!strstr(panther_test_problem(test), bad[i].name) && !strstr(panther_test_problem(test), bad[i].value))
            fail_msg("%s: %s is refused with: %s", bad[i].name, bad[i].value, panther_test_problem(test));
        assert_int_equal(panther_test_end(&test), 0);
    }
}

static void refuses_a_port_that_is_taken(void **state)
{
    (void)state;
    char port[16];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    snprintf(port, sizeof(port), "%u", ntohs(address.sin_port));
    struct panther_test *test = new_server("2", "true");
    panther_test_option(test, "port", port);
    assert_int_not_equal(panther_test_initialize(test), 0);
    assert_non_null(strstr(panther_test_problem(test), port));
    assert_int_equal(panther_test_end(&test), 0);
    close(listener);
}

static void reports_being_killed(void **state)
{
    (void)state;
    struct panther_test_exit ended;
    struct panther_test *test = new_server("2", "true");
    make_ready(test);
    assert_int_equal(kill(panther_test_pid(test, "nginx"), SIGKILL), 0);
    assert_true(panther_test_exited(test, "nginx", 5000, &ended));
    assert_int_equal(ended.signal, SIGKILL);
    assert_true(ended.unexpected);
    assert_false(ended.clean);
    // its workers, which a killed master leaves behind, are gone as well
    assert_int_equal(panther_test_end(&test), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(serves_http2_over_tls),
        cmocka_unit_test(serves_http1_without_tls),
        cmocka_unit_test(serves_http2_with_prior_knowledge),
        cmocka_unit_test(serves_the_given_page),
        cmocka_unit_test(leaves_its_configuration_and_log),
        cmocka_unit_test(refuses_options_by_name),
        cmocka_unit_test(refuses_a_port_that_is_taken),
        cmocka_unit_test(reports_being_killed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

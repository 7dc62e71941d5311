// A declared web server (SERVER) under the real guard and host: what it serves, how it ends, and what it refuses. Built once for each of
// the plugins beside this folder, so that what holds for one of them holds for all.
#include <panther/content.h>
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

#define PLUGIN PANTHER_PLUGINS "/" SERVER "/service.yaml"
#define BODY_BYTES 100000

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

// "2 200 1024": HTTP version, status and bytes that curl got; the body into a file, or nowhere
static void ask(const struct panther_test *test, const char *flags, const char *scheme, const char *path, const char *file, char answer[64])
{
    char command[512];
    snprintf(command, sizeof(command), "curl -sk -m 10 %s -o %s -w '%%{http_version} %%{http_code} %%{size_download}' %s://127.0.0.1:%d%s",
             flags, file ? file : "/dev/null", scheme, panther_test_port(test, scheme), path);
    FILE *curl = popen(command, "r");
    assert_non_null(curl);
    assert_non_null(fgets(answer, 64, curl));
    pclose(curl);
}

static void assert_answer(const struct panther_test *test, const char *flags, const char *scheme, const char *path, const char *expected)
{
    char answer[64] = "";
    ask(test, flags, scheme, path, NULL, answer);
    assert_string_equal(answer, expected);
}

static void assert_ends_cleanly(struct panther_test **test)
{
    struct panther_test_exit ended;
    if (panther_test_stop(*test) != 0)
        fail_msg("%s", panther_test_problem(*test));
    assert_true(panther_test_exited(*test, SERVER, 5000, &ended));
    assert_int_equal(ended.signal, 0);
    assert_int_equal(ended.status, 0);
    assert_true(ended.clean);
    assert_false(ended.unexpected);
    assert_int_equal(panther_test_end(test), 0);
}

// Every byte of what was served is what the trial's seed makes.
static void assert_content(const struct panther_test *test, uint64_t seed)
{
    char path[] = "/tmp/server-test-body-XXXXXX", answer[64] = "";
    unsigned char *expected = malloc(BODY_BYTES), *got = malloc(BODY_BYTES);
    int file = mkstemp(path);
    assert_true(file >= 0);
    ask(test, "--http2", "https", "/100000.bin", path, answer);
    assert_string_equal(answer, "2 200 100000");
    assert_int_equal(read(file, got, BODY_BYTES), BODY_BYTES);
    panther_content(seed, 0, expected, BODY_BYTES);
    assert_memory_equal(got, expected, BODY_BYTES);
    close(file);
    unlink(path);
    free(expected);
    free(got);
}

static void serves_http2_over_tls(void **state)
{
    (void)state;
    struct panther_test *test = new_server("2", "true");
    panther_test_option(test, "sizes", "1KiB");
    panther_test_option(test, "sizes", "100000");
    panther_test_option(test, "workers", "2");
    panther_test_seed(test, 7);
    make_ready(test);
    int major = 0, minor = -1;
    assert_int_equal(sscanf(panther_test_version(test), "%d.%d", &major, &minor), 2);
    assert_true(major > 0 && minor >= 0);
    assert_answer(test, "--http2", "https", "/1024.bin", "2 200 1024");
    assert_answer(test, "--http1.1", "https", "/1024.bin", "1.1 200 1024");
    assert_content(test, 7);
    char answer[64] = "";
    ask(test, "--http2", "https", "/none", NULL, answer);
    assert_int_equal(strncmp(answer, "2 404 ", 6), 0);
    assert_ends_cleanly(&test);
}

static void serves_http1_without_tls(void **state)
{
    (void)state;
    struct panther_test *test = new_server("1.1", "false");
    make_ready(test);
    assert_answer(test, "--http1.1", "http", "/1024.bin", "1.1 200 1024");
    assert_answer(test, "--http1.1 -r 0-9", "http", "/1024.bin", "1.1 206 10");
    assert_int_equal(panther_test_port(test, "https"), -1);
    assert_ends_cleanly(&test);
}

static void serves_http2_with_prior_knowledge(void **state)
{
    (void)state;
    struct panther_test *test = new_server("2", "false");
    make_ready(test);
    assert_answer(test, "--http2-prior-knowledge", "http", "/1024.bin", "2 200 1024");
    assert_answer(test, "--http1.1", "http", "/1024.bin", "1.1 200 1024");
    assert_ends_cleanly(&test);
}

// A number of requests on one connection that servers' own defaults would not take.
static void keeps_a_connection_for_many_requests(void **state)
{
    (void)state;
    struct panther_test *test = new_server("1.1", "false");
    make_ready(test);
    char command[256], answer[64] = "";
    snprintf(command, sizeof(command),
             "curl -s -m 10 -o /dev/null -w '%%{num_connects}\\n' 'http://127.0.0.1:%d/index.html?[1-1100]' | sort | uniq -c | head -1",
             panther_test_port(test, "http"));
    FILE *curl = popen(command, "r");
    assert_non_null(curl);
    assert_non_null(fgets(answer, sizeof(answer), curl));
    pclose(curl);
    int times = 0, connects = -1;
    assert_int_equal(sscanf(answer, "%d %d", &times, &connects), 2);
    assert_int_equal(times, 1099);
    assert_int_equal(connects, 0);
    assert_ends_cleanly(&test);
}

static void serves_the_given_page_and_keeps_its_log(void **state)
{
    (void)state;
    char path[] = "/tmp/server-test-page-XXXXXX";
    int file = mkstemp(path);
    assert_int_equal(write(file, "0123456789", 10), 10);
    close(file);
    struct panther_test *test = new_server("2", "true");
    panther_test_option(test, "page", path);
    panther_test_option(test, "access_log", "true");
    make_ready(test);
    assert_answer(test, "--http2", "https", "/", "2 200 10");
    assert_int_equal(panther_test_stop(test), 0);
    assert_int_equal(panther_test_cleanup(test), 0);
    assert_true(panther_test_artifact(test, "access.log"));
    assert_int_equal(panther_test_end(&test), 0);
    unlink(path);
}

static void refuses_options_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value;
    } bad[] = {{"workers", "many"}, {"workers", "100000"}, {"tls", "perhaps"}, {"wrokers", "1"}, {"sizes", "1XiB"}};
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
    panther_test_option(test, "workers", "2");
    make_ready(test);
    assert_int_equal(kill(panther_test_pid(test, SERVER), SIGKILL), 0);
    assert_true(panther_test_exited(test, SERVER, 5000, &ended));
    assert_int_equal(ended.signal, SIGKILL);
    assert_true(ended.unexpected);
    assert_false(ended.clean);
    // its workers, which a killed parent leaves behind, are gone as well
    assert_int_equal(panther_test_end(&test), 0);
}

#ifdef TELLS_OF_DEAD_WORKERS
// A worker that crashed is replaced, and the server goes on serving: its own words at the stop say that it was no clean life.
static void a_worker_that_crashes_is_a_crash(void **state)
{
    (void)state;
    char path[64];
    int parent, worker = 0;
    struct panther_test_exit ended;
    struct panther_test_outcome outcome = {0};
    struct panther_test *test = new_server("1.1", "false");
    panther_test_output_rule(test, NULL, PANTHER_REGEX, TELLS_OF_DEAD_WORKERS);
    make_ready(test);
    parent = panther_test_pid(test, SERVER);
    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", parent, parent);
    FILE *children = fopen(path, "r");
    assert_non_null(children);
    assert_int_equal(fscanf(children, "%d", &worker), 1);
    fclose(children);
    assert_int_equal(kill(worker, SIGSEGV), 0);
    for (int i = 0; i < 2000 && panther_test_matches(test, TELLS_OF_DEAD_WORKERS) == 0; i++)
        assert_false(panther_test_exited(test, SERVER, 5, &ended)); // reads what the guard says
    assert_answer(test, "--http1.1", "http", "/1024.bin", "1.1 200 1024");
    assert_int_equal(panther_test_stop(test), 0);
    panther_test_stopped(test, &outcome);
    assert_int_equal(outcome.verdict, PANTHER_FAIL);
    assert_int_equal(outcome.reason, PANTHER_REASON_CRASH);
    assert_int_equal(panther_test_end(&test), 0);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(serves_http2_over_tls),
        cmocka_unit_test(serves_http1_without_tls),
        cmocka_unit_test(serves_http2_with_prior_knowledge),
        cmocka_unit_test(keeps_a_connection_for_many_requests),
        cmocka_unit_test(serves_the_given_page_and_keeps_its_log),
        cmocka_unit_test(refuses_options_by_name),
        cmocka_unit_test(refuses_a_port_that_is_taken),
        cmocka_unit_test(reports_being_killed),
#ifdef TELLS_OF_DEAD_WORKERS
        cmocka_unit_test(a_worker_that_crashes_is_a_crash),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

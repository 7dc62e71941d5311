// gtlsserver under the real guard and host: what it serves, what it leaves, and that two of them never share a port.
#include <panther/content.h>
#include <panther/test.h>

#include <glob.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PLUGIN PANTHER_PLUGINS "/ngtcp2.so"
#define SEED 42
#define SIZE 100000

static struct panther_test *new_server(void)
{
    struct panther_test *test = panther_test_new(PLUGIN);
    panther_test_protocol(test, "quic", "1", "server");
    panther_test_seed(test, SEED);
    panther_test_option(test, "sizes", "100000");
    return test;
}

static void make_ready(struct panther_test *test)
{
    if (panther_test_initialize(test) != 0 || panther_test_start(test) != 0)
        fail_msg("%s", panther_test_problem(test));
}

// Fetches the generated file; returns how many of its bytes are not what the seed says, below 0 when it is not there.
static int wrong_bytes(const struct panther_test *test)
{
    static unsigned char got[SIZE + 1], expected[SIZE];
    char folder[] = "/tmp/ngtcp2-test-XXXXXX", command[512];
    int wrong = 0, port = panther_test_port(test, "quic");
    assert_non_null(mkdtemp(folder));
    snprintf(command, sizeof(command),
             "gtlsclient -q --exit-on-all-streams-close --download=%s 127.0.0.1 %d https://127.0.0.1:%d/%d.bin >/dev/null 2>&1; cat %s/*; "
             "rm -r %s",
             folder, port, port, SIZE, folder, folder);
    FILE *client = popen(command, "r");
    assert_non_null(client);
    size_t bytes = fread(got, 1, sizeof(got), client);
    pclose(client);
    if (bytes != SIZE)
        return -1;
    panther_content(SEED, 0, expected, SIZE);
    for (size_t i = 0; i < SIZE; i++)
        wrong += got[i] != expected[i];
    return wrong;
}

static void assert_ends_cleanly(struct panther_test **test)
{
    struct panther_test_exit ended;
    assert_int_equal(panther_test_stop(*test), 0);
    assert_true(panther_test_exited(*test, "gtlsserver", 5000, &ended));
    assert_true(ended.clean);
    assert_false(ended.unexpected);
    assert_int_equal(panther_test_end(test), 0);
}

static void serves_the_content_of_its_seed(void **state)
{
    (void)state;
    struct panther_test *test = new_server();
    make_ready(test);
    assert_int_equal(strncmp(panther_test_version(test), "0.", 2), 0);
    assert_int_equal(wrong_bytes(test), 0);
    assert_ends_cleanly(&test);
}

static void corrupt_is_one_wrong_byte(void **state)
{
    (void)state;
    struct panther_test *test = new_server();
    panther_test_option(test, "corrupt", "true");
    make_ready(test);
    assert_int_equal(wrong_bytes(test), 1);
    assert_ends_cleanly(&test);
}

static void retry_works(void **state)
{
    (void)state;
    struct panther_test *test = new_server();
    panther_test_option(test, "retry", "true");
    panther_test_option(test, "verbose", "true");
    panther_test_output_rule(test, "", PANTHER_SUBSTRING, "Sending Retry packet");
    make_ready(test);
    assert_int_equal(wrong_bytes(test), 0);
    assert_int_equal(panther_test_stop(test), 0);
    assert_true(panther_test_matches(test, "Sending Retry packet") > 0);
    assert_int_equal(panther_test_end(&test), 0);
}

// The qlog's name is the connection's id: "qlog/ID.sqlog".
static void find_qlog(const struct panther_test *test, char *path, size_t path_bytes)
{
    char pattern[512];
    glob_t found;
    snprintf(pattern, sizeof(pattern), "%s/work/qlog/*.sqlog", panther_test_folder(test));
    assert_int_equal(glob(pattern, 0, NULL, &found), 0);
    assert_int_equal(found.gl_pathc, 1);
    snprintf(path, path_bytes, "%s", strstr(found.gl_pathv[0], "qlog/"));
    globfree(&found);
}

static void leaves_qlog_and_secrets(void **state)
{
    (void)state;
    char qlog[256];
    struct panther_test *test = new_server();
    make_ready(test);
    assert_int_equal(wrong_bytes(test), 0);
    assert_int_equal(panther_test_stop(test), 0);
    find_qlog(test, qlog, sizeof(qlog));
    assert_int_equal(panther_test_cleanup(test), 0);
    assert_true(panther_test_artifact(test, "server.keylog"));
    assert_true(panther_test_artifact(test, qlog));
    assert_int_equal(panther_test_end(&test), 0);
}

// gtlsserver binds with address reuse: a second one on the port would start, and take packets away.
static void refuses_a_port_that_is_taken(void **state)
{
    (void)state;
    char port[16];
    struct panther_test *first = new_server(), *second = new_server();
    make_ready(first);
    snprintf(port, sizeof(port), "%d", panther_test_port(first, "quic"));
    panther_test_option(second, "port", port);
    assert_int_not_equal(panther_test_initialize(second), 0);
    assert_non_null(strstr(panther_test_problem(second), port));
    assert_int_equal(panther_test_end(&second), 0);
    assert_ends_cleanly(&first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(serves_the_content_of_its_seed), cmocka_unit_test(corrupt_is_one_wrong_byte),    cmocka_unit_test(retry_works),
        cmocka_unit_test(leaves_qlog_and_secrets),        cmocka_unit_test(refuses_a_port_that_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

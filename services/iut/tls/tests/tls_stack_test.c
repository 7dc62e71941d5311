// A TLS stack (STACK, its server is SERVER) as server and as client under the real guard and host, against OpenSSL's own client and
// against itself.
#include <panther/test.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#define PLUGIN PANTHER_PLUGINS "/" STACK "/service.yaml"

static struct panther_test *new_stack(const char *version, const char *role)
{
    struct panther_test *test = panther_test_new(PLUGIN);
    panther_test_protocol(test, "tls", version, role);
    return test;
}

static void make_ready(struct panther_test *test)
{
    if (panther_test_initialize(test) != 0 || panther_test_start(test) != 0)
        fail_msg("%s", panther_test_problem(test));
}

// What openssl s_client says of a connection; its exit status.
static int look(const struct panther_test *server, const char *flags, char text[4096])
{
    char command[256];
    snprintf(command, sizeof(command), "OPENSSL_CONF=/dev/null timeout 10 openssl s_client -connect 127.0.0.1:%d -brief %s </dev/null 2>&1",
             panther_test_port(server, "tls"), flags);
    FILE *client = popen(command, "r");
    assert_non_null(client);
    text[fread(text, 1, 4095, client)] = '\0';
    return WEXITSTATUS(pclose(client));
}

static void assert_ends_cleanly(struct panther_test **test)
{
    struct panther_test_exit ended;
    assert_int_equal(panther_test_stop(*test), 0);
    assert_true(panther_test_exited(*test, SERVER, 5000, &ended));
    assert_true(ended.clean);
    assert_false(ended.unexpected);
    assert_int_equal(panther_test_end(test), 0);
}

static void serves_both_versions(void **state)
{
    (void)state;
    char text[4096];
    struct panther_test *test = new_stack("1.3", "server");
    make_ready(test);
    assert_in_range(panther_test_version(test)[0], '1', '9');
    assert_int_equal(look(test, "-tls1_3", text), 0);
    assert_non_null(strstr(text, "Protocol version: TLSv1.3"));
    assert_int_equal(look(test, "-tls1_2", text), 0);
    assert_non_null(strstr(text, "Protocol version: TLSv1.2"));
    assert_int_not_equal(look(test, "-tls1_1 -cipher DEFAULT@SECLEVEL=0", text), 0);
    assert_ends_cleanly(&test);
}

static void serves_one_version_alone(void **state)
{
    (void)state;
    char text[4096];
    struct panther_test *test = new_stack("1.2", "server");
    panther_test_option(test, "only", "true");
    make_ready(test);
    assert_int_equal(look(test, "-tls1_2", text), 0);
    assert_int_not_equal(look(test, "-tls1_3", text), 0);
    assert_ends_cleanly(&test);
}

static void is_a_bad_example_when_asked(void **state)
{
    (void)state;
    char text[4096];
    struct panther_test *test = new_stack("1.3", "server");
    panther_test_option(test, "legacy", "true");
    panther_test_option(test, "expired", "true");
    make_ready(test);
    assert_int_equal(look(test, "-tls1_1 -cipher DEFAULT@SECLEVEL=0", text), 0);
    assert_non_null(strstr(text, "Protocol version: TLSv1.1"));
    assert_int_equal(look(test, "-tls1_3", text), 0);
    assert_int_not_equal(look(test, "-tls1_3 -verify_return_error -partial_chain", text), 0);
    assert_ends_cleanly(&test);
}

static void being_killed_is_not_clean(void **state)
{
    (void)state;
    struct panther_test_exit ended;
    struct panther_test *test = new_stack("1.3", "server");
    make_ready(test);
    assert_int_equal(kill(panther_test_pid(test, SERVER), SIGKILL), 0);
    assert_true(panther_test_exited(test, SERVER, 5000, &ended));
    assert_int_equal(ended.signal, SIGKILL);
    assert_true(ended.unexpected);
    assert_false(ended.clean);
    assert_int_equal(panther_test_end(&test), 0);
}

static void assert_client(const char *version, int port, enum panther_verdict verdict)
{
    struct panther_test_outcome outcome;
    struct panther_test *test = new_stack(version, "client");
    panther_test_peer(test, NULL, "server", "tls", "127.0.0.1", (uint16_t)port, PANTHER_TCP);
    make_ready(test);
    assert_int_equal(panther_test_execute(test, 20000, &outcome), 0);
    if (outcome.verdict != verdict)
        fail_msg("verdict %d: %s", outcome.verdict, outcome.text);
    assert_int_equal(panther_test_stop(test), 0);
    assert_int_equal(panther_test_end(&test), 0);
}

static void client_connects_or_says_that_it_cannot(void **state)
{
    (void)state;
    struct panther_test *server = new_stack("1.2", "server");
    panther_test_option(server, "only", "true");
    make_ready(server);
    assert_client("1.2", panther_test_port(server, "tls"), PANTHER_PASS);
    assert_client("1.3", panther_test_port(server, "tls"), PANTHER_FAIL);
    assert_ends_cleanly(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(serves_both_versions),
        cmocka_unit_test(serves_one_version_alone),
        cmocka_unit_test(is_a_bad_example_when_asked),
        cmocka_unit_test(being_killed_is_not_clean),
        cmocka_unit_test(client_connects_or_says_that_it_cannot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

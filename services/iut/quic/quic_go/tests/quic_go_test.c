// quic-go's example programs, compiled from Debian's sources through the build cache: the server under quic_probe's and its own client's
// eyes, the client against a server that lacks what it wants.
#include <panther/test.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define PLUGIN PANTHER_PLUGINS "/quic_go/service.yaml"
// The first one compiles.
#define BUILD_MS 150000

static char state_folder[] = "/tmp/quic-go-test-XXXXXX";

static int make_state(void **state)
{
    (void)state;
    return mkdtemp(state_folder) ? 0 : -1;
}

static int remove_state(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        execlp("rm", "rm", "-rf", state_folder, (char *)NULL);
        _exit(1);
    }
    int status = 1;
    return waitpid(child, &status, 0) == child && status == 0 ? 0 : -1;
}

static struct panther_test *new_instance(const char *role)
{
    struct panther_test *test = panther_test_new(PLUGIN);
    panther_test_protocol(test, "quic", "1", role);
    panther_test_state_folder(test, state_folder);
    panther_test_phase_ms(test, BUILD_MS);
    return test;
}

static struct panther_test *ready_server(void)
{
    struct panther_test *server = new_instance("server");
    panther_test_option(server, "sizes", "1KiB");
    panther_test_option(server, "sizes", "300000");
    if (panther_test_initialize(server) != 0 || panther_test_start(server) != 0)
        fail_msg("%s", panther_test_problem(server));
    return server;
}

static struct panther_test *new_client(int port)
{
    struct panther_test *client = new_instance("client");
    panther_test_peer(client, NULL, "server", "quic", "127.0.0.1", (uint16_t)port, PANTHER_UDP);
    return client;
}

static void execute(struct panther_test *test, struct panther_test_outcome *outcome)
{
    if (panther_test_initialize(test) != 0 || panther_test_start(test) != 0 || panther_test_execute(test, 30000, outcome) != 0)
        fail_msg("%s", panther_test_problem(test));
}

static size_t secrets_in(struct panther_test *client)
{
    char line[512], path[4096];
    size_t count = 0;
    snprintf(path, sizeof path, "%s/work/client.keys", panther_test_folder(client));
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    while (fgets(line, sizeof line, file))
        count += strncmp(line, "CLIENT_TRAFFIC_SECRET_0 ", 24) == 0;
    fclose(file);
    return count;
}

static void server_and_client_meet(void **state)
{
    (void)state;
    struct panther_test_outcome outcome = {0};
    struct panther_test_exit ended;
    struct panther_test *server = ready_server(), *client = new_client(panther_test_port(server, "quic"));
    assert_int_equal(strncmp(panther_test_version(server), "0.", 2), 0);
    panther_test_option(client, "paths", "/index.html");
    panther_test_option(client, "paths", "/1024.bin");
    panther_test_option(client, "paths", "/300000.bin");
    execute(client, &outcome);
    if (outcome.verdict != PANTHER_PASS)
        fail_msg("%s", outcome.text);
    assert_int_equal(panther_test_stop(client), 0);
    assert_int_equal(panther_test_cleanup(client), 0);
    assert_true(panther_test_artifact(client, "client.keys"));
    assert_int_equal(panther_test_end(&client), 0);
    assert_int_equal(panther_test_stop(server), 0);
    assert_true(panther_test_exited(server, "quic_go", 5000, &ended));
    assert_true(ended.clean);
    assert_int_equal(panther_test_end(&server), 0);
}

// What a profile of a tester's case asks for. The secrets are of all connections that were made, although the client begins its log anew.
static void downloads_share_a_connection_or_have_their_own(void **state)
{
    (void)state;
    static const struct {
        const char *profile;
        size_t connections;
    } profiles[] = {{"multiplexing", 1}, {"handshakes", 4}};
    struct panther_test *server = ready_server();
    for (size_t i = 0; i < sizeof profiles / sizeof profiles[0]; i++) {
        struct panther_test_outcome outcome = {0};
        struct panther_test *client = new_client(panther_test_port(server, "quic"));
        panther_test_option(client, "profile", profiles[i].profile);
        execute(client, &outcome);
        if (outcome.verdict != PANTHER_PASS)
            fail_msg("%s", outcome.text);
        assert_int_equal(secrets_in(client), profiles[i].connections);
        assert_int_equal(panther_test_end(&client), 0);
    }
    assert_int_equal(panther_test_end(&server), 0);
}

// Each has its own port and nothing on localhost:6060, where the example as it comes would open a page.
static void two_servers_live_beside_each_other(void **state)
{
    (void)state;
    struct panther_test *first = ready_server(), *second = ready_server();
    for (int i = 0; i < 2; i++) {
        struct panther_test_outcome outcome = {0};
        struct panther_test *client = new_client(panther_test_port(i ? second : first, "quic"));
        panther_test_option(client, "paths", "/1024.bin");
        execute(client, &outcome);
        if (outcome.verdict != PANTHER_PASS)
            fail_msg("%s", outcome.text);
        assert_int_equal(panther_test_end(&client), 0);
    }
    char *text = panther_test_stream(first, "quic_go.stderr");
    assert_true(!text || !strstr(text, "6060"));
    free(text);
    assert_int_equal(panther_test_end(&first), 0);
    assert_int_equal(panther_test_end(&second), 0);
}

static void being_killed_is_not_clean(void **state)
{
    (void)state;
    struct panther_test_exit ended;
    struct panther_test *server = ready_server();
    assert_int_equal(kill(panther_test_pid(server, "quic_go"), SIGKILL), 0);
    assert_true(panther_test_exited(server, "quic_go", 5000, &ended));
    assert_int_equal(ended.signal, SIGKILL);
    assert_true(ended.unexpected);
    assert_false(ended.clean);
    assert_int_equal(panther_test_end(&server), 0);
}

static void a_missing_file_is_a_fail(void **state)
{
    (void)state;
    struct panther_test_outcome outcome = {0};
    struct panther_test *server = ready_server(), *client = new_client(panther_test_port(server, "quic"));
    panther_test_option(client, "paths", "/none");
    execute(client, &outcome);
    assert_int_equal(outcome.verdict, PANTHER_FAIL);
    assert_non_null(strstr(outcome.text, "/none"));
    assert_int_equal(panther_test_end(&client), 0);
    assert_int_equal(panther_test_end(&server), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(server_and_client_meet),
        cmocka_unit_test(downloads_share_a_connection_or_have_their_own),
        cmocka_unit_test(two_servers_live_beside_each_other),
        cmocka_unit_test(being_killed_is_not_clean),
        cmocka_unit_test(a_missing_file_is_a_fail),
    };
    return cmocka_run_group_tests(tests, make_state, remove_state);
}

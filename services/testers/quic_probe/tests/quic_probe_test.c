// quic_probe under the real guard and host, against a real gtlsserver, one that lies, and none: gtlsclient exits with 0 each time.
#define _GNU_SOURCE // unshare
#include <panther/test.h>

#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define SEED 42

static struct panther_test *new_server(const char *corrupt)
{
    struct panther_test *server = panther_test_new(PANTHER_PLUGINS "/ngtcp2.so");
    panther_test_protocol(server, "quic", "1", "server");
    panther_test_seed(server, SEED);
    panther_test_option(server, "sizes", "300000");
    panther_test_option(server, "corrupt", corrupt);
    if (panther_test_initialize(server) != 0 || panther_test_start(server) != 0)
        fail_msg("%s", panther_test_problem(server));
    return server;
}

static struct panther_test *new_probe_of(const char *size)
{
    struct panther_test *test = panther_test_new(PANTHER_PLUGINS "/quic_probe.so");
    panther_test_protocol(test, "quic", "1", "client");
    panther_test_seed(test, SEED);
    panther_test_option(test, "size", size);
    return test;
}

static struct panther_test *new_probe(void)
{
    return new_probe_of("300000");
}

static void make_ready(struct panther_test *test)
{
    if (panther_test_initialize(test) != 0 || panther_test_start(test) != 0)
        fail_msg("%s", panther_test_problem(test));
}

static void assert_case(struct panther_test *test, const char *name, enum panther_verdict verdict, enum panther_reason reason)
{
    struct panther_test_outcome outcome;
    if (panther_test_case(test, name, 20000, &outcome) != 0)
        fail_msg("%s", panther_test_problem(test));
    if (outcome.verdict != verdict || outcome.reason != reason)
        fail_msg("%s: verdict %d, reason %d: %s", name, outcome.verdict, outcome.reason, outcome.text);
}

static double metric(const struct panther_test *test, const char *name)
{
    double value = -1;
    if (!panther_test_metric(test, name, &value))
        fail_msg("no metric %s", name);
    return value;
}

static void passes_against_a_good_server(void **state)
{
    (void)state;
    struct panther_test *server = new_server("false"), *test = new_probe();
    panther_test_drive(test, "server", server);
    make_ready(test);
    assert_case(test, "handshake", PANTHER_PASS, PANTHER_REASON_NONE);
    assert_true(metric(test, "handshake_time") > 0);
    assert_case(test, "transfer", PANTHER_PASS, PANTHER_REASON_NONE);
    assert_true(metric(test, "throughput") > 0);
    // again in the same instance: nothing of the first transfer is taken for the second
    assert_case(test, "transfer", PANTHER_PASS, PANTHER_REASON_NONE);
    assert_int_equal(panther_test_stop(test), 0);
    assert_int_equal(panther_test_cleanup(test), 0);
    assert_true(panther_test_artifact(test, "client.1.sqlog"));
    assert_true(panther_test_artifact(test, "client.2.keylog"));
    assert_int_equal(panther_test_end(&test), 0);
    assert_int_equal(panther_test_end(&server), 0);
}

static void wrong_byte_is_a_violation(void **state)
{
    (void)state;
    struct panther_test *server = new_server("true"), *test = new_probe();
    panther_test_drive(test, "server", server);
    make_ready(test);
    assert_case(test, "handshake", PANTHER_PASS, PANTHER_REASON_NONE);
    assert_case(test, "transfer", PANTHER_FAIL, PANTHER_REASON_VIOLATION);
    assert_int_equal(panther_test_end(&test), 0);
    assert_int_equal(panther_test_end(&server), 0);
}

static void content_of_another_seed_is_a_violation(void **state)
{
    (void)state;
    struct panther_test *server = new_server("false"), *test = new_probe();
    panther_test_seed(test, SEED + 1);
    panther_test_drive(test, "server", server);
    make_ready(test);
    assert_case(test, "transfer", PANTHER_FAIL, PANTHER_REASON_VIOLATION);
    assert_int_equal(panther_test_end(&test), 0);
    assert_int_equal(panther_test_end(&server), 0);
}

static void given_path_and_hash_decide(void **state)
{
    (void)state;
    static const struct {
        const char *hash;
        enum panther_verdict verdict;
        enum panther_reason reason;
    } hashes[] = {
        {"", PANTHER_PASS, PANTHER_REASON_NONE},
        {"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", PANTHER_FAIL, PANTHER_REASON_VIOLATION},
    };
    struct panther_test *server = new_server("false");
    for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++) {
        struct panther_test *test = new_probe();
        panther_test_option(test, "path", "/index.html");
        panther_test_option(test, "hash", hashes[i].hash);
        panther_test_drive(test, "server", server);
        make_ready(test);
        assert_case(test, "transfer", hashes[i].verdict, hashes[i].reason);
        assert_int_equal(panther_test_end(&test), 0);
    }
    assert_int_equal(panther_test_end(&server), 0);
}

static void missing_file_is_a_fail(void **state)
{
    (void)state;
    struct panther_test *server = new_server("false"), *test = new_probe_of("300001");
    panther_test_drive(test, "server", server);
    make_ready(test);
    assert_case(test, "transfer", PANTHER_FAIL, PANTHER_REASON_ASSERTION);
    assert_int_equal(panther_test_end(&test), 0);
    assert_int_equal(panther_test_end(&server), 0);
}

// A bound socket that nobody reads: what is sent there is never answered.
static int silent_server(uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int bound = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(bound, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(bound, (struct sockaddr *)&address, &size), 0);
    *port = ntohs(address.sin_port);
    return bound;
}

static void silent_server_is_a_timeout(void **state)
{
    (void)state;
    uint16_t port;
    int bound = silent_server(&port);
    struct panther_test *test = new_probe();
    panther_test_option(test, "handshake_timeout", "300ms");
    panther_test_peer(test, "server", "server", "quic", "127.0.0.1", port, PANTHER_UDP);
    make_ready(test);
    assert_case(test, "handshake", PANTHER_FAIL, PANTHER_REASON_TIMEOUT);
    assert_case(test, "transfer", PANTHER_FAIL, PANTHER_REASON_TIMEOUT);
    assert_int_equal(panther_test_end(&test), 0);
    close(bound);
}

static void no_server_is_a_timeout(void **state)
{
    (void)state;
    uint16_t port;
    close(silent_server(&port));
    struct panther_test *test = new_probe();
    panther_test_option(test, "handshake_timeout", "300ms");
    panther_test_peer(test, "server", "server", "quic", "127.0.0.1", port, PANTHER_UDP);
    make_ready(test);
    assert_case(test, "handshake", PANTHER_FAIL, PANTHER_REASON_TIMEOUT);
    assert_int_equal(panther_test_end(&test), 0);
}

// Kills the gtlsclient of this instance as soon as it lives; its command line names the instance's folder.
static pid_t start_killer(const struct panther_test *test)
{
    char command[1024];
    snprintf(command, sizeof(command), "until pkill -KILL -f '^[^ ]*gtlsclient .*--qlog-file=%s/'; do sleep 0.02; done",
             panther_test_folder(test));
    pid_t killer = fork();
    if (killer == 0) {
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    return killer;
}

static void killed_client_is_inconclusive(void **state)
{
    (void)state;
    uint16_t port;
    int bound = silent_server(&port);
    struct panther_test *test = new_probe();
    panther_test_option(test, "handshake_timeout", "15s");
    panther_test_peer(test, "server", "server", "quic", "127.0.0.1", port, PANTHER_UDP);
    make_ready(test);
    pid_t killer = start_killer(test);
    assert_case(test, "transfer", PANTHER_INCONC, PANTHER_REASON_KILLED);
    kill(killer, SIGKILL);
    waitpid(killer, NULL, 0);
    assert_int_equal(panther_test_end(&test), 0);
    close(bound);
}

static void running_out_of_time_is_inconclusive(void **state)
{
    (void)state;
    uint16_t port;
    int bound = silent_server(&port);
    struct panther_test_outcome outcome;
    struct panther_test *test = new_probe();
    panther_test_option(test, "handshake_timeout", "15s");
    panther_test_peer(test, "server", "server", "quic", "127.0.0.1", port, PANTHER_UDP);
    make_ready(test);
    assert_int_equal(panther_test_case(test, "handshake", 500, &outcome), 0);
    assert_int_equal(outcome.verdict, PANTHER_INCONC);
    assert_int_equal(outcome.reason, PANTHER_REASON_TIMEOUT);
    assert_int_equal(panther_test_end(&test), 0);
    close(bound);
}

static bool has_own_mounts;

static int own_mounts(void **state)
{
    (void)state;
    has_own_mounts = geteuid() == 0 && unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
    return 0;
}

// The server is not to blame for what this host could not keep.
static void full_disk_of_the_client_is_inconclusive(void **state)
{
    (void)state;
    if (!has_own_mounts) {
        fprintf(stderr, "SKIPPED: a small disk needs root and a mount namespace\n");
        skip();
    }
    char work[4096];
    struct panther_test *server = new_server("false"), *test = new_probe();
    panther_test_option(test, "qlog", "false");
    panther_test_option(test, "keylog", "false");
    panther_test_drive(test, "server", server);
    make_ready(test);
    snprintf(work, sizeof work, "%s/work", panther_test_folder(test));
    assert_int_equal(mount("none", work, "tmpfs", 0, "size=64k"), 0);
    assert_case(test, "transfer", PANTHER_INCONC, PANTHER_REASON_INFRASTRUCTURE);
    assert_int_equal(umount2(work, MNT_DETACH), 0);
    assert_int_equal(panther_test_end(&test), 0);
    assert_int_equal(panther_test_end(&server), 0);
}

static void refuses_what_is_no_hash(void **state)
{
    (void)state;
    struct panther_test *test = new_probe();
    panther_test_option(test, "hash", "abc");
    panther_test_peer(test, "server", "server", "quic", "127.0.0.1", 1, PANTHER_UDP);
    assert_int_not_equal(panther_test_initialize(test), 0);
    assert_non_null(strstr(panther_test_problem(test), "hash"));
    assert_int_equal(panther_test_end(&test), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passes_against_a_good_server),
        cmocka_unit_test(wrong_byte_is_a_violation),
        cmocka_unit_test(content_of_another_seed_is_a_violation),
        cmocka_unit_test(given_path_and_hash_decide),
        cmocka_unit_test(missing_file_is_a_fail),
        cmocka_unit_test(silent_server_is_a_timeout),
        cmocka_unit_test(no_server_is_a_timeout),
        cmocka_unit_test(killed_client_is_inconclusive),
        cmocka_unit_test(running_out_of_time_is_inconclusive),
        cmocka_unit_test(full_disk_of_the_client_is_inconclusive),
        cmocka_unit_test(refuses_what_is_no_hash),
    };
    return cmocka_run_group_tests(tests, own_mounts, NULL);
}

// tftp_transfer under the real guard and host: against a real in.tftpd with the right content, with another seed's content, without the
// file, against one that is killed, and nobody: the client's status is 0 in most of them.
#define _GNU_SOURCE
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

// clang-format off
#include <cmocka.h>
// clang-format on

static struct panther_test *start_server(uint64_t seed, const char *create)
{
    struct panther_test *server = panther_test_new(PANTHER_PLUGINS "/tftpd_hpa/service.yaml");
    panther_test_protocol(server, "tftp", "1", "server");
    panther_test_seed(server, seed);
    panther_test_option(server, "sizes", "1000");
    panther_test_option(server, "sizes", "70000");
    panther_test_option(server, "create", create);
    if (panther_test_initialize(server) != 0 || panther_test_start(server) != 0)
        fail_msg("%s", panther_test_problem(server));
    return server;
}

static struct panther_test *new_tester(const char *size)
{
    struct panther_test *test = panther_test_new(PANTHER_PLUGINS "/tftp_transfer/service.yaml");
    panther_test_protocol(test, "tftp", "1", "client");
    panther_test_seed(test, 7);
    panther_test_option(test, "sizes", size);
    panther_test_option(test, "silence", "10s");
    return test;
}

static void expect(struct panther_test *test, const char *name, enum panther_verdict verdict, enum panther_reason reason)
{
    struct panther_test_outcome outcome;
    if (panther_test_case(test, name, 20000, &outcome) != 0)
        fail_msg("%s", panther_test_problem(test));
    if (outcome.verdict != verdict || outcome.reason != reason)
        fail_msg("%s: verdict %d, reason %d: %s", name, outcome.verdict, outcome.reason, outcome.text);
}

static void make_ready(struct panther_test *test)
{
    if (panther_test_initialize(test) != 0 || panther_test_start(test) != 0)
        fail_msg("%s", panther_test_problem(test));
}

static bool needs_root(void)
{
    if (geteuid() == 0)
        return false;
    fprintf(stderr, "SKIPPED: in.tftpd changes its root, which needs root\n");
    return true;
}

static void passes_against_a_good_server(void **state)
{
    (void)state;
    double throughput = 0;
    if (needs_root())
        skip();
    struct panther_test *server = start_server(7, "true"), *test = new_tester("70000");
    panther_test_drive(test, "server", server);
    make_ready(test);
    expect(test, "get", PANTHER_PASS, PANTHER_REASON_NONE);
    assert_true(panther_test_metric(test, "throughput", &throughput) && throughput > 0);
    expect(test, "put", PANTHER_PASS, PANTHER_REASON_NONE);
    expect(test, "missing", PANTHER_PASS, PANTHER_REASON_NONE);
    assert_int_equal(panther_test_end(&test), 0);
    assert_int_equal(panther_test_end(&server), 0);
}

static void other_content_is_a_violation(void **state)
{
    (void)state;
    if (needs_root())
        skip();
    struct panther_test *server = start_server(8, "true"), *test = new_tester("1000");
    panther_test_drive(test, "server", server);
    make_ready(test);
    expect(test, "get", PANTHER_FAIL, PANTHER_REASON_VIOLATION);
    assert_int_equal(panther_test_end(&test), 0);
    assert_int_equal(panther_test_end(&server), 0);
}

static void what_is_refused_is_a_fail(void **state)
{
    (void)state;
    if (needs_root())
        skip();
    struct panther_test *server = start_server(7, "false"), *test = new_tester("1001");
    panther_test_drive(test, "server", server);
    make_ready(test);
    expect(test, "get", PANTHER_FAIL, PANTHER_REASON_ASSERTION);
    expect(test, "put", PANTHER_FAIL, PANTHER_REASON_ASSERTION);
    assert_int_equal(panther_test_end(&test), 0);
    assert_int_equal(panther_test_end(&server), 0);
}

// A bound socket that nobody reads.
static void silence_is_a_timeout(void **state)
{
    (void)state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int bound = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(bound, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(bound, (struct sockaddr *)&address, &size), 0);
    struct panther_test *test = panther_test_new(PANTHER_PLUGINS "/tftp_transfer/service.yaml");
    panther_test_protocol(test, "tftp", "1", "client");
    panther_test_option(test, "silence", "1s");
    panther_test_peer(test, "server", "server", "tftp", "127.0.0.1", ntohs(address.sin_port), PANTHER_UDP);
    make_ready(test);
    expect(test, "get", PANTHER_FAIL, PANTHER_REASON_TIMEOUT);
    close(bound); // now it is refused
    expect(test, "missing", PANTHER_FAIL, PANTHER_REASON_TIMEOUT);
    assert_int_equal(panther_test_end(&test), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passes_against_a_good_server),
        cmocka_unit_test(other_content_is_a_violation),
        cmocka_unit_test(what_is_refused_is_a_fail),
        cmocka_unit_test(silence_is_a_timeout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

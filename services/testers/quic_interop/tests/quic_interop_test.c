// The tester against real programs on loopback: ngtcp2's server and client with the profiles of a case, captured by dumpcap. And the same
// judge where the thing under test did not happen: the file arrives all the same, and no case may pass.
#define _GNU_SOURCE // memmem
#include <panther/test.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

// clang-format off
#include <cmocka.h>
// clang-format on

#define CASE_MS 30000
#define LOOK_MS 20
#define QLOG_BYTES (1024 * 1024)
#define HALF_A_TRANSFER_BYTES (512L * 1024)

static struct panther_test *begin(const char *plugin, const char *role, const char *profile, struct panther_test *server)
{
    struct panther_test *test = panther_test_new(plugin);
    panther_test_protocol(test, "quic", "1", role);
    if (*profile != '\0') {
        panther_test_option(test, "profile", profile);
    }
    if (server != NULL) {
        panther_test_drive(test, "server", server);
    }
    return test;
}

static struct panther_test *server_of(const char *profile)
{
    struct panther_test *server = begin(PANTHER_PLUGINS "/ngtcp2.so", "server", profile, NULL);
    panther_test_option(server, "sizes", "1KiB");
    panther_test_option(server, "sizes", "1MiB");
    panther_test_option(server, "gso_datagrams", "1"); // lo shows what the kernel is given
    if (panther_test_initialize(server) != 0 || panther_test_start(server) != 0) {
        fail_msg("%s", panther_test_problem(server));
    }
    return server;
}

static struct panther_test *tester_of(struct panther_test *server)
{
    struct panther_test *tester = begin(PANTHER_PLUGINS "/quic_interop.so", "tester", "", server);
    panther_test_option(tester, "interface", "lo");
    if (panther_test_initialize(tester) != 0 || panther_test_start(tester) != 0) {
        fail_msg("%s", panther_test_problem(tester));
    }
    return tester;
}

// What the judge shall say of a case.
struct expected {
    const char *name;
    enum panther_verdict verdict;
    const char *text;
    void (*before)(const struct panther_test *client); // what is done to the evidence
};

// Executes a client with this profile, then each of the cases is judged. Returns how many were not as expected.
static unsigned judge(struct panther_test *server, struct panther_test *tester, const char *client_profile, const struct expected *expected)
{
    struct panther_test *client = begin(PANTHER_PLUGINS "/ngtcp2_client/service.yaml", "client", client_profile, server);
    struct panther_test_outcome executed = {0}, outcome;
    unsigned wrong = 0;
    assert_int_equal(panther_test_initialize(client), 0);
    assert_int_equal(panther_test_start(client), 0);
    assert_int_equal(panther_test_execute(client, CASE_MS, &executed), 0);
    panther_test_case_peer(tester, &(struct panther_test_case_peer){.drive = "server", .driven = server});
    panther_test_case_peer(
        tester, &(struct panther_test_case_peer){.drive = "client", .driven = client, .profile = client_profile, .executed = &executed});
    for (; expected->name != NULL; expected++) {
        if (expected->before != NULL) {
            expected->before(client);
        }
        assert_int_equal(panther_test_case(tester, expected->name, CASE_MS, &outcome), 0);
        if (outcome.verdict != expected->verdict || strstr(outcome.text, expected->text) == NULL) {
            print_message("%s: verdict %d, %s; the client said: %s\n", expected->name, outcome.verdict, outcome.text, executed.text);
            wrong++;
        }
    }
    assert_int_equal(panther_test_end(&client), 0);
    return wrong;
}

#define EXPECTED(...)                                                                                                                      \
    (const struct expected[])                                                                                                              \
    {                                                                                                                                      \
        __VA_ARGS__,                                                                                                                       \
        {                                                                                                                                  \
            NULL, PANTHER_NONE, NULL, NULL                                                                                                 \
        }                                                                                                                                  \
    }

// Where the file arrives and nothing else happens, and where each of the other cases passes: judge_test, and
// deploy/examples/quic-features.yaml.
static void a_plain_server(void **state)
{
    (void)state;
    struct panther_test *server = server_of(""), *tester = tester_of(server);
    unsigned wrong =
        judge(server, tester, "transfer",
              EXPECTED({"transfer", PANTHER_PASS, "RFC 9000, 2.2", NULL}, {"retry", PANTHER_FAIL, "server: it sent no Retry", NULL}));
    wrong += judge(server, tester, "zerortt", EXPECTED({"zerortt", PANTHER_PASS, "RFC 9001, 4.6.2", NULL}));
    wrong += judge(server, tester, "connectionmigration", EXPECTED({"connectionmigration", PANTHER_PASS, "RFC 9000, 9.2", NULL}));
    assert_int_equal(panther_test_end(&tester), 0);
    assert_int_equal(panther_test_end(&server), 0);
    assert_int_equal(wrong, 0);
}

static const char *client_qlog(const struct panther_test *client)
{
    static char path[512];
    snprintf(path, sizeof(path), "%s/work/client.1.sqlog", panther_test_folder(client));
    return path;
}

// The client says that it received something else.
static void deny_the_retry(const struct panther_test *client)
{
    static const char word[] = "\"packet_type\":\"retry\"";
    static char text[QLOG_BYTES];
    FILE *file = fopen(client_qlog(client), "r+e");
    assert_non_null(file);
    const size_t bytes = fread(text, 1, sizeof(text), file);
    char *at = memmem(text, bytes, word, sizeof(word) - 1);
    assert_non_null(at);
    assert_int_equal(fseek(file, at - text, SEEK_SET), 0);
    assert_true(fputs("\"packet_type\":\"other\"", file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void write_garbage(const struct panther_test *client)
{
    FILE *file = fopen(client_qlog(client), "we");
    assert_non_null(file);
    assert_true(fputs("no qlog", file) >= 0);
    assert_int_equal(fclose(file), 0);
}

// Its client's qlog agrees, denies it, and is none.
static void a_server_that_sends_retry(void **state)
{
    (void)state;
    struct panther_test *server = server_of("retry"), *tester = tester_of(server);
    const unsigned wrong = judge(
        server, tester, "",
        EXPECTED({"retry", PANTHER_PASS, "(RFC 9000, 8.1.2); the qlogs of both agree", NULL},
                 {"retry", PANTHER_INCONC, "client: its qlog lacks packet_received of a Retry, which the capture has", deny_the_retry},
                 {"retry", PANTHER_PASS, "client: its qlog was not used, client.1.sqlog: it is no JSON", write_garbage}));
    assert_int_equal(panther_test_end(&tester), 0);
    assert_int_equal(panther_test_end(&server), 0);
    assert_int_equal(wrong, 0);
}

// A case is not judged before its client was executed.
static void without_the_client_nothing_is_judged(void **state)
{
    (void)state;
    struct panther_test *server = server_of(""), *tester = tester_of(server);
    struct panther_test_outcome outcome;
    panther_test_case_peer(tester, &(struct panther_test_case_peer){.drive = "server", .driven = server});
    assert_int_equal(panther_test_case(tester, "handshake", CASE_MS, &outcome), 0);
    assert_int_equal(outcome.verdict, PANTHER_INCONC);
    panther_test_case_peer(tester, &(struct panther_test_case_peer){.drive = "client", .driven = server});
    assert_int_equal(panther_test_case(tester, "handshake", CASE_MS, &outcome), 0);
    assert_int_equal(outcome.verdict, PANTHER_INCONC);
    assert_string_equal(outcome.text, "the client was not executed");
    assert_int_equal(panther_test_end(&tester), 0);
    assert_int_equal(panther_test_end(&server), 0);
}

// Takes the second half of what was captured, once that is something.
static void cut_capture(const struct panther_test *tester)
{
    char path[512];
    struct stat file = {0};
    snprintf(path, sizeof(path), "%s/work/interop.pcapng", panther_test_folder(tester));
    for (unsigned waited = 0; file.st_size < HALF_A_TRANSFER_BYTES; waited++) {
        assert_true(waited < CASE_MS / LOOK_MS);
        nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * 1000000L}, NULL);
        assert_int_equal(stat(path, &file), 0);
    }
    assert_int_equal(truncate(path, file.st_size / 2 + 1), 0);
}

// All went well, and its capture is cut in the middle of a packet: nobody can say that it went well.
static void a_capture_that_was_cut_is_no_pass(void **state)
{
    (void)state;
    struct panther_test *server = server_of(""), *tester = tester_of(server);
    struct panther_test *client = begin(PANTHER_PLUGINS "/ngtcp2_client/service.yaml", "client", "transfer", server);
    struct panther_test_outcome executed = {0}, outcome;
    assert_int_equal(panther_test_initialize(client), 0);
    assert_int_equal(panther_test_start(client), 0);
    assert_int_equal(panther_test_execute(client, CASE_MS, &executed), 0);
    assert_int_equal(executed.verdict, PANTHER_PASS);
    cut_capture(tester);
    panther_test_case_peer(tester, &(struct panther_test_case_peer){.drive = "server", .driven = server});
    panther_test_case_peer(
        tester, &(struct panther_test_case_peer){.drive = "client", .driven = client, .profile = "transfer", .executed = &executed});
    assert_int_equal(panther_test_case(tester, "transfer", CASE_MS, &outcome), 0);
    if (outcome.verdict != PANTHER_INCONC || strstr(outcome.text, "tshark did not read the capture to its end") == NULL) {
        fail_msg("verdict %d, %s", (int)outcome.verdict, outcome.text);
    }
    assert_int_equal(panther_test_end(&client), 0);
    assert_int_equal(panther_test_end(&tester), 0);
    assert_int_equal(panther_test_end(&server), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_server),
        cmocka_unit_test(a_server_that_sends_retry),
        cmocka_unit_test(without_the_client_nothing_is_judged),
        cmocka_unit_test(a_capture_that_was_cut_is_no_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// The service handle on a backend in memory: peers, results, metrics, ports, files, certificates.
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <panther/qlog.h>

#include "common/system/file.h"
#include "services/sdk/handle.h"

struct fake {
    unsigned metrics, logs, ports;
    bool is_cancelled;
    char last_log[TEXT_MAX_BYTES];
    char program[256];
    struct panther_process process;
};

static int fake_spawn(void *context, const struct panther_process *process, const char *program, char *problem)
{
    struct fake *fake = context;
    fake->process = *process;
    snprintf(fake->program, sizeof(fake->program), "%s", program);
    snprintf(problem, TEXT_MAX_BYTES, "not today");
    return strcmp(process->name, "refused") == 0 ? PANTHER_FAILED : 1;
}

static int fake_port(void *context, const char *name, Pb__Transport transport, unsigned wanted, char *problem)
{
    struct fake *fake = context;
    (void)name;
    (void)transport;
    (void)problem;
    return wanted != 0 ? (int)wanted : (int)(4000 + fake->ports++);
}

static void fake_metric(void *context, const Pb__Metric *metric)
{
    (void)metric;
    ((struct fake *)context)->metrics++;
}

static void fake_log(void *context, enum panther_level level, const char *text)
{
    struct fake *fake = context;
    (void)level;
    fake->logs++;
    snprintf(fake->last_log, sizeof(fake->last_log), "%s", text);
}

static bool fake_is_cancelled(void *context)
{
    return ((struct fake *)context)->is_cancelled;
}

static const struct service_backend backend = {
    .spawn = fake_spawn, .port = fake_port, .metric = fake_metric, .write_log = fake_log, .is_cancelled = fake_is_cancelled};

struct fixture {
    struct fake fake;
    char folder[64];
    Pb__GuardSpec spec;
    Pb__Initialize initialize;
    Pb__Endpoint v4, v6;
    Pb__Endpoint *endpoints[2];
    Pb__Peer peer, other;
    Pb__Peer *peers[2];
    Pb__Drive drive;
    Pb__Drive *drives[1];
    char *driven[2];
    struct panther_service *service;
};

static char *text(const char *constant)
{
    return (char *)(uintptr_t)constant;
}

static const struct panther_plugin plugin = {.name = "test"};

static void fill_peers(struct fixture *fixture)
{
    pb__endpoint__init(&fixture->v4);
    pb__endpoint__init(&fixture->v6);
    pb__peer__init(&fixture->peer);
    pb__peer__init(&fixture->other);
    pb__drive__init(&fixture->drive);
    fixture->v4.name = text("https");
    fixture->v4.address = text("10.77.0.2");
    fixture->v4.port = 443;
    fixture->v4.transport = PB__TRANSPORT__TRANSPORT_TCP;
    fixture->v6.name = text("quic");
    fixture->v6.address = text("fd00::2");
    fixture->v6.port = 4433;
    fixture->v6.transport = PB__TRANSPORT__TRANSPORT_TCP_UDP;
    fixture->endpoints[0] = &fixture->v4;
    fixture->endpoints[1] = &fixture->v6;
    fixture->peer.service = text("web");
    fixture->peer.n_endpoints = 2;
    fixture->peer.endpoints = fixture->endpoints;
    fixture->other.service = text("spare");
    fixture->peers[0] = &fixture->peer;
    fixture->peers[1] = &fixture->other;
    fixture->driven[0] = text("web");
    fixture->driven[1] = text("spare");
    fixture->drive.name = text("server");
    fixture->drive.n_services = 2;
    fixture->drive.services = fixture->driven;
    fixture->drives[0] = &fixture->drive;
}

static int set_up(void **state)
{
    struct fixture *fixture = NEW(struct fixture);
    pb__guard_spec__init(&fixture->spec);
    pb__initialize__init(&fixture->initialize);
    fill_peers(fixture);
    snprintf(fixture->folder, sizeof(fixture->folder), "/tmp/panther-sdk-test-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    fixture->spec.initialize = &fixture->initialize;
    fixture->spec.address = text("127.0.0.1");
    fixture->spec.work_path = fixture->folder;
    fixture->initialize.n_peers = 2;
    fixture->initialize.peers = fixture->peers;
    fixture->initialize.n_drives = 1;
    fixture->initialize.drives = fixture->drives;
    fixture->service = handle_new(&plugin, &fixture->spec, &backend, &fixture->fake);
    handle_begin(fixture->service, false);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    handle_free(&fixture->service);
    folder_remove(fixture->folder, NULL);
    free(fixture);
    return 0;
}

static void peers_are_found_by_drive_name_and_index(void **state)
{
    const struct fixture *fixture = *state;
    const struct panther_peer *web = panther_driven(fixture->service, "server", 0);
    assert_string_equal(web->service, "web");
    assert_string_equal(panther_driven(fixture->service, "server", 1)->service, "spare");
    assert_null(panther_driven(fixture->service, "server", 2));
    assert_null(panther_driven(fixture->service, "client", 0));
    assert_ptr_equal(panther_peer(fixture->service, 0), web);
    assert_null(panther_peer(fixture->service, 2));
    assert_null(panther_peer_named(fixture->service, "nobody"));
}

static void endpoints_are_found_by_name_and_transport(void **state)
{
    struct fixture *fixture = *state;
    const struct panther_peer *web = panther_peer_named(fixture->service, "web");
    assert_int_equal(panther_endpoint(web, "https", PANTHER_TCP)->port, 443);
    assert_null(panther_endpoint(web, "https", PANTHER_UDP));
    const struct panther_endpoint *quic = panther_endpoint(web, NULL, PANTHER_UDP);
    assert_string_equal(panther_endpoint_text(fixture->service, quic), "[fd00::2]:4433");
    assert_string_equal(panther_endpoint_text(fixture->service, panther_endpoint(web, "https", 0)), "10.77.0.2:443");
    assert_string_equal(panther_address_hex(fixture->service, "10.77.0.2"), "0x0a4d0002");
    assert_string_equal(panther_address_decimal(fixture->service, "10.77.0.2"), "172818434");
    assert_null(panther_address_hex(fixture->service, "fd00::2"));
    assert_null(panther_endpoint(NULL, NULL, 0));
}

static void the_worst_result_stays(void **state)
{
    struct fixture *fixture = *state;
    handle_begin(fixture->service, true);
    panther_result(fixture->service, PANTHER_PASS, PANTHER_REASON_NONE, "fine");
    panther_result(fixture->service, PANTHER_FAIL, PANTHER_REASON_VIOLATION, "first %d", 1);
    panther_result(fixture->service, PANTHER_FAIL, PANTHER_REASON_ASSERTION, "second");
    panther_result(fixture->service, PANTHER_INCONC, PANTHER_REASON_LOST, "better");
    assert_int_equal(fixture->service->result.verdict, PANTHER_FAIL);
    assert_int_equal(fixture->service->result.reason, PANTHER_REASON_VIOLATION);
    assert_string_equal(fixture->service->result.text, "first 1");
    handle_begin(fixture->service, true);
    assert_false(fixture->service->result.is_set);
}

static void a_result_after_cancel_is_marked(void **state)
{
    struct fixture *fixture = *state;
    handle_begin(fixture->service, true);
    fixture->fake.is_cancelled = true;
    panther_result(fixture->service, PANTHER_FAIL, PANTHER_REASON_VIOLATION, "late");
    assert_true(fixture->service->result.after_cancel);
}

static void a_verdict_that_does_not_exist_is_a_failure(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(panther_result(fixture->service, (enum panther_verdict)9, PANTHER_REASON_NONE, "?"), PANTHER_FAILED);
    assert_false(fixture->service->result.is_set);
}

static void failures_pile_up_with_the_newest_first(void **state)
{
    struct fixture *fixture = *state;
    panther_fail(fixture->service, "no space");
    assert_int_equal(panther_fail(fixture->service, "cannot write %s", "x"), PANTHER_FAILED);
    assert_string_equal(fixture->service->failure, "cannot write x: no space");
    assert_int_equal(fixture->fake.logs, 2);
}

static void findings_are_told_once_a_case(void **state)
{
    struct fixture *fixture = *state;
    handle_begin(fixture->service, true);
    panther_finding(fixture->service, "M2, wrong sequence", "PONG %d", 7);
    panther_finding(fixture->service, "M2, wrong sequence", "PONG %d", 8);
    assert_int_equal(fixture->service->finding_count, 1);
    assert_string_equal(fixture->service->findings[0].title, "PONG 7");
    panther_finding(fixture->service, "  ", "nothing");
    panther_finding(fixture->service, " a\nb\x80 ", "two\nlines");
    assert_int_equal(fixture->service->finding_count, 2);
    assert_string_equal(fixture->service->findings[1].signature, "a?b?");
    assert_string_equal(fixture->service->findings[1].title, "two?lines");
    for (int i = 0; i < FINDINGS_PER_CASE_MAX + 5; i++) {
        char signature[200];
        snprintf(signature, sizeof(signature), "%d%0190d", i, 0);
        panther_finding(fixture->service, signature, "long");
    }
    assert_int_equal(fixture->service->finding_count, FINDINGS_PER_CASE_MAX);
    assert_int_equal(strlen(fixture->service->findings[2].signature), 127);
    handle_begin(fixture->service, true);
    assert_int_equal(fixture->service->finding_count, 0);
}

static void metrics_of_a_case_are_kept_and_bounded(void **state)
{
    struct fixture *fixture = *state;
    handle_begin(fixture->service, true);
    for (int i = 0; i < METRICS_PER_CASE_MAX + 5; i++) {
        panther_metric(fixture->service, "m", i, "ms", PANTHER_LOWER_IS_BETTER);
    }
    assert_int_equal(fixture->service->metric_count, METRICS_PER_CASE_MAX);
    assert_int_equal(fixture->fake.metrics, 0);
    assert_int_equal(fixture->fake.logs, 5);
    handle_begin(fixture->service, false);
    panther_metric(fixture->service, "m", 1, NULL, PANTHER_LOWER_IS_BETTER);
    assert_int_equal(fixture->fake.metrics, 1);
}

static void a_metric_that_is_no_number_is_left_out(void **state)
{
    struct fixture *fixture = *state;
    panther_metric(fixture->service, "rate", NAN, "1/s", PANTHER_HIGHER_IS_BETTER);
    panther_metric(fixture->service, "", 1, "1/s", PANTHER_HIGHER_IS_BETTER);
    assert_int_equal(fixture->fake.metrics, 0);
    assert_int_equal(fixture->fake.logs, 2);
}

static void ports_become_endpoints_up_to_the_limit(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(panther_port_wanted(fixture->service, "http", PANTHER_TCP, 8080), 8080);
    for (int i = 1; i < ENDPOINTS_PER_INSTANCE; i++) {
        assert_true(panther_port(fixture->service, "p", PANTHER_UDP) >= 4000);
    }
    assert_int_equal(panther_port(fixture->service, "one too many", PANTHER_TCP), PANTHER_FAILED);
    assert_int_equal(fixture->service->endpoint_count, ENDPOINTS_PER_INSTANCE);
    assert_string_equal(fixture->service->endpoints[0]->name, "http");
    assert_int_equal(fixture->service->endpoints[0]->port, 8080);
    assert_int_equal(panther_port(fixture->service, "x", 0), PANTHER_FAILED);
}

static void spawn_finds_the_program_and_keeps_the_reason(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(panther_spawn(fixture->service, .name = "sh", .argv = PANTHER_TEXTS("sh", "-c", "true"), .finishes = true), 1);
    assert_int_equal(fixture->fake.program[0], '/');
    assert_true(fixture->fake.process.finishes);
    assert_int_equal(panther_spawn(fixture->service, .name = "x", .argv = PANTHER_TEXTS("no-such-program-here")), PANTHER_FAILED);
    assert_string_equal(fixture->service->failure, "program no-such-program-here is not installed");
    handle_begin(fixture->service, false);
    assert_int_equal(panther_spawn(fixture->service, .name = "refused", .argv = PANTHER_TEXTS("sh")), PANTHER_FAILED);
    assert_string_equal(fixture->service->failure, "cannot start refused: not today");
    assert_int_equal(panther_spawn(fixture->service, .name = "x"), PANTHER_FAILED);
}

// A plugin that was built when the struct ended earlier.
static void members_that_an_older_plugin_does_not_know_are_zero(void **state)
{
    struct fixture *fixture = *state;
    struct panther_process process = {
        .struct_bytes = offsetof(struct panther_process, stop_signal), .name = "sh", .argv = PANTHER_TEXTS("sh"), .stop_signal = 15};
    assert_int_equal(panther_spawn_process(fixture->service, &process), 1);
    assert_int_equal(fixture->fake.process.stop_signal, 0);
}

static void arguments_end_with_null(void **state)
{
    struct fixture *fixture = *state;
    struct panther_arguments argv = {0};
    panther_argument(fixture->service, &argv, "--port=%d", 80);
    panther_argument(fixture->service, &argv, "x");
    assert_int_equal(argv.count, 2);
    assert_string_equal(argv.items[0], "--port=80");
    assert_null(argv.items[2]);
}

static void files_are_written_below_the_work_folder(void **state)
{
    struct fixture *fixture = *state;
    size_t bytes = 0;
    const char *path = panther_write_file(fixture->service, "conf/a.conf", "listen %d;\n", 80);
    assert_non_null(path);
    assert_string_equal(path, panther_path(fixture->service, "conf/%s", "a.conf"));
    assert_string_equal(panther_read_file(fixture->service, "conf/a.conf", &bytes), "listen 80;\n");
    assert_int_equal(bytes, 11);
    assert_null(panther_read_file(fixture->service, "conf/b.conf", NULL));
    assert_null(panther_write_file(fixture->service, "/proc/nowhere/x", "x"));
    assert_true(fixture->service->failure[0] != '\0');
}

static bool count_event(void *context, const struct panther_qlog_event *event)
{
    *(size_t *)context += strcmp(event->packet_type, "retry") == 0;
    return true;
}

// One that was cut while it was written, and what is none.
static void qlogs_are_read_as_far_as_they_go(void **state)
{
    struct fixture *fixture = *state;
    struct panther_qlog qlog;
    size_t retries = 0;
    panther_write_file(fixture->service, "a.sqlog", "%s",
                       "{\"trace\":{\"vantage_point\":{\"type\":\"client\"},\"common_fields\":{\"group_id\":\"1050fb\"}}}\n"
                       "{\"time\":5,\"name\":\"transport:packet_received\",\"data\":{\"header\":{\"packet_type\":\"retry\"}}}\n"
                       "{\"time\":6,\"name\":\"transp");
    panther_write_file(fixture->service, "b.sqlog", "no qlog");
    assert_int_equal(panther_qlog_read(fixture->service, "a.sqlog", count_event, &retries, &qlog), PANTHER_OK);
    assert_string_equal(qlog.group, "1050fb");
    assert_string_equal(qlog.side, "client");
    assert_int_equal(qlog.events, 1);
    assert_int_equal(qlog.malformed, 1);
    assert_false(qlog.is_cut);
    assert_int_equal(panther_qlog_read(fixture->service, "b.sqlog", count_event, &retries, &qlog), PANTHER_MISSING);
    assert_string_equal(qlog.problem, "it is no JSON");
    assert_int_equal(panther_qlog_read(fixture->service, "c.sqlog", count_event, &retries, &qlog), PANTHER_MISSING);
    assert_string_equal(qlog.problem, "it cannot be opened");
    assert_int_equal(panther_qlog_read(fixture->service, ".", count_event, &retries, &qlog), PANTHER_MISSING);
    assert_int_equal(retries, 1);
}

// ---- certificates

static unsigned load_chain(const char *path, gnutls_x509_crt_t **chain)
{
    gnutls_datum_t data = {0};
    unsigned count = 0;
    assert_int_equal(gnutls_load_file(path, &data), 0);
    assert_int_equal(gnutls_x509_crt_list_import2(chain, &count, &data, GNUTLS_X509_FMT_PEM, 0), 0);
    gnutls_free(data.data);
    return count;
}

static void free_chain(gnutls_x509_crt_t *chain, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        gnutls_x509_crt_deinit(chain[i]);
    }
    gnutls_free(chain);
}

// What a client that trusts the CA says: 0, or GNUTLS_CERT_... bits.
static unsigned verify(const struct panther_certificate *certificate, unsigned expected_count)
{
    gnutls_x509_trust_list_t trust;
    gnutls_x509_crt_t *chain = NULL;
    unsigned status = 0;
    assert_int_equal(gnutls_x509_trust_list_init(&trust, 0), 0);
    assert_int_equal(gnutls_x509_trust_list_add_trust_file(trust, certificate->authority_path, NULL, GNUTLS_X509_FMT_PEM, 0, 0), 1);
    const unsigned count = load_chain(certificate->certificate_path, &chain);
    assert_int_equal(count, expected_count);
    assert_int_equal(gnutls_x509_trust_list_verify_crt(trust, chain, count, 0, &status, NULL), 0);
    free_chain(chain, count);
    gnutls_x509_trust_list_deinit(trust, 1);
    return status;
}

static bool is_for(const struct panther_certificate *certificate, const char *name)
{
    gnutls_x509_crt_t *chain = NULL;
    const unsigned count = load_chain(certificate->certificate_path, &chain);
    const bool matches = gnutls_x509_crt_check_hostname(chain[0], name) != 0;
    free_chain(chain, count);
    return matches;
}

static bool key_fits(const struct panther_certificate *certificate)
{
    gnutls_certificate_credentials_t credentials;
    assert_int_equal(gnutls_certificate_allocate_credentials(&credentials), 0);
    const int result =
        gnutls_certificate_set_x509_key_file(credentials, certificate->certificate_path, certificate->key_path, GNUTLS_X509_FMT_PEM);
    gnutls_certificate_free_credentials(credentials);
    return result == 0;
}

static void a_certificate_verifies_and_names_the_own_address(void **state)
{
    struct fixture *fixture = *state;
    const struct panther_certificate *ec = panther_certificate(fixture->service, .name = "ec");
    const struct panther_certificate *rsa =
        panther_certificate(fixture->service, .name = "rsa", .key_type = PANTHER_KEY_RSA, .names = PANTHER_TEXTS("a.test", "fd00::2"));
    assert_int_equal(verify(ec, 1), 0);
    assert_int_equal(verify(rsa, 1), 0);
    assert_true(key_fits(ec) && key_fits(rsa));
    assert_true(is_for(ec, "localhost") && is_for(ec, "127.0.0.1"));
    assert_false(is_for(ec, "a.test"));
    assert_true(is_for(rsa, "a.test") && is_for(rsa, "fd00::2"));
}

static void a_chain_of_nine_verifies(void **state)
{
    struct fixture *fixture = *state;
    const struct panther_certificate *certificate = panther_certificate(fixture->service, .chain_length = 9);
    assert_int_equal(verify(certificate, 9), 0);
    assert_null(panther_certificate(fixture->service, .chain_length = 17));
}

static void faulty_certificates_are_faulty_in_the_asked_way(void **state)
{
    struct fixture *fixture = *state;
    const struct panther_certificate *expired = panther_certificate(fixture->service, .name = "expired", .expired = true);
    const struct panther_certificate *wrong = panther_certificate(fixture->service, .name = "wrong", .wrong_name = true);
    assert_int_equal(verify(expired, 1) & GNUTLS_CERT_EXPIRED, GNUTLS_CERT_EXPIRED);
    assert_int_equal(verify(wrong, 1), 0);
    assert_false(is_for(wrong, "localhost"));
    assert_true(is_for(wrong, "wrong.invalid"));
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(peers_are_found_by_drive_name_and_index),
        TEST(endpoints_are_found_by_name_and_transport),
        TEST(the_worst_result_stays),
        TEST(a_result_after_cancel_is_marked),
        TEST(a_verdict_that_does_not_exist_is_a_failure),
        TEST(failures_pile_up_with_the_newest_first),
        TEST(findings_are_told_once_a_case),
        TEST(metrics_of_a_case_are_kept_and_bounded),
        TEST(a_metric_that_is_no_number_is_left_out),
        TEST(ports_become_endpoints_up_to_the_limit),
        TEST(spawn_finds_the_program_and_keeps_the_reason),
        TEST(members_that_an_older_plugin_does_not_know_are_zero),
        TEST(arguments_end_with_null),
        TEST(files_are_written_below_the_work_folder),
        TEST(qlogs_are_read_as_far_as_they_go),
        TEST(a_certificate_verifies_and_names_the_own_address),
        TEST(a_chain_of_nine_verifies),
        TEST(faulty_certificates_are_faulty_in_the_asked_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

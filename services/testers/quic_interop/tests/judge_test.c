// The judge without a lab: tshark's reading of a real transfer (ngtcp2 with itself). Only what happened passes; cut short or empty nothing
// does.
#include "../judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// clang-format off
#include <cmocka.h>
// clang-format on

#define SERVER_PORT 14533
#define TEXT_BYTES 65536

static const struct vantage on_one_interface = {SERVER_PORT, {"", ""}, ""};

static char text[TEXT_BYTES];
static size_t bytes;

static int load(void **state)
{
    (void)state;
    FILE *file = fopen(TRANSFER_FIELDS, "re");
    assert_non_null(file);
    bytes = fread(text, 1, sizeof(text), file);
    fclose(file);
    assert_true(bytes > 0 && bytes < sizeof(text));
    return 0;
}

static enum panther_verdict verdict_of(const char *name, size_t length, struct endings endings)
{
    struct transcript transcript;
    struct judgement judgement;
    char problem[256];
    assert_true(transcript_read(text, length, &on_one_interface, &transcript, problem, sizeof(problem)));
    judge(name, &transcript, &endings, &judgement);
    assert_true(judgement.text[0] != '\0');
    return judgement.verdict;
}

static const struct endings good = {.client_passed = true, .client_text = "1 download", .files = 1};
static const char *const happened[] = {"handshake", "transfer", "http3", "amplificationlimit", "ecn"};
static const char *const absent[] = {"retry",
                                     "multiplexing",
                                     "resumption",
                                     "zerortt",
                                     "chacha20",
                                     "keyupdate",
                                     "versionnegotiation",
                                     "v2",
                                     "ipv6",
                                     "longrtt",
                                     "blackhole",
                                     "handshakeloss",
                                     "transferloss",
                                     "rebind-port",
                                     "connectionmigration",
                                     "handshakecorruption",
                                     "transfercorruption",
                                     "goodput",
                                     "crosstraffic",
                                     "rebind-addr",
                                     "no-such-case"};

static void what_happened_passes_and_nothing_else(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(happened) / sizeof(happened[0]); i++) {
        assert_int_equal(verdict_of(happened[i], bytes, good), PANTHER_PASS);
    }
    for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++) {
        assert_int_not_equal(verdict_of(absent[i], bytes, good), PANTHER_PASS);
    }
}

static void other_bytes_or_a_client_that_failed_are_no_pass(void **state)
{
    (void)state;
    const struct endings wrong = {.client_passed = true, .client_text = "", .files = 1, .different = 1, .first_different = "3000.bin"};
    const struct endings failed = {.client_passed = false, .client_text = "0 downloads"};
    for (size_t i = 0; i < sizeof(happened) / sizeof(happened[0]); i++) {
        assert_int_equal(verdict_of(happened[i], bytes, wrong), PANTHER_FAIL);
        assert_int_equal(verdict_of(happened[i], bytes, failed), PANTHER_FAIL);
    }
}

// Cut after each line: while the handshake is not confirmed, nothing passes.
static void a_capture_that_ends_before_the_handshake_is_confirmed_is_no_pass(void **state)
{
    (void)state;
    size_t passes = 0;
    for (size_t end = 0; end < bytes; end++) {
        if (end > 0 && text[end - 1] != '\n') {
            continue;
        }
        struct transcript transcript;
        char problem[256];
        assert_true(transcript_read(text, end, &on_one_interface, &transcript, problem, sizeof(problem)));
        const bool is_confirmed = transcript.connections > 0 && transcript.readable > 0;
        assert_int_equal(verdict_of("handshake", end, good) == PANTHER_PASS, is_confirmed);
        passes += is_confirmed;
    }
    assert_true(passes > 0);
}

static void a_line_that_is_not_tsharks_is_told(void **state)
{
    (void)state;
    static const char *const wrong[] = {"x", "1|2|3", "\n", "|||||||||||||||||||||||||||", "1||||||||||||||||||||||||||\nx"};
    struct transcript transcript;
    char problem[256];
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_false(transcript_read(wrong[i], strlen(wrong[i]), &on_one_interface, &transcript, problem, sizeof(problem)));
        assert_non_null(strstr(problem, "does not have 27 fields"));
    }
}

// ---- a network's capture, line by line

// A datagram at one of its ends. Port 1 stands for the client's first port.
struct seen {
    double at_s;
    const char *where; // the interface's name
    const char *from;  // "C": the client, "S": the server; "D": the client from another port, "E": from another address
    const char *frames, *comment, *ecn, *phase, *version, *type, *token, *tls, *parameters, *number, *acknowledged;
    const char *connection; // its number; NULL: 0
};

#define CONNECTION "0a0b0c0d" // the ID that the client's Initials go to

static char made[TEXT_BYTES];
static size_t made_bytes;

static const char *or_empty(const char *field)
{
    return field != NULL ? field : "";
}

static void see(struct seen seen)
{
    const bool is_server = *seen.from == 'S', is_long = seen.version != NULL;
    const unsigned port = *seen.from == 'D' ? 2 : 1;
    made_bytes += (size_t)snprintf(
        made + made_bytes, sizeof(made) - made_bytes, "%.6f|%s|%s|%s||%u|%u|1208|%s||%s|%s||%s|%s|%s|%s|%s|||||%s|%s||%s|%s\n",
        1000 + seen.at_s, seen.where, or_empty(seen.comment),
        is_server           ? "10.77.0.2"
        : *seen.from == 'E' ? "10.77.1.1"
                            : "10.77.0.1",
        is_server ? SERVER_PORT : port, is_server ? port : SERVER_PORT, or_empty(seen.ecn), seen.connection != NULL ? seen.connection : "0",
        is_long ? or_empty(seen.type) : "", or_empty(seen.version), is_long ? "" : (seen.phase != NULL ? seen.phase : "0"),
        or_empty(seen.frames), or_empty(seen.token), or_empty(seen.tls), or_empty(seen.parameters), is_long && !is_server ? CONNECTION : "",
        or_empty(seen.number), or_empty(seen.acknowledged));
    assert_true(made_bytes < sizeof(made));
}

// Where it was sent, and 10 ms later where it came.
static void pass(struct seen seen)
{
    const bool is_server = *seen.from == 'S';
    struct seen there = seen;
    seen.where = is_server ? "server" : "client";
    seen.from = is_server ? "S" : "C"; // a NAT is behind it
    see(seen);
    there.where = is_server ? "client" : "server";
    there.at_s += 0.01;
    there.comment = NULL;
    see(there);
}

static void lose(struct seen seen)
{
    seen.where = *seen.from == 'S' ? "server" : "client";
    see(seen);
}

#define HELLO .version = "0x00000001", .type = "0", .frames = "6"

static void shake_hands(void)
{
    made_bytes = 0;
    pass((struct seen){.at_s = 0.00, .from = "C", HELLO});
    pass((struct seen){.at_s = 0.02, .from = "S", HELLO, .tls = "2,8,11"});
    pass((struct seen){.at_s = 0.04, .from = "C", .frames = "8"});
    pass((struct seen){.at_s = 0.06, .from = "S", .frames = "8,30"});
}

static void expect(const char *name, enum panther_verdict verdict, enum panther_reason reason, const char *words)
{
    static const struct vantage of_a_network = {SERVER_PORT, {[CLIENT] = "client", [SERVER] = "server"}, "rival"};
    struct transcript transcript;
    struct judgement judgement;
    char problem[256];
    assert_true(transcript_read(made, made_bytes, &of_a_network, &transcript, problem, sizeof(problem)));
    judge(name, &transcript, &good, &judgement);
    if (judgement.verdict != verdict || judgement.reason != reason || strstr(judgement.text, words) == NULL) {
        fail_msg("%s: verdict %d, reason %d, %s", name, judgement.verdict, judgement.reason, judgement.text);
    }
}

// The client missed a download.
static enum panther_verdict verdict_of_missed(const char *name)
{
    static const struct vantage of_a_network = {SERVER_PORT, {[CLIENT] = "client", [SERVER] = "server"}, "rival"};
    static const struct endings missed = {.client_passed = false, .client_text = "2 downloads as expected", .files = 2};
    struct transcript transcript;
    struct judgement judgement;
    char problem[256];
    assert_true(transcript_read(made, made_bytes, &of_a_network, &transcript, problem, sizeof(problem)));
    judge(name, &transcript, &missed, &judgement);
    assert_non_null(strstr(judgement.text, "2 downloads as expected"));
    return judgement.verdict;
}

static void expect_pass(const char *name)
{
    expect(name, PANTHER_PASS, PANTHER_REASON_NONE, "");
}

static void expect_incomplete(const char *name, const char *words)
{
    expect(name, PANTHER_INCONC, PANTHER_REASON_INCOMPLETE, words);
}

// The client probes from its new port; then the server's packets.
static void migrate(bool is_heard)
{
    struct seen probe = {.at_s = 0.1, .frames = "26"};
    shake_hands();
    probe.from = "D";
    probe.where = "client";
    see(probe);
    probe.where = "server";
    probe.from = is_heard ? "D" : "C";
    probe.frames = is_heard ? "26" : "1";
    see(probe);
    pass((struct seen){.at_s = 0.12, .from = "D", .frames = "1"});
}

static void who_is_accused_heard_it_had_time_and_could_be_read(void **state)
{
    (void)state;
    static const char name[] = "connectionmigration";
    migrate(true);
    pass((struct seen){.at_s = 0.15, .from = "S", .frames = "27"});
    expect_pass(name);
    migrate(true);
    pass((struct seen){.at_s = 0.15, .from = "S", .frames = "8"});
    expect_incomplete(name, "ended too soon");
    pass((struct seen){.at_s = 0.80, .from = "S", .frames = "8"});
    expect(name, PANTHER_FAIL, PANTHER_REASON_VIOLATION, "server: it did not answer a PATH_CHALLENGE");
    pass((struct seen){.at_s = 0.90, .from = "S"}); // what lo shows of a burst
    expect_incomplete(name, "cannot be read");
    migrate(false);
    pass((struct seen){.at_s = 0.80, .from = "S", .frames = "8"});
    expect_incomplete(name, "did not arrive");
    migrate(true);
    pass((struct seen){.at_s = 0.30, .from = "C", .frames = "29"});
    pass((struct seen){.at_s = 0.80, .from = "S", .frames = "8"});
    expect_incomplete(name, "ended too soon");
}

static void who_may_not_migrate_is_no_failure(void **state)
{
    (void)state;
    shake_hands();
    pass((struct seen){.at_s = 0.1, .from = "S", HELLO, .parameters = "0,1,12"});
    expect("connectionmigration", PANTHER_NONE, PANTHER_REASON_NONE, "disable_active_migration");
}

static void an_update_of_keys_has_to_be_heard(void **state)
{
    (void)state;
    shake_hands();
    lose((struct seen){.at_s = 0.1, .from = "C", .frames = "8", .phase = "1", .comment = "dropped: loss"});
    pass((struct seen){.at_s = 0.9, .from = "S", .frames = "8"});
    expect_incomplete("keyupdate", "did not arrive");
    pass((struct seen){.at_s = 1.0, .from = "C", .frames = "8", .phase = "1"});
    expect_incomplete("keyupdate", "ended too soon");
    pass((struct seen){.at_s = 1.9, .from = "S", .frames = "8"});
    expect("keyupdate", PANTHER_FAIL, PANTHER_REASON_VIOLATION, "server: it did not follow");
    pass((struct seen){.at_s = 2.0, .from = "S", .frames = "8", .phase = "1"});
    expect_pass("keyupdate");
}

static void a_retry_wants_its_token(void **state)
{
    (void)state;
    made_bytes = 0;
    pass((struct seen){.at_s = 0.00, .from = "C", HELLO});
    pass((struct seen){.at_s = 0.02, .from = "S", .version = "0x00000001", .type = "3"});
    const size_t until_retry = made_bytes;
    pass((struct seen){.at_s = 0.04, .from = "C", HELLO, .token = "37"});
    pass((struct seen){.at_s = 0.06, .from = "S", HELLO, .tls = "2,8,11"});
    pass((struct seen){.at_s = 0.08, .from = "S", .frames = "8,30"});
    expect_pass("retry");
    expect("handshake", PANTHER_FAIL, PANTHER_REASON_ASSERTION, "server: it sent a Retry");
    made_bytes = until_retry;
    pass((struct seen){.at_s = 0.08, .from = "S", .frames = "8,30"});
    expect_incomplete("retry", "no Initial followed");
    pass((struct seen){.at_s = 0.10, .from = "C", HELLO});
    expect("retry", PANTHER_FAIL, PANTHER_REASON_VIOLATION, "client: its Initial after the Retry has no token");
}

// Of a draft of version 2 tshark says the bare type: 3 is Handshake there.
static void handshakes_of_version_2_are_no_retries(void **state)
{
    (void)state;
    made_bytes = 0;
    pass((struct seen){.at_s = 0.00, .from = "C", HELLO});
    pass((struct seen){.at_s = 0.02, .from = "S", .version = "0x709a50c4,0x709a50c4", .type = "1,3", .tls = "2,8,11"});
    pass((struct seen){.at_s = 0.04, .from = "C", .version = "0x709a50c4,0x709a50c4", .type = "1,3"});
    pass((struct seen){.at_s = 0.06, .from = "S", .frames = "8,30"});
    expect_pass("handshake");
    expect_pass("v2");
    expect("retry", PANTHER_FAIL, PANTHER_REASON_ASSERTION, "server: it sent no Retry");
    pass((struct seen){.at_s = 0.07, .from = "S", .version = "0x709a50c4", .type = "0"});
    expect("handshake", PANTHER_FAIL, PANTHER_REASON_ASSERTION, "server: it sent a Retry");
}

static void a_network_has_to_do_its_part(void **state)
{
    (void)state;
    static const char *const cases[] = {"transferloss", "handshakeloss", "transfercorruption", "handshakecorruption", "goodput", "longrtt",
                                        "rebind-port",  "rebind-addr",   "blackhole"};
    shake_hands();
    expect_pass("transfer");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        expect_incomplete(cases[i], "network: ");
    }
    expect("ipv6", PANTHER_NONE, PANTHER_REASON_NONE, "network: it is one of IPv4");
    lose((struct seen){.at_s = 0.10, .from = "S", .frames = "8", .comment = "dropped: loss, packet 9 of server to client"});
    expect_pass("transferloss");
    expect("handshakeloss", PANTHER_FAIL, PANTHER_REASON_ASSERTION, "client: fewer handshakes");
    const size_t before = made_bytes;
    pass((struct seen){.at_s = 0.10, .from = "C", HELLO, .connection = "1"});
    lose((struct seen){.at_s = 0.10, .from = "S", .frames = "8,30", .comment = "dropped: loss", .connection = "1"});
    expect_pass("handshakeloss");                                       // the second one was confirmed by a packet that was lost
    assert_int_equal(verdict_of_missed("handshakeloss"), PANTHER_PASS); // chance took one
    assert_int_equal(verdict_of_missed("transferloss"), PANTHER_FAIL);
    made_bytes = before;
    expect_incomplete("transfercorruption", "network: ");
    lose((struct seen){.at_s = 0.11, .from = "S", .frames = "8", .comment = "corrupted, packet 10 of server to client"});
    expect_pass("transfercorruption");
    expect_incomplete("goodput", "network: ");
    pass((struct seen){.at_s = 0.90, .from = "S", .frames = "8"});
    expect_pass("goodput");
}

// A segment of the competing flow, where it came.
static void compete(double from_s, double until_s, unsigned segment_bytes)
{
    for (double at_s = from_s; at_s < until_s; at_s += 0.05) {
        made_bytes += (size_t)snprintf(made + made_bytes, sizeof(made) - made_bytes, "%.6f|rival||10.77.0.3%s|%u||\n", 1000 + at_s,
                                       "||||||||||||||||||||", segment_bytes);
        assert_true(made_bytes < sizeof(made));
    }
}

static void download(double until_s, unsigned times)
{
    shake_hands();
    for (unsigned i = 0; i < times; i++) {
        pass((struct seen){.at_s = 0.1 + (until_s - 0.1) * i / times, .from = "S", .frames = "8"});
    }
    pass((struct seen){.at_s = until_s, .from = "S", .frames = "8"});
}

// Both at once, on one path: without either it is another case.
static void a_rival_has_to_be_there_and_to_share(void **state)
{
    (void)state;
    static const char alone[] = "network: no TCP flow competed";
    download(1.0, 10);
    expect_incomplete("crosstraffic", alone);
    compete(0.7, 1.0, 1448);
    expect_incomplete("crosstraffic", alone);
    compete(1.1, 2.0, 1448);
    expect_incomplete("crosstraffic", alone);
    download(1.0, 10);
    compete(0.4, 1.5, 1448);
    expect_pass("crosstraffic");
    download(0.5, 10);
    compete(0.0, 0.5, 1448);
    expect_incomplete("crosstraffic", "network: it did not limit the rate");
    download(1.0, 10);
    compete(0.1, 1.0, 80000);
    expect_incomplete("crosstraffic", "network: more arrived than one path");
}

static void a_connection_goes_on_after_the_dark(void **state)
{
    (void)state;
    shake_hands();
    pass((struct seen){.at_s = 2.00, .from = "S", .frames = "8"});
    expect_incomplete("blackhole", "network: "); // a server that slept
    shake_hands();
    lose((struct seen){.at_s = 0.30, .from = "S", .frames = "8", .comment = "dropped: down, packet 9 of server to client"});
    expect_incomplete("blackhole", "network: "); // nothing came after it
    pass((struct seen){.at_s = 2.00, .from = "S", .frames = "8"});
    expect_pass("blackhole");
    pass((struct seen){.at_s = 2.10, .from = "C", HELLO});
    expect_pass("blackhole"); // nobody answered
    pass((struct seen){.at_s = 2.20, .from = "S", HELLO, .tls = "2,8,11"});
    expect("blackhole", PANTHER_FAIL, PANTHER_REASON_ASSERTION, "client: it did not go on");
}

// The client does not know: where it is its packets have one source.
static void rebinding_is_seen_where_the_server_is(void **state)
{
    (void)state;
    shake_hands();
    pass((struct seen){.at_s = 0.10, .from = "D", .frames = "8"});
    expect_incomplete("rebind-port", "ended too soon");
    expect_incomplete("rebind-addr", "network: ");
    const size_t rebound = made_bytes;
    pass((struct seen){.at_s = 0.80, .from = "S", .frames = "8"});
    expect("rebind-port", PANTHER_FAIL, PANTHER_REASON_VIOLATION, "server: it did not validate the new path");
    made_bytes = rebound;
    pass((struct seen){.at_s = 0.12, .from = "S", .frames = "26"});
    expect_incomplete("rebind-port", "ended too soon");
    pass((struct seen){.at_s = 0.80, .from = "D", .frames = "8"});
    expect("rebind-port", PANTHER_FAIL, PANTHER_REASON_VIOLATION, "client: it did not answer");
    pass((struct seen){.at_s = 0.90, .from = "D", .frames = "27"});
    expect_pass("rebind-port");
    pass((struct seen){.at_s = 1.00, .from = "E", .frames = "8"});
    expect_pass("rebind-addr");
}

// RFC 9000, 9: who forbids migration drops what comes from elsewhere, or validates that path.
static void who_forbids_migration_may_drop_but_not_take(void **state)
{
    (void)state;
    shake_hands();
    pass((struct seen){.at_s = 0.08, .from = "S", HELLO, .parameters = "0,1,12"});
    pass((struct seen){.at_s = 0.10, .from = "D", .frames = "8", .number = "7"});
    pass((struct seen){.at_s = 0.80, .from = "S", .frames = "2", .acknowledged = "6"});
    expect("rebind-port", PANTHER_NONE, PANTHER_REASON_NONE, "drops what comes from elsewhere");
    pass((struct seen){.at_s = 0.90, .from = "S", .frames = "2", .acknowledged = "7"});
    expect("rebind-port", PANTHER_FAIL, PANTHER_REASON_VIOLATION, "neither drops");
    pass((struct seen){.at_s = 1.00, .from = "S", .frames = "26"});
    pass((struct seen){.at_s = 1.10, .from = "D", .frames = "27"});
    expect_pass("rebind-port");
}

// A server that has not heard of its client's end repeats itself, without a key that this case has.
static void what_is_of_another_case_accuses_nobody(void **state)
{
    (void)state;
    shake_hands();
    pass((struct seen){.at_s = 0.10, .from = "D", .frames = "8"});
    const size_t before = made_bytes;
    made_bytes += (size_t)snprintf(made + made_bytes, sizeof(made) - made_bytes, "1000.2|server||10.77.0.2||%u|999|1208%s\n", SERVER_PORT,
                                   "|||||||||||||||||||");
    pass((struct seen){.at_s = 0.80, .from = "S", .frames = "8"});
    expect("rebind-port", PANTHER_FAIL, PANTHER_REASON_VIOLATION, "server: it did not validate");
    made_bytes = before;
    pass((struct seen){.at_s = 0.20, .from = "S"}); // to a port of this case
    pass((struct seen){.at_s = 0.80, .from = "S", .frames = "8"});
    expect_incomplete("rebind-port", "cannot be read");
}

// After a case with a long way its client's last packets arrive in this one, and the server answers them.
static void what_arrives_late_of_another_case_is_not_amplified(void **state)
{
    (void)state;
    char late[256];
    const int bytes_late = snprintf(late, sizeof(late), "999.9|server||10.77.0.1||999|%u|77%s\n999.95|server||10.77.0.2||%u|999|1208%s\n",
                                    SERVER_PORT, "|||||||||||||||||||", SERVER_PORT, "|||||||||||||||||||");
    shake_hands();
    memmove(made + bytes_late, made, made_bytes);
    memcpy(made, late, (size_t)bytes_late);
    made_bytes += (size_t)bytes_late;
    expect_pass("amplificationlimit");
}

static void a_retry_is_open_until_its_token_comes(void **state)
{
    (void)state;
    static const struct vantage of_a_network = {SERVER_PORT, {[CLIENT] = "client", [SERVER] = "server"}, "rival"};
    struct transcript transcript;
    char problem[256];
    made_bytes = 0;
    pass((struct seen){.at_s = 0.00, .from = "C", HELLO});
    pass((struct seen){.at_s = 0.10, .from = "S", .version = "0x00000001", .type = "3"});
    pass((struct seen){.at_s = 0.11, .from = "C", HELLO, .token = "0"}); // of the same flight
    pass((struct seen){.at_s = 0.13, .from = "S", .version = "0x00000001", .type = "3"});
    pass((struct seen){.at_s = 0.20, .from = "C", HELLO, .token = "78"});
    assert_true(transcript_read(made, made_bytes, &of_a_network, &transcript, problem, sizeof(problem)));
    assert_int_equal(transcript.retryings, 1);
    assert_true(transcript.retrying[0].from_s > 1000.0999 && transcript.retrying[0].from_s < 1000.1001);
    assert_true(transcript.retrying[0].until_s > 1000.1999 && transcript.retrying[0].until_s < 1000.2001);
}

static void marks_count_where_they_arrive(void **state)
{
    (void)state;
    shake_hands();
    see((struct seen){.at_s = 0.10, .where = "client", .from = "C", .frames = "3", .ecn = "2", .comment = "ECN cleared"});
    see((struct seen){.at_s = 0.11, .where = "server", .from = "C", .frames = "3", .ecn = "0"});
    expect("ecn", PANTHER_FAIL, PANTHER_REASON_ASSERTION, "client: no packet marked ECT");
    pass((struct seen){.at_s = 0.12, .from = "C", .frames = "3", .ecn = "2"});
    expect("ecn", PANTHER_FAIL, PANTHER_REASON_ASSERTION, "server: its ACK frames");
    pass((struct seen){.at_s = 0.13, .from = "S", .frames = "3", .ecn = "2"});
    expect_pass("ecn");
}

// The server repeats itself for a client that is gone: that is no evidence.
static void a_connection_of_a_case_before_does_not_count(void **state)
{
    (void)state;
    made_bytes = 0;
    pass((struct seen){.at_s = 0.00, .from = "S", .frames = "8,30"});
    expect_incomplete("handshake", "no packet of the client");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_happened_passes_and_nothing_else),
        cmocka_unit_test(other_bytes_or_a_client_that_failed_are_no_pass),
        cmocka_unit_test(a_capture_that_ends_before_the_handshake_is_confirmed_is_no_pass),
        cmocka_unit_test(a_line_that_is_not_tsharks_is_told),
        cmocka_unit_test(who_is_accused_heard_it_had_time_and_could_be_read),
        cmocka_unit_test(who_may_not_migrate_is_no_failure),
        cmocka_unit_test(an_update_of_keys_has_to_be_heard),
        cmocka_unit_test(a_retry_wants_its_token),
        cmocka_unit_test(handshakes_of_version_2_are_no_retries),
        cmocka_unit_test(a_network_has_to_do_its_part),
        cmocka_unit_test(a_rival_has_to_be_there_and_to_share),
        cmocka_unit_test(a_connection_goes_on_after_the_dark),
        cmocka_unit_test(rebinding_is_seen_where_the_server_is),
        cmocka_unit_test(who_forbids_migration_may_drop_but_not_take),
        cmocka_unit_test(what_is_of_another_case_accuses_nobody),
        cmocka_unit_test(what_arrives_late_of_another_case_is_not_amplified),
        cmocka_unit_test(a_retry_is_open_until_its_token_comes),
        cmocka_unit_test(marks_count_where_they_arrive),
        cmocka_unit_test(a_connection_of_a_case_before_does_not_count),
    };
    return cmocka_run_group_tests(tests, load, NULL);
}

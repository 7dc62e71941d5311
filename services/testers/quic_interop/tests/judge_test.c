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
    assert_true(transcript_read(text, length, SERVER_PORT, "", &transcript, problem, sizeof(problem)));
    judge(name, &transcript, &endings, &judgement);
    assert_true(judgement.text[0] != '\0');
    return judgement.verdict;
}

static const struct endings good = {.client_passed = true, .client_text = "1 download", .files = 1};
static const char *const happened[] = {"handshake", "transfer", "http3", "amplificationlimit", "ecn"};
static const char *const absent[] = {
    "retry", "multiplexing", "resumption",    "zerortt",      "chacha20",    "keyupdate",           "versionnegotiation", "v2",
    "ipv6",  "longrtt",      "handshakeloss", "transferloss", "rebind-port", "connectionmigration", "no-such-case"};

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
        assert_true(transcript_read(text, end, SERVER_PORT, "", &transcript, problem, sizeof(problem)));
        const bool is_confirmed = transcript.connections > 0 && transcript.readable > 0;
        assert_int_equal(verdict_of("handshake", end, good) == PANTHER_PASS, is_confirmed);
        passes += is_confirmed;
    }
    assert_true(passes > 0);
}

static void a_line_that_is_not_tsharks_is_told(void **state)
{
    (void)state;
    static const char *const wrong[] = {"x", "1|2|3", "\n", "||||||||||||||||||||||", "1|||||||||||||||||||||\nx"};
    struct transcript transcript;
    char problem[256];
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_false(transcript_read(wrong[i], strlen(wrong[i]), SERVER_PORT, "", &transcript, problem, sizeof(problem)));
        assert_non_null(strstr(problem, "does not have 22 fields"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_happened_passes_and_nothing_else),
        cmocka_unit_test(other_bytes_or_a_client_that_failed_are_no_pass),
        cmocka_unit_test(a_capture_that_ends_before_the_handshake_is_confirmed_is_no_pass),
        cmocka_unit_test(a_line_that_is_not_tsharks_is_told),
    };
    return cmocka_run_group_tests(tests, load, NULL);
}

// Captures of real stacks, read by tshark as the tester reads them: each Retry and each Version Negotiation is seen, whoever sent it, and
// without it nothing passes. tests/recorded/README.md says how they came about.
#include "../judge.h"
#include "../line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

// clang-format off
#include <cmocka.h>
// clang-format on

#define TEXT_BYTES 65536
#define COMMAND_BYTES 4096

static const struct {
    const char *name;
    unsigned port;
    const char *test_case;
    size_t retries, negotiations;
} recorded[] = {
    {"ngtcp2-retry", 24441, "retry", 1, 0},
    {"quic_go-retry", 24443, "retry", 1, 0},
    {"quic_go_client-retry", 24446, "retry", 1, 0},
    {"chromium-retry", 24447, "retry", 2, 0},
    {"ngtcp2-negotiation", 24442, "versionnegotiation", 0, 1},
    {"quic_go-negotiation", 24445, "versionnegotiation", 0, 1},
    {"caddy-negotiation", 24444, "versionnegotiation", 0, 1},
};
#define RECORDED (sizeof(recorded) / sizeof(recorded[0]))

static char texts[RECORDED][TEXT_BYTES], clients[RECORDED][TEXT_BYTES];

static FILE *begin(size_t index)
{
    static const char *const fields[] = {TRANSCRIPT_FIELDS};
    char command[COMMAND_BYTES];
    size_t used =
        (size_t)snprintf(command, sizeof(command),
                         "LC_ALL=C tshark -n -r '" RECORDED_CAPTURES "/%s.pcapng' -d udp.port==%u,quic -T fields -E 'separator=|' "
                         "-E occurrence=a -E aggregator=,",
                         recorded[index].name, recorded[index].port);
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        used += (size_t)snprintf(command + used, sizeof(command) - used, " -e %s", fields[i]);
    }
    used += (size_t)snprintf(command + used, sizeof(command) - used, " 2>/dev/null");
    assert_true(used < sizeof(command));
    return popen(command, "re");
}

static void find_clients(size_t index)
{
    size_t used = 0;
    for (const char *at = texts[index]; *at != '\0'; at = strchr(at, '\n') + 1) {
        const size_t bytes = strcspn(at, "\n");
        struct line line;
        unsigned long long port;
        assert_true(line_split(at, bytes, &line));
        if (line_number(&line, TO_PORT, 0, &port) && port == recorded[index].port) {
            memcpy(clients[index] + used, at, bytes + 1);
            used += bytes + 1;
        }
    }
    assert_true(used > 0);
}

// All at once: it is their start that takes long.
static int load(void **state)
{
    (void)state;
    FILE *pipes[RECORDED];
    for (size_t i = 0; i < RECORDED; i++) {
        pipes[i] = begin(i);
        assert_non_null(pipes[i]);
    }
    for (size_t i = 0; i < RECORDED; i++) {
        const size_t bytes = fread(texts[i], 1, TEXT_BYTES - 1, pipes[i]);
        assert_int_equal(pclose(pipes[i]), 0);
        assert_true(bytes > 0 && bytes < TEXT_BYTES - 1);
        find_clients(i);
    }
    return 0;
}

static void read_text(size_t index, const char *text, struct transcript *transcript)
{
    char problem[256] = "";
    const struct vantage vantage = {recorded[index].port, {"", ""}, ""};
    if (!transcript_read(text, strlen(text), &vantage, transcript, problem, sizeof(problem))) {
        fail_msg("%s: %s", recorded[index].name, problem);
    }
}

static struct judgement judge_it(const char *test_case, const struct transcript *transcript)
{
    static const struct endings good = {.client_passed = true, .client_text = "", .files = 1};
    struct judgement judgement;
    judge(test_case, transcript, &good, &judgement);
    return judgement;
}

static void what_stacks_sent_is_seen(void **state)
{
    (void)state;
    for (size_t i = 0; i < RECORDED; i++) {
        struct transcript transcript;
        read_text(i, texts[i], &transcript);
        const struct judgement judgement = judge_it(recorded[i].test_case, &transcript);
        if (judgement.verdict != PANTHER_PASS || transcript.retries != recorded[i].retries ||
            transcript.negotiations != recorded[i].negotiations) {
            fail_msg("%s: %zu Retry, %zu Version Negotiation; %s", recorded[i].name, transcript.retries, transcript.negotiations,
                     judgement.text);
        }
    }
}

// A case that the connection was not made for does not pass on it; a Retry is no plain handshake.
static void nothing_else_passes(void **state)
{
    (void)state;
    static const char *const others[] = {"retry", "versionnegotiation", "handshake", "zerortt", "resumption", "v2", "keyupdate"};
    for (size_t i = 0; i < RECORDED; i++) {
        struct transcript transcript;
        read_text(i, texts[i], &transcript);
        for (size_t other = 0; other < sizeof(others) / sizeof(others[0]); other++) {
            const bool passes = judge_it(others[other], &transcript).verdict == PANTHER_PASS;
            const bool may_pass =
                strcmp(others[other], recorded[i].test_case) == 0 || (strcmp(others[other], "handshake") == 0 && recorded[i].retries == 0);
            if (passes != may_pass) {
                fail_msg("%s %s %s", recorded[i].name, passes ? "passes" : "does not pass", others[other]);
            }
        }
    }
}

// Behind every datagram of the client: the server's are of this case where a port of it is known.
static bool shows_it(size_t index, const char *line, size_t bytes)
{
    struct transcript transcript;
    static char text[TEXT_BYTES * 2];
    snprintf(text, sizeof(text), "%s%.*s", clients[index], (int)bytes, line);
    read_text(index, text, &transcript);
    return transcript.marks[SERVER].sent[MARK_RETRY] + transcript.marks[SERVER].sent[MARK_NEGOTIATION] > 0;
}

// The same connections without the datagrams that it is about.
static void without_it_the_server_is_accused(void **state)
{
    (void)state;
    for (size_t i = 0; i < RECORDED; i++) {
        static char rest[TEXT_BYTES];
        size_t used = 0;
        for (const char *line = texts[i]; *line != '\0';) {
            const char *end = strchr(line, '\n');
            assert_non_null(end);
            const size_t bytes = (size_t)(end + 1 - line);
            if (!shows_it(i, line, bytes)) {
                memcpy(rest + used, line, bytes);
                used += bytes;
            }
            line += bytes;
        }
        rest[used] = '\0';
        assert_true(used < strlen(texts[i]));
        struct transcript transcript;
        read_text(i, rest, &transcript);
        const struct judgement judgement = judge_it(recorded[i].test_case, &transcript);
        if (judgement.verdict != PANTHER_FAIL || strstr(judgement.text, "server: it sent no ") == NULL) {
            fail_msg("%s: verdict %d, %s", recorded[i].name, judgement.verdict, judgement.text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_stacks_sent_is_seen),
        cmocka_unit_test(nothing_else_passes),
        cmocka_unit_test(without_it_the_server_is_accused),
    };
    return cmocka_run_group_tests(tests, load, NULL);
}

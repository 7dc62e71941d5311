// What qlogs do to a verdict, without files: events in, counts of a capture beside them.
#include "../testimony.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

// clang-format off
#include <cmocka.h>
// clang-format on

#define OTHER "ffff"
static const char group[] = "0a0b0c0d";
static const struct endings bytes_are_equal = {.client_passed = true, .client_text = "", .files = 1};

// What one side's only qlog says.
struct says {
    const char *received, *sent; // types of packets
    const char *frame;           // of a 1RTT packet that was received
    const char *group;           // NULL: of this case
    const char *problem;
    size_t malformed;
    bool is_open; // it does not go to the end
};

static void take(struct account *account, const char *name, const char *type, const char *frame)
{
    const char *const frames[] = {frame};
    account_take(
        account,
        &(const struct panther_qlog_event){
            .name = name, .packet_type = type, .version = "", .key_phase = -1, .frames = frames, .frame_count = frame != NULL ? 1 : 0});
}

static void say(const struct says *says, const struct transcript *transcript, struct testimony *testimony)
{
    struct account account = {0};
    struct panther_qlog qlog = {.malformed = says->malformed};
    snprintf(qlog.group, sizeof(qlog.group), "%s", says->group != NULL ? says->group : group);
    snprintf(qlog.problem, sizeof(qlog.problem), "%s", says->problem != NULL ? says->problem : "");
    take(&account, "transport:packet_received", "1RTT", "handshake_done");
    if (says->received != NULL) {
        take(&account, "transport:packet_received", says->received, NULL);
    }
    if (says->sent != NULL) {
        take(&account, "transport:packet_sent", says->sent, NULL);
    }
    if (says->frame != NULL) {
        take(&account, "transport:packet_received", "1RTT", says->frame);
    }
    if (!says->is_open) {
        take(&account, "transport:connection_closed", "", NULL);
    }
    testimony_add(testimony, "client.1.sqlog", &qlog, &account, transcript);
}

// A handshake with a Retry, seen whole.
static struct transcript captured(void)
{
    struct transcript transcript = {.groups = 1};
    memcpy(transcript.group[0], group, sizeof(group));
    transcript.marks[SERVER].sent[MARK_DONE] = transcript.marks[SERVER].heard[MARK_DONE] = 1;
    transcript.marks[SERVER].sent[MARK_RETRY] = transcript.marks[SERVER].heard[MARK_RETRY] = 1;
    return transcript;
}

static struct judgement weigh(const struct transcript *transcript, const struct says *client, enum panther_verdict verdict, bool demanded)
{
    struct testimony testimony[SIDES] = {0};
    struct judgement judgement = {verdict, verdict == PANTHER_FAIL ? PANTHER_REASON_VIOLATION : PANTHER_REASON_NONE, "as captured"};
    if (client != NULL) {
        say(client, transcript, &testimony[CLIENT]);
    }
    testimony_weigh(testimony, transcript, &bytes_are_equal, demanded, &judgement);
    return judgement;
}

static void expect(const struct transcript *transcript, struct says client, enum panther_verdict before, enum panther_verdict after,
                   const char *words)
{
    const struct judgement judgement = weigh(transcript, &client, before, false);
    if (judgement.verdict != after || strstr(judgement.text, words) == NULL || strstr(judgement.text, "as captured") == NULL ||
        (judgement.verdict == PANTHER_INCONC) != (judgement.reason == PANTHER_REASON_INCOMPLETE)) {
        fail_msg("verdict %d, reason %d, %s; not: %s", judgement.verdict, judgement.reason, judgement.text, words);
    }
}

static void what_agrees_is_told(void **state)
{
    (void)state;
    const struct transcript transcript = captured();
    expect(&transcript, (struct says){.received = "retry"}, PANTHER_PASS, PANTHER_PASS, "the client's qlog agrees");
    expect(&transcript, (struct says){.received = "Retry", .is_open = true}, PANTHER_PASS, PANTHER_PASS, "the client's qlog agrees");
    expect(&transcript, (struct says){.received = "retry"}, PANTHER_FAIL, PANTHER_FAIL, "as captured");
}

// Only who tells all has left it out; who is accused does not write its way out.
static void a_whole_qlog_that_lacks_it_contradicts_a_pass(void **state)
{
    (void)state;
    static const char lacks[] = "client: its qlog lacks packet_received of a Retry, which the capture has (RFC 9000, 17.2.5)";
    const struct transcript transcript = captured();
    expect(&transcript, (struct says){0}, PANTHER_PASS, PANTHER_INCONC, lacks);
    expect(&transcript, (struct says){0}, PANTHER_FAIL, PANTHER_FAIL, lacks);
    expect(&transcript, (struct says){.is_open = true}, PANTHER_PASS, PANTHER_PASS, "agrees");
    expect(&transcript, (struct says){.malformed = 1}, PANTHER_PASS, PANTHER_PASS, "agrees");
}

static void a_qlog_that_has_more_contradicts_both(void **state)
{
    (void)state;
    struct transcript transcript = captured();
    const struct says sent = {.received = "retry", .sent = "0RTT"}, heard = {.received = "retry", .frame = "path_challenge"};
    static const char early[] = "client: its qlog says packet_sent of a 0-RTT packet, the capture has none (RFC 9000, 17.2.3)";
    expect(&transcript, sent, PANTHER_PASS, PANTHER_INCONC, early);
    expect(&transcript, sent, PANTHER_FAIL, PANTHER_INCONC, early);
    expect(&transcript, heard, PANTHER_FAIL, PANTHER_INCONC, "client: its qlog says packet_received of PATH_CHALLENGE");
    transcript.unread[SERVER] = 1; // it may stand in there
    expect(&transcript, heard, PANTHER_FAIL, PANTHER_FAIL, "as captured");
    transcript.marks[CLIENT].sent[MARK_EARLY] = 1;
    expect(&transcript, sent, PANTHER_PASS, PANTHER_PASS, "agrees");
}

static void early_data_that_was_accepted_was_received(void **state)
{
    (void)state;
    struct testimony testimony[SIDES] = {0};
    struct transcript transcript = captured();
    struct judgement judgement = {PANTHER_PASS, PANTHER_REASON_NONE, "as captured"};
    transcript.marks[SERVER] = (struct marks){{0}, {0}};
    transcript.marks[CLIENT].sent[MARK_EARLY] = transcript.marks[CLIENT].heard[MARK_EARLY] = 2;
    struct account account = {.tells[MARK_EARLY] = true, .is_closed = true};
    testimony_add(&testimony[SERVER], "s.sqlog", &(struct panther_qlog){.group = "0a0b0c0d"}, &account, &transcript);
    testimony_weigh(testimony, &transcript, &bytes_are_equal, false, &judgement);
    assert_int_equal(judgement.verdict, PANTHER_PASS); // rejected, and so not told
    transcript.early_accepted = 1;
    testimony_weigh(testimony, &transcript, &bytes_are_equal, false, &judgement);
    assert_int_equal(judgement.verdict, PANTHER_INCONC);
    assert_non_null(strstr(judgement.text, "server: its qlog lacks packet_received of a 0-RTT packet"));
}

static void bytes_on_disk_are_beyond_a_capture(void **state)
{
    (void)state;
    struct testimony testimony[SIDES] = {0};
    struct transcript transcript = captured();
    struct judgement judgement = {PANTHER_FAIL, PANTHER_REASON_VIOLATION, "as captured"};
    say(&(struct says){.received = "retry", .sent = "0RTT"}, &transcript, &testimony[CLIENT]);
    testimony_weigh(testimony, &transcript, &(struct endings){.different = 1, .first_different = ""}, false, &judgement);
    assert_int_equal(judgement.verdict, PANTHER_FAIL);
}

static void what_is_no_qlog_of_this_case_is_left_out(void **state)
{
    (void)state;
    const struct transcript transcript = captured();
    const struct says stranger = {.group = OTHER, .sent = "0RTT"}, garbage = {.problem = "it is no JSON"};
    expect(&transcript, stranger, PANTHER_PASS, PANTHER_PASS, "as captured");
    expect(&transcript, garbage, PANTHER_PASS, PANTHER_PASS, "client: its qlog was not used, client.1.sqlog: it is no JSON");
    assert_int_equal(weigh(&transcript, NULL, PANTHER_PASS, false).verdict, PANTHER_PASS);
}

static void a_whole_qlog_can_be_demanded(void **state)
{
    (void)state;
    const struct transcript transcript = captured();
    const struct judgement none = weigh(&transcript, NULL, PANTHER_PASS, true);
    assert_int_equal(none.verdict, PANTHER_INCONC);
    assert_non_null(strstr(none.text, "client: it left no qlog of the connection"));
    const struct judgement open = weigh(&transcript, &(struct says){.received = "retry", .is_open = true}, PANTHER_PASS, true);
    assert_non_null(strstr(open.text, "client: its qlog does not go to the end of the connection"));
    const struct judgement one = weigh(&transcript, &(struct says){.received = "retry"}, PANTHER_PASS, true);
    assert_non_null(strstr(one.text, "server: it left no qlog"));
    assert_int_equal(weigh(&transcript, NULL, PANTHER_FAIL, true).verdict, PANTHER_FAIL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_agrees_is_told),
        cmocka_unit_test(a_whole_qlog_that_lacks_it_contradicts_a_pass),
        cmocka_unit_test(a_qlog_that_has_more_contradicts_both),
        cmocka_unit_test(early_data_that_was_accepted_was_received),
        cmocka_unit_test(bytes_on_disk_are_beyond_a_capture),
        cmocka_unit_test(what_is_no_qlog_of_this_case_is_left_out),
        cmocka_unit_test(a_whole_qlog_can_be_demanded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

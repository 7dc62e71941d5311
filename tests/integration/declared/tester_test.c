// Testers that a service.yaml declares, under the real guard and host: cases, references to what they drive, rules that decide.
#include "tests/integration/declared/folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

// clang-format off
#include <cmocka.h>
// clang-format on

#define CASE_MS 10000

static struct panther_test *tester(const char *rest)
{
    struct panther_test *test = declared_tester(rest);
    panther_test_peer(test, "server", "web", "http", "127.0.0.1", 8080, PANTHER_TCP);
    panther_test_peer(test, NULL, "other", "dns", "10.0.0.2", 53, PANTHER_UDP);
    up(test);
    return test;
}

static void expect(struct panther_test *test, const char *name, enum panther_verdict verdict, enum panther_reason reason, const char *text)
{
    struct panther_test_outcome outcome;
    assert_int_equal(panther_test_case(test, name, CASE_MS, &outcome), 0);
    if (outcome.verdict != verdict || outcome.reason != reason) {
        fail_msg("case %s: verdict %d, reason %d: %s", name, (int)outcome.verdict, (int)outcome.reason, outcome.text);
    }
    assert_has(outcome.text, text);
}

#define DRIVES "drives: {server: {protocol: http, role: server, required: true}}\n"

static void a_rule_decides_by_what_is_there(void **state)
{
    (void)state;
    struct panther_test *test = tester(
        DRIVES
        "cases:\n"
        "  good: {summary: a}\n"
        "  bad: {summary: b}\n"
        "  odd: {summary: c}\n"
        "  own: {summary: d, verdict: [{stdout: {matches: \"^ow[n]$\"}, verdict: fail, reason: violation, text: its own rule}]}\n"
        "phases: {run: {argv: [sh, -c, 'echo $(case); echo to stderr >&2; test $(case) != odd']}}\n"
        "verdict:\n"
        "  - {exit: 0, stdout: {present: bad}, stderr: {matches: \"^to std\"}, verdict: fail, reason: assertion, text: \"it is $(case)\"}\n"
        "  - {exit: 0, stdout: {matches: \"^good$\", absent: bad}, output: {lacks: \"^bad\"}, verdict: pass, text: fine}\n");
    expect(test, "good", PANTHER_PASS, PANTHER_REASON_NONE, "fine");
    expect(test, "bad", PANTHER_FAIL, PANTHER_REASON_ASSERTION, "it is bad");
    expect(test, "own", PANTHER_FAIL, PANTHER_REASON_VIOLATION, "its own rule");
    expect(test, "odd", PANTHER_INCONC, PANTHER_REASON_INCOMPLETE, "no verdict rule holds");
    expect(test, "none", PANTHER_ERROR, PANTHER_REASON_INFRASTRUCTURE, "none");
    down(&test);
}

static void a_tool_that_was_cut_short_does_not_pass(void **state)
{
    (void)state;
    struct panther_test *test =
        tester(DRIVES "cases:\n"
                      "  killed: {summary: a, run: {argv: [sh, -c, 'kill -9 $$']}}\n"
                      "  slow: {summary: b, run: {argv: [sleep, \"60\"], timeout: 300ms}}\n"
                      "  late: {summary: c, run: {argv: [sleep, \"60\"], timeout: 300ms}, verdict: [{timeout: true, verdict: pass}]}\n"
                      "  shot: {summary: d, run: {argv: [sh, -c, 'kill -9 $$']}, verdict: [{signal: TERM, verdict: error}, {signal: KILL, "
                      "verdict: fail}]}\n"
                      "verdict: [{exit: any, verdict: pass}, {stdout: {absent: x}, verdict: pass}]\n");
    expect(test, "killed", PANTHER_INCONC, PANTHER_REASON_KILLED, "signal 9");
    expect(test, "slow", PANTHER_INCONC, PANTHER_REASON_TIMEOUT, "");
    expect(test, "late", PANTHER_PASS, PANTHER_REASON_NONE, "");
    expect(test, "shot", PANTHER_FAIL, PANTHER_REASON_NONE, "");
    down(&test);
}

static void it_knows_what_it_drives(void **state)
{
    (void)state;
    struct panther_test *test = tester(
        DRIVES
        "cases: {one: {summary: a}, absent: {summary: b, run: {argv: [echo, $(drive.server.https.port)]}}}\n"
        "phases:\n"
        "  run:\n"
        "    argv: [echo, $(drive.server.address), $(drive.server.port), $(drive.server.endpoint), $(drive.server.service),\n"
        "      $(drive.server.hex), $(drive.server.decimal), $(drive.server.http.name), $(need.other.endpoint), $(need.2.dns.port),\n"
        "      {when: {drive.server.http: true}, args: [has http]}, {when: {drive.server.https: true}, args: [has https]}]\n"
        "verdict:\n"
        "  - exit: 0\n"
        "    stdout: {present: \"127.0.0.1 8080 127.0.0.1:8080 web 0x7f000001 2130706433 http 10.0.0.2:53 53 has http\\n\"}\n"
        "    verdict: pass\n");
    expect(test, "one", PANTHER_PASS, PANTHER_REASON_NONE, "");
    expect(test, "absent", PANTHER_ERROR, PANTHER_REASON_INFRASTRUCTURE, "service web has no endpoint https");
    down(&test);
}

static void a_case_has_its_phases(void **state)
{
    (void)state;
    struct panther_test *test =
        tester(DRIVES "cases: {first: {summary: a}, second: {summary: b}}\n"
                      "phases:\n"
                      "  pre_run:\n"
                      "    - {argv: [sh, -c, 'test $(case) = first || { echo this went wrong >&2; exit 3; }']}\n"
                      "    - {argv: [touch, $(case).before]}\n"
                      "  run:\n"
                      "    - {argv: [sh, -c, 'trap \"touch ended; exit 0\" TERM; touch up; while :; do sleep 0.05; done'], name: helper, "
                      "finishes: false}\n"
                      "    - {argv: [sh, -c, 'until test -f up; do sleep 0.05; done; test -f first.before && echo tool'], name: tool}\n"
                      "  post_run:\n"
                      "    - {argv: [sh, -c, 'test ! -f ended || touch $(case).after']}\n"
                      "outputs: [{path: $(case).after, kind: file}]\n"
                      "verdict: [{exit: 0, stdout: {present: tool}, verdict: pass}]\n");
    expect(test, "first", PANTHER_PASS, PANTHER_REASON_NONE, "");
    expect(test, "second", PANTHER_ERROR, PANTHER_REASON_INFRASTRUCTURE, "pre_run: sh ended with status 3: this went wrong");
    assert_int_equal(panther_test_stop(test), 0);
    assert_int_equal(panther_test_cleanup(test), 0);
    assert_true(panther_test_artifact(test, "first.after"));
    down(&test);
}

static void a_fault_of_the_host_is_no_verdict_on_the_server(void **state)
{
    (void)state;
    struct panther_test *test = tester(DRIVES "cases: {one: {summary: a}, two: {summary: b, run: {argv: [echo, all is well]}}}\n"
                                              "phases: {run: {argv: [sh, -c, 'echo too many open files >&2']}}\n"
                                              "log: [{text: too many open, stream: stderr, means: infrastructure}]\n"
                                              "verdict: [{exit: 0, verdict: pass}]\n");
    expect(test, "one", PANTHER_ERROR, PANTHER_REASON_INFRASTRUCTURE, "too many open files");
    expect(test, "two", PANTHER_PASS, PANTHER_REASON_NONE, "");
    down(&test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rule_decides_by_what_is_there),
        cmocka_unit_test(a_tool_that_was_cut_short_does_not_pass),
        cmocka_unit_test(it_knows_what_it_drives),
        cmocka_unit_test(a_case_has_its_phases),
        cmocka_unit_test(a_fault_of_the_host_is_no_verdict_on_the_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

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

static void a_tool_that_was_not_run_does_not_pass(void **state)
{
    (void)state;
    struct panther_test *test = tester(DRIVES "options: {on: {type: boolean, default: false, help: a}}\n"
                                              "cases:\n"
                                              "  silent: {summary: a, run: {when: {option.on: true}, argv: [\"true\"]}}\n"
                                              "verdict: [{stdout: {lacks: x}, verdict: pass}, {verdict: pass}]\n");
    expect(test, "silent", PANTHER_INCONC, PANTHER_REASON_INCOMPLETE, "no tool was run");
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

// ---- numbers and reports

static double metric(struct panther_test *test, const char *name)
{
    double value = -1;
    if (!panther_test_metric(test, name, &value)) {
        fail_msg("there is no metric %s", name);
    }
    return value;
}

#define close_to(value, wanted) assert_true((value) > (wanted)*0.99 && (value) < (wanted)*1.01)

static void numbers_are_taken_and_judged(void **state)
{
    (void)state;
    double value = 0;
    struct panther_test *test =
        tester("options: {least: {type: integer, default: 100, help: a}}\n" DRIVES
               "cases: {quick: {summary: a}, slow: {summary: b}, silent: {summary: c, run: {argv: [\"true\"]}}}\n"
               "phases:\n"
               "  run:\n"
               "    argv: [sh, -c, 'echo \"Requests/sec: 7\"; echo \"Requests/sec: $RATE\"; echo \"mean 250us\" >&2;\n"
               "      for i in 1 2 3 4 5 6 7 8 9 10; do echo \"x,$(($i * 1000)),y\"; done > rows;\n"
               "      printf \"when  took\\n1 \\t 5\\n2 5\\n\" > named']\n"
               "    environment: {RATE: {value: \"1e3\", when: {case: quick}}, RATE2: x}\n"
               "metrics:\n"
               "  - {name: rate, match: \"^Requests/sec: +([0-9.e]+)\", unit: 1/s, better: higher}\n"
               "  - {name: mean, stream: stderr, match: \"mean ([0-9]+)(us|ms)\", units: {us: 0.001, ms: 1}, unit: ms, better: lower}\n"
               "  - {name: fixed, file: rows, match: \"x,([0-9]+),y\", scale: 0.001, unit: s}\n"
               "  - {name: time, file: rows, column: 2, unit: ms, scale: 0.001, better: lower, statistics: [p50, p90, min, max, mean, sum, "
               "count]}\n"
               "  - {name: named, file: named, column: took, separator: \" \", header: true, unit: ms, statistics: [mean]}\n"
               "  - {name: never, match: \"ne[v]er ([0-9])\", unit: \"\"}\n"
               "verdict:\n"
               "  - {metric: {never: {at_least: 0}}, verdict: error}\n"
               "  - {exit: 0, metric: {rate: {at_least: $(option.least), below: 1001}, time_max: {at_most: 10}}, verdict: pass, text: "
               "\"$(metric.rate) $(metric.time_p90)\"}\n"
               "  - {exit: 0, metric: {rate: {below: $(option.least)}}, verdict: fail, text: \"only $(metric.rate)\"}\n");
    expect(test, "quick", PANTHER_PASS, PANTHER_REASON_NONE, "1000 ");
    close_to(metric(test, "rate"), 1000);
    close_to(metric(test, "mean"), 0.25);
    close_to(metric(test, "fixed"), 10);
    close_to(metric(test, "time_p50"), 5);
    close_to(metric(test, "time_p90"), 9);
    close_to(metric(test, "time_min"), 1);
    close_to(metric(test, "time_max"), 10);
    close_to(metric(test, "time_mean"), 5.5);
    close_to(metric(test, "time_sum"), 55);
    close_to(metric(test, "time_count"), 10);
    close_to(metric(test, "named_mean"), 5);
    assert_false(panther_test_metric(test, "never", &value));
    expect(test, "slow", PANTHER_FAIL, PANTHER_REASON_NONE, "only 7");
    // the rows of the case before are gone
    expect(test, "silent", PANTHER_INCONC, PANTHER_REASON_INCOMPLETE, "no verdict rule holds");
    down(&test);
}

static void a_report_decides(void **state)
{
    (void)state;
    struct panther_test *test = tester(
        DRIVES "cases:\n"
               "  good: {summary: a, run: {argv: [sh, -c, 'echo \"<s><testcase name=\\\"good\\\"/></s>\" > r.xml']}}\n"
               "  bad: {summary: b, run: {argv: [sh, -c, 'echo \"<s><testcase name=\\\"bad\\\"><failure/></testcase><testcase "
               "name=\\\"other\\\"/></s>\" > r.xml']}}\n"
               "  other: {summary: c, run: {argv: [sh, -c, 'echo \"<s><testcase name=\\\"bad\\\"><failure/></testcase></s>\" > r.xml']}}\n"
               "  cut: {summary: d, run: {argv: [sh, -c, 'echo \"<s><testcase name=\\\"cut\\\"/>\" > r.xml']}}\n"
               "  stale: {summary: e, run: {argv: [\"true\"]}}\n"
               "  pipe: {summary: f, run: {argv: [mkfifo, r.xml]}}\n"
               "results: {junit: $(work)/r.xml, entry: $(case)}\n"
               "verdict: [{exit: 0, results: pass, verdict: pass}, {results: fail, verdict: fail, reason: violation, text: broken}]\n");
    expect(test, "good", PANTHER_PASS, PANTHER_REASON_NONE, "");
    expect(test, "stale", PANTHER_INCONC, PANTHER_REASON_INCOMPLETE, "there is no report");
    expect(test, "pipe", PANTHER_INCONC, PANTHER_REASON_INCOMPLETE, "there is no report");
    expect(test, "bad", PANTHER_FAIL, PANTHER_REASON_VIOLATION, "broken: failed: bad");
    expect(test, "other", PANTHER_INCONC, PANTHER_REASON_INCOMPLETE, "no verdict rule holds");
    expect(test, "cut", PANTHER_INCONC, PANTHER_REASON_INCOMPLETE, "it ends before its root element does");
    down(&test);
}

static void a_report_may_be_on_stdout_and_a_file_may_be_evidence(void **state)
{
    (void)state;
    struct panther_test *test =
        tester(DRIVES "cases:\n"
                      "  one: {summary: a, run: {argv: [sh, -c, 'printf \"1..2\\nok 1 - x\\nnot ok 2 - y\\n\"']}}\n"
                      "  two: {summary: b, run: {argv: [sh, -c, 'printf \"1..1\\nok 1 - x\\n\"; echo made > got']}}\n"
                      "  three: {summary: c, run: {argv: [sh, -c, 'printf \"1..1\\nok 1 - x\\n\"']}}\n"
                      "results: {tap: \"-\"}\n"
                      "verdict:\n"
                      "  - {results: fail, verdict: fail}\n"
                      "  - {exit: 0, results: pass, file: {path: got, matches: \"^ma[d]e\", lacks: x}, verdict: pass}\n"
                      "  - {exit: 0, file: {path: got, exists: false}, verdict: inconc, reason: unsupported, text: nothing got}\n");
    expect(test, "one", PANTHER_FAIL, PANTHER_REASON_NONE, "failed: y");
    expect(test, "two", PANTHER_PASS, PANTHER_REASON_NONE, "");
    expect(test, "three", PANTHER_INCONC, PANTHER_REASON_UNSUPPORTED, "nothing got");
    down(&test);
}

static void what_cannot_be_seen_is_no_evidence(void **state)
{
    (void)state;
    struct panther_test *test =
        tester(DRIVES "cases:\n"
                      "  hidden: {summary: a, run: {argv: [sh, -c, 'printf \"ok\\\\000failed\\\\n\"']}}\n"
                      "  cut: {summary: b, run: {argv: [sh, -c, 'echo ok; head -c 8500000 /dev/zero | tr \"\\\\0\" x; echo failed']}}\n"
                      "  large: {summary: c, run: {argv: [sh, -c, 'echo ok; head -c 8500000 /dev/zero > made']}}\n"
                      "verdict:\n"
                      "  - {exit: 0, stdout: {present: failed}, verdict: fail}\n"
                      "  - {exit: 0, file: {path: made, absent: failed}, verdict: error}\n"
                      "  - {exit: 0, file: {path: made, exists: true}, verdict: inconc, reason: unsupported}\n"
                      "  - {exit: 0, stdout: {absent: failed}, verdict: pass}\n");
    expect(test, "hidden", PANTHER_FAIL, PANTHER_REASON_NONE, "");
    expect(test, "cut", PANTHER_INCONC, PANTHER_REASON_INCOMPLETE, "no verdict rule holds");
    expect(test, "large", PANTHER_INCONC, PANTHER_REASON_UNSUPPORTED, "");
    down(&test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rule_decides_by_what_is_there),
        cmocka_unit_test(a_tool_that_was_cut_short_does_not_pass),
        cmocka_unit_test(a_tool_that_was_not_run_does_not_pass),
        cmocka_unit_test(it_knows_what_it_drives),
        cmocka_unit_test(a_case_has_its_phases),
        cmocka_unit_test(numbers_are_taken_and_judged),
        cmocka_unit_test(what_cannot_be_seen_is_no_evidence),
        cmocka_unit_test(a_report_decides),
        cmocka_unit_test(a_report_may_be_on_stdout_and_a_file_may_be_evidence),
        cmocka_unit_test(a_fault_of_the_host_is_no_verdict_on_the_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

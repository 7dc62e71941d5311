// The timeline on real programs: a server is paused, killed, made again and stopped while its tester works, and what was done to it is no
// fault of its own.
#include <stdio.h>
#include <string.h>

#include "tests/e2e/fixture.h"

static const char *const one_agent[] = {"lab-a", NULL};

#define HEAD                                                                                                                               \
    "panther: 1\n"                                                                                                                         \
    "experiment: timeline\n"                                                                                                               \
    "tests:\n"                                                                                                                             \
    "  - name: load\n"                                                                                                                     \
    "    protocol: {name: http, version: \"2\"}\n"                                                                                         \
    "    timeouts: {ready: 30s, case: 60s, trial: 3m}\n"                                                                                   \
    "    services:\n"                                                                                                                      \
    "      server: {implementation: nghttpd, role: server}\n"                                                                              \
    "      load: {tester: h2load, drives: {server: server}, options: {requests: 100, clients: 2}, cases: [throughput]}\n"

static const char killed[] = HEAD "    timeline:\n"
                                  "      - {id: crash, fault: kill, service: server, signal: SEGV}\n"
                                  "      - {id: again, restart: server}\n"
                                  "      - {id: work, case: throughput}\n"
                                  "      - {id: look, run: \"echo seen\", service: server}\n"
                                  "    assertions:\n"
                                  "      - {service: server, exit: clean}\n"
                                  "      - {metric: load.success_ratio, at_least: 100%, since: {end_of: again}}\n";

static const char paused[] = HEAD "    timeline:\n"
                                  "      - {id: pause, fault: pause, service: server, for: 1s, background: true}\n"
                                  "      - {id: work, case: throughput, after: {start_of: pause}}\n"
                                  "      - {id: stop, stop: server, after: {end_of: work}}\n";

static const char impossible[] = HEAD "    timeline:\n"
                                      "      - {id: look, run: \"exit 3\", service: server}\n";

// Five passes of five are above 50% with 95% confidence (5 / (5 + 1.96 * 1.96) > 0.5).
static const char repeated[] = "panther: 1\n"
                               "experiment: repeated\n"
                               "tests:\n"
                               "  - name: load\n"
                               "    protocol: {name: http, version: \"2\"}\n"
                               "    repeat: {until: confident, at_most: 9, pass_rate: 50%}\n"
                               "    services:\n"
                               "      server: {implementation: nghttpd, role: server}\n"
                               "      load: {tester: h2load, drives: {server: server}, options: {requests: 10, clients: 1}}\n";

static struct output submit(struct lab *lab, const char *text)
{
    return lab_run(lab, "submit", lab_write(lab, "timeline.yaml", text), "--wait", NULL);
}

static void a_killed_server_is_made_again_and_has_not_crashed(void **state)
{
    struct lab *lab = *state;
    lab_up(lab, one_agent);
    struct output output = submit(lab, killed);
    if (output.status != 0) {
        fputs(lab_run(lab, "events", "r1", NULL).out, stdout);
        fail_msg("%s\n%s", output.out, output.err);
    }
    assert_non_null(lab_event_text(lab, "r1", "fault_began", "crash (kill)"));
    assert_non_null(lab_event_text(lab, "r1", "instance_renewed", "generation 2"));
    LAB_UNTIL(lab, lab_run(lab, "audit", "r1", NULL).status == 0); // also the core file of the generation that is gone
    assert_non_null(lab_event_text(lab, "r1", "timeline_mark", "again ends"));
    assert_int_equal(lab_count_events(lab, "r1", "timeline_mark"), 9); // zero, and the start and end of four entries
    lab_leaves_nothing(lab);
}

// A second of silence is in the time that the case took; a server that the timeline stops is no crash either.
static void a_case_waits_for_a_paused_server(void **state)
{
    struct lab *lab = *state;
    lab_up(lab, one_agent);
    struct output output = submit(lab, paused);
    if (output.status != 0) {
        fail_msg("%s\n%s", output.out, output.err);
    }
    const json_t *result = row_where(lab_rows(lab, "results", "r1", "--cases", NULL), "case", "throughput");
    assert_non_null(result);
    assert_true(row_number(result, "duration_ns") >= 500 * 1000000LL);
    assert_non_null(lab_event_text(lab, "r1", "fault_ended", "pause is over"));
    LAB_UNTIL(lab, lab_run(lab, "audit", "r1", NULL).status == 0);
    lab_leaves_nothing(lab);
}

static void what_could_not_be_done_is_no_verdict_on_the_server(void **state)
{
    struct lab *lab = *state;
    lab_up(lab, one_agent);
    assert_int_equal(submit(lab, impossible).status, 3);
    const json_t *cell = json_array_get(lab_rows(lab, "results", "r1", NULL), 0);
    assert_string_equal(row_text(cell, "verdict"), "inconc");
    assert_string_equal(row_text(cell, "reason"), "infrastructure");
    assert_text_has(row_text(cell, "text"), "look of server");
    lab_leaves_nothing(lab);
}

static void repetitions_end_when_the_pass_rate_is_known(void **state)
{
    struct lab *lab = *state;
    lab_up(lab, one_agent);
    assert_int_equal(submit(lab, repeated).status, 0);
    assert_int_equal(lab_count_events(lab, "r1", "trial_started"), 5);
    assert_text_has(row_text(lab_cell(lab, "r1/load/9"), "text"), "not needed: 5 of 5 passed");
    LAB_UNTIL(lab, lab_run(lab, "audit", "r1", NULL).status == 0);
    lab_leaves_nothing(lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAB_TEST(a_killed_server_is_made_again_and_has_not_crashed), LAB_TEST(a_case_waits_for_a_paused_server),
        LAB_TEST(what_could_not_be_done_is_no_verdict_on_the_server), LAB_TEST(repetitions_end_when_the_pass_rate_is_known)};
    return cmocka_run_group_tests_name("e2e_timeline", tests, NULL, NULL);
}

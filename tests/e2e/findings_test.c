// What testers discover: told by the tester, kept by the coordinator once a run, also over kill -9, and listed with its sightings.
#include <string.h>

#include "tests/e2e/fixture.h"

static const char *const one_agent[] = {"lab-a", NULL};

// A requirement that is violated in the repetitions of some seeds; the others pass.
static const char violations[] = "panther: 1\n"
                                 "experiment: violations\n"
                                 "tests:\n"
                                 "  - name: hello\n"
                                 "    protocol: {name: minip, version: \"1\"}\n"
                                 "    repeat: {times: 12, seeds: {first: 1}}\n"
                                 "    timeouts: {ready: 30s, case: 60s, trial: 3m}\n"
                                 "    services:\n"
                                 "      server: {implementation: minip, role: server}\n"
                                 "      judge:\n"
                                 "        tester: ivy\n"
                                 "        drives: {server: server}\n"
                                 "        options: {program: ivy_standin, name: minip_server_test_hello, parameters: [standin_share=50]}\n";

#define SIGNATURE "ivy minip_server_test_hello minip_packet.ivy:4"

static json_int_t count_failed(struct lab *lab)
{
    json_t *cells = lab_rows(lab, "results", "r1", NULL), *cell;
    json_int_t failed = 0;
    size_t i;
    json_array_foreach(cells, i, cell)
    {
        failed += strcmp(row_text(cell, "verdict"), "fail") == 0;
    }
    return failed;
}

static void assert_findings(struct lab *lab, json_int_t sightings)
{
    json_t *findings = lab_rows(lab, "findings", "r1", NULL);
    assert_int_equal(json_array_size(findings), 1);
    const json_t *finding = json_array_get(findings, 0);
    assert_string_equal(row_text(finding, "signature"), SIGNATURE);
    assert_int_equal(row_number(finding, "sightings_count"), sightings);
    assert_string_equal(row_text(finding, "service"), "judge");
    assert_string_equal(row_text(finding, "case"), "test");
    assert_text_has(row_text(finding, "first_trial"), "r1/hello/");
    assert_text_has(row_text(finding, "last_trial"), "r1/hello/");
}

static void are_kept_once_with_their_sightings(void **state)
{
    struct lab *lab = *state;
    lab_up(lab, one_agent);
    struct output output = lab_run(lab, "submit", lab_write(lab, "violations.yaml", violations), "--wait", NULL);
    assert_int_equal(output.status, 1);
    json_int_t failed = count_failed(lab);
    assert_in_range(failed, 1, 12);
    assert_findings(lab, failed);
    assert_non_null(lab_event_text(lab, "r1", "case_result", "finding: " SIGNATURE));
    assert_int_equal(json_array_size(lab_rows(lab, "results", "r1", "--findings", NULL)), 1);
    child_kill(lab->coordinator);
    lab_serve(lab);
    assert_findings(lab, failed);
    lab_connected(lab, "lab-a");
    lab_leaves_nothing(lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {LAB_TEST(are_kept_once_with_their_sightings)};
    return cmocka_run_group_tests_name("e2e_findings", tests, NULL, NULL);
}

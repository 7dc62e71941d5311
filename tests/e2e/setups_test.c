// What a case needs of the services it drives: profiles, fresh generations, executions, conditions of the network. The tester's verdicts
// say which profile and which generation each case met; they pass only when the files that the driven service left agree.
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/environment/link/probe.h"
#include "tests/e2e/fixture.h"

static const char *const one_agent[] = {"lab-a", NULL};

static const char conditions[] = "panther: 1\n"
                                 "experiment: conditions\n"
                                 "tests:\n"
                                 "  - name: tones\n"
                                 "    protocol: {name: tone, version: \"1\"}\n"
                                 "    timeouts: {ready: 30s, case: 30s, trial: 3m}\n"
                                 "    services:\n"
                                 "      server: {implementation: tones, role: server}\n"
                                 "      client: {implementation: tones, role: client, needs: [server]}\n"
                                 "      judge:\n"
                                 "        tester: setups\n"
                                 "        drives: {server: server, client: client}\n"
                                 "        cases: [called, doubled, later]\n"
                                 "    network_environment: {type: emulated}\n";

static const char experiment[] = "panther: 1\n"
                                 "experiment: setups\n"
                                 "tests:\n"
                                 "  - name: tones\n"
                                 "    protocol: {name: tone, version: \"1\"}\n"
                                 "    timeouts: {ready: 30s, case: 30s, trial: 3m}\n"
                                 "    services:\n"
                                 "      server: {implementation: tones, role: server}\n"
                                 "      client: {implementation: tones, role: client, needs: [server]}\n"
                                 "      judge:\n"
                                 "        tester: setups\n"
                                 "        drives: {server: server, client: client}\n"
                                 "        cases: [plain, high, again, absent, fresh, low, called]\n";

// Five services and their network on one host: a QUIC transfer and a TCP flow through the same queue.
static const char crosstraffic[] =
    "panther: 1\n"
    "experiment: crosstraffic\n"
    "tests:\n"
    "  - name: beside\n"
    "    protocol: {name: quic, version: \"1\"}\n"
    "    timeouts: {ready: 30s, case: 60s, trial: 3m}\n"
    "    services:\n"
    "      server: {implementation: ngtcp2, role: server, options: {sizes: [1KiB, 1MiB]}}\n"
    "      client: {implementation: ngtcp2_client, role: client, needs: [server]}\n"
    "      rival_server: {implementation: iperf3, role: rival_server}\n"
    "      rival_client: {implementation: iperf3, role: rival_client, needs: [rival_server]}\n"
    "      judge:\n"
    "        tester: quic_interop\n"
    "        drives: {server: server, client: client, rival_server: rival_server, rival_client: rival_client}\n"
    "        cases: [crosstraffic]\n"
    "    network_environment: {type: emulated}\n"
    "    assertions:\n"
    "      - {metric: judge.goodput, at_least: 200}\n"
    "      - {metric: judge.goodput_rival, at_least: 200}\n"
    "      - {metric: judge.goodput_rival, at_most: 10500}\n";

static void give_plugins(struct lab *lab)
{
    assert_int_equal(symlink(PANTHER_TEST_PLUGINS "/setups", lab_path(lab, "plugins/setups")), 0);
    assert_int_equal(symlink(PANTHER_TEST_PLUGINS "/tones", lab_path(lab, "plugins/tones")), 0);
}

static void bring_driven_services_where_cases_want_them(void **state)
{
    struct lab *lab = *state;
    give_plugins(lab);
    lab_up(lab, one_agent);
    struct output output = lab_run(lab, "submit", lab_write(lab, "setups.yaml", experiment), "--wait", NULL);
    if (output.status != 0)
        print_message("%s\n", lab_run(lab, "events", "r1", NULL).out);
    assert_int_equal(output.status, 0);
    static const char *const met[] = {"tone none, generation 1", "tone high, generation 2", "tone high, generation 3",
                                      "tone low, generation 4", "heard low, generation 4"};
    for (size_t i = 0; i < sizeof met / sizeof *met; i++)
        assert_non_null(lab_event_text(lab, "r1", "case_result", met[i]));
    const json_t *cases = lab_rows(lab, "results", "r1", "--cases", NULL);
    size_t row;
    json_t *judged;
    json_array_foreach(cases, row, judged)
    {
        if (strcmp(row_text(judged, "case"), "absent") == 0) {
            assert_string_equal(row_text(judged, "verdict"), "none");
            assert_string_equal(row_text(judged, "reason"), "unsupported");
        }
    }
    assert_int_equal(row, 7);
    const char *matrix = lab_run(lab, "results", "r1", "--matrix", NULL).out;
    assert_non_null(strstr(matrix, "client  tones\ntones   plain,high,again,"));
    assert_non_null(strstr(matrix, " -absent\n"));
    LAB_UNTIL(lab, lab_run(lab, "audit", "r1", NULL).status == 0); // every generation has told everything, and its streams have come
    lab_leaves_nothing(lab);
}

// The first packets of the client's connections, a line each: what the network's capture says was done to them.
static void read_beginnings(struct lab *lab, char *text, size_t bytes)
{
    const char *folder = lab_path(lab, "saved");
    const struct output output = lab_run(lab, "artifacts", "r1", "--save", folder, NULL);
    assert_int_equal(output.status, 0);
    FILE *tshark = popen(lab_path(lab, "saved.sh"), "r");
    assert_non_null(tshark);
    text[fread(text, 1, bytes - 1, tshark)] = '\0';
    assert_int_equal(pclose(tshark), 0);
}

static void give_a_case_its_conditions_and_no_other(void **state)
{
    struct lab *lab = *state;
    char why[PROBE_WHY_BYTES], text[4096];
    if (!probe_network(why)) {
        print_message("SKIPPED: %s\n", why);
        skip();
    }
    give_plugins(lab);
    lab_up(lab, one_agent);
    const struct output output = lab_run(lab, "submit", lab_write(lab, "conditions.yaml", conditions), "--wait", NULL);
    if (output.status != 0)
        print_message("%s\n", lab_run(lab, "events", "r1", NULL).out);
    assert_int_equal(output.status, 0);
    chmod(lab_write(lab, "saved.sh",
                    "#!/bin/sh\n"
                    "cd \"$(dirname \"$0\")/saved\" && tshark -r \"$(find . -name network.pcapng)\" -T fields -e frame.comment -Y "
                    "'tcp.flags.syn == 1 && tcp.flags.ack == 0 && frame.interface_name == \"client\"' 2>/dev/null\n"),
          0700);
    read_beginnings(lab, text, sizeof text);
    const char *second = strchr(text, '\n'), *third = second ? strchr(second + 1, '\n') : NULL;
    assert_true(second == text); // nothing was done to the first
    assert_int_equal(strncmp(second, "\nduplicated, packet ", 20), 0);
    assert_non_null(third);
    assert_string_equal(third, "\n\n");
    lab_leaves_nothing(lab);
}

static void let_a_tcp_flow_compete_with_quic(void **state)
{
    struct lab *lab = *state;
    char why[PROBE_WHY_BYTES];
    if (!probe_network(why)) {
        print_message("SKIPPED: %s\n", why);
        skip();
    }
    lab_up(lab, one_agent);
    const struct output output = lab_run(lab, "submit", lab_write(lab, "crosstraffic.yaml", crosstraffic), "--wait", NULL);
    if (output.status != 0)
        print_message("%s\n%s\n", output.out, lab_run(lab, "explain", "r1/beside/1", NULL).out);
    assert_int_equal(output.status, 0);
    lab_leaves_nothing(lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {LAB_TEST(bring_driven_services_where_cases_want_them),
                                       LAB_TEST(give_a_case_its_conditions_and_no_other), LAB_TEST(let_a_tcp_flow_compete_with_quic)};
    return cmocka_run_group_tests_name("e2e_setups", tests, NULL, NULL);
}

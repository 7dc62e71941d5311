// What is under test dies, lies, or is killed with its tester: each fault has one clear verdict, says what happened, and leaves nothing.
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tests/e2e/fixture.h"

static const char *const two_agents[] = {"lab-a", "lab-b", NULL};

static const char under_load[] = "panther: 1\n"
                                 "experiment: faults\n"
                                 "tests:\n"
                                 "  - name: load\n"
                                 "    protocol: {name: http, version: '2'}\n"
                                 "    services:\n"
                                 "      server: {implementation: nginx, role: server, options: {log_level: notice}}\n"
                                 "      load:\n"
                                 "        tester: h2load\n"
                                 "        drives: {server: server}\n"
                                 "        host: {apart_from: [server]}\n"
                                 "        options: {duration: 30s}\n";

static const char transfer[] = "panther: 1\n"
                               "experiment: faults\n"
                               "tests:\n"
                               "  - name: quic\n"
                               "    protocol: {name: quic}\n"
                               "    services:\n"
                               "      server: {implementation: ngtcp2, role: server, options: {sizes: [16MiB], corrupt: %s}}\n"
                               "      probe:\n"
                               "        tester: quic_probe\n"
                               "        drives: {server: server}\n"
                               "        options: {size: 16MiB, rx_loss: %s, idle_timeout: 30s}\n"
                               "        cases: [transfer]\n";

// The faulty plugin leaves a process behind before it misbehaves.
static const char faulty_host[] = "panther: 1\n"
                                  "experiment: faults\n"
                                  "tests:\n"
                                  "  - name: host\n"
                                  "    protocol: {name: http}\n"
                                  "    timeouts: {ready: 1s, stop: 1s}\n"
                                  "    axes: {fault: [none, %s]}\n"
                                  "    services:\n"
                                  "      server:\n"
                                  "        implementation: faulty\n"
                                  "        role: server\n"
                                  "        options: {argv: [/bin/sleep, '1000'], %s: $(axes.fault)}\n"
                                  "      tester: {tester: 'null', drives: {server: server}, cases: [noop]}\n";

static void check_cell(struct lab *lab, const char *name, const char *verdict, const char *reason)
{
    json_t *cell = lab_cell(lab, name);
    if (strcmp(row_text(cell, "verdict"), verdict) != 0 || strcmp(row_text(cell, "reason"), reason) != 0)
        fail_msg("%s is %s (%s), not %s (%s): %s", name, row_text(cell, "verdict"), row_text(cell, "reason"), verdict, reason,
                 row_text(cell, "text"));
}

static const char *cell_text(struct lab *lab, const char *name)
{
    return row_text(lab_cell(lab, name), "text");
}

// Submits, waits until the process runs, and kills it. The exit status of submit --wait.
static int kill_while_it_runs(struct lab *lab, const char *experiment, const char *service, const char *process)
{
    struct child *submit = lab_submit(lab, experiment);
    LAB_UNTIL(lab, lab_count_events(lab, "r1", "case_started") == 1 || child_has_ended(submit));
    pid_t pid = lab_process(lab, service, process);
    assert_true(process_lives(pid));
    kill(pid, SIGKILL);
    return lab_wait(lab, submit);
}

static void server_killed_under_the_tester(void **state)
{
    struct lab *lab = *state;
    lab_up(lab, two_agents);
    assert_int_equal(kill_while_it_runs(lab, under_load, "r1/load/1#1/server", "nginx"), 1);
    check_cell(lab, "r1/load/1", "fail", "crash");
    assert_text_has(cell_text(lab, "r1/load/1"), "signal 9");
    assert_text_has(cell_text(lab, "r1/load/1"), "start worker process"); // the end of its log
    // the load was ended with it, and does not count
    assert_non_null(lab_event_text(lab, "r1", "case_result", "inconc (cancelled)"));
    lab_leaves_nothing(lab);
}

static void wrong_hash(void **state)
{
    struct lab *lab = *state;
    char experiment[1024];
    lab_up(lab, two_agents);
    snprintf(experiment, sizeof experiment, transfer, "true", "0");
    assert_int_equal(lab_wait(lab, lab_submit(lab, experiment)), 1);
    check_cell(lab, "r1/quic/1", "fail", "violation");
    assert_text_has(cell_text(lab, "r1/quic/1"), "wrong hash");
    lab_leaves_nothing(lab);
}

static void killed_load_generator(void **state)
{
    struct lab *lab = *state;
    lab_up(lab, two_agents);
    assert_int_equal(kill_while_it_runs(lab, under_load, "r1/load/1#1/load", "h2load"), 3);
    check_cell(lab, "r1/load/1", "inconc", "killed");
    assert_text_has(cell_text(lab, "r1/load/1"), "h2load was killed by signal 9");
    lab_leaves_nothing(lab);
}

static void killed_quic_client(void **state)
{
    struct lab *lab = *state;
    char experiment[1024];
    lab_up(lab, two_agents);
    snprintf(experiment, sizeof experiment, transfer, "false", "40%");
    assert_int_equal(kill_while_it_runs(lab, experiment, "r1/quic/1#1/probe", "gtlsclient"), 3);
    check_cell(lab, "r1/quic/1", "inconc", "killed");
    lab_leaves_nothing(lab);
}

static void killed_tester_host(void **state)
{
    struct lab *lab = *state;
    lab_up(lab, two_agents);
    struct child *submit = lab_submit(lab, under_load);
    LAB_UNTIL(lab, lab_count_events(lab, "r1", "case_started") == 1);
    pid_t tool = lab_process(lab, "r1/load/1#1/load", "h2load"), guard = process_parent(tool);
    pid_t host = process_child(guard, "panther-service");
    assert_true(host > 0);
    kill(host, SIGKILL);
    assert_int_equal(lab_wait(lab, submit), 3);
    check_cell(lab, "r1/load/1", "inconc", "killed");
    assert_text_has(cell_text(lab, "r1/load/1"), "h2load");
    assert_false(process_lives(tool));
    lab_leaves_nothing(lab);
}

static void plugin_crashes(void **state)
{
    struct lab *lab = *state;
    char experiment[1024];
    lab_up(lab, two_agents);
    snprintf(experiment, sizeof experiment, faulty_host, "initialize, start, stop, cleanup", "crash_in");
    assert_int_equal(lab_wait(lab, lab_submit(lab, experiment)), 3);
    check_cell(lab, "r1/host/none/1", "pass", "");
    static const char *const phases[] = {"initialize", "start", "stop", "cleanup"};
    for (size_t i = 0; i < 4; i++) {
        const char *name = arena_printf(lab->arena, "r1/host/%s/1", phases[i]);
        check_cell(lab, name, "error", "crash");
        assert_text_has(cell_text(lab, name), arena_printf(lab->arena, "plugin faulty died of signal 11 in %s", phases[i]));
    }
    lab_leaves_nothing(lab);
}

static void plugin_hangs(void **state)
{
    struct lab *lab = *state;
    char experiment[1024];
    lab_up(lab, two_agents);
    snprintf(experiment, sizeof experiment, faulty_host, "start, stop", "hang_in");
    assert_int_equal(lab_wait(lab, lab_submit(lab, experiment)), 3);
    check_cell(lab, "r1/host/none/1", "pass", "");
    check_cell(lab, "r1/host/start/1", "error", "timeout");
    assert_text_has(cell_text(lab, "r1/host/start/1"), "plugin faulty hung in start and was killed");
    check_cell(lab, "r1/host/stop/1", "error", "timeout");
    assert_text_has(cell_text(lab, "r1/host/stop/1"), "plugin faulty hung in stop and was killed");
    lab_leaves_nothing(lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAB_TEST(server_killed_under_the_tester),
        LAB_TEST(wrong_hash),
        LAB_TEST(killed_load_generator),
        LAB_TEST(killed_quic_client),
        LAB_TEST(killed_tester_host),
        LAB_TEST(plugin_crashes),
        LAB_TEST(plugin_hangs),
    };
    return cmocka_run_group_tests_name("e2e_faults", tests, NULL, NULL);
}

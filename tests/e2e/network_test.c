// An emulated network under a whole panther: the timeline changes and cuts it, and when it dies nobody's verdict is about the server.
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "agent/environment/link/probe.h"
#include "tests/e2e/fixture.h"

static const char *const one_agent[] = {"lab-a", NULL};

#define HEAD                                                                                                                               \
    "panther: 1\n"                                                                                                                         \
    "experiment: network\n"                                                                                                                \
    "tests:\n"                                                                                                                             \
    "  - name: load\n"                                                                                                                     \
    "    protocol: {name: http, version: \"2\"}\n"                                                                                         \
    "    timeouts: {ready: 30s, case: 60s, trial: 3m}\n"                                                                                   \
    "    services:\n"                                                                                                                      \
    "      server: {implementation: nghttpd, role: server}\n"                                                                              \
    "      load: {tester: h2load, drives: {server: server}, options: {requests: 5, clients: 1}, cases: [throughput]}\n"

// Nobody listens at port 9: where packets pass, that is said at once (status 1); where they do not, the time is over (124). TCP, TLS
// and HTTP are three turns of twice 50 ms, so five requests are 17 in a second at most; without the fault they are hundreds.
static const char changed[] = HEAD "    network_environment: {type: emulated}\n"
                                   "    timeline:\n"
                                   "      - {id: open, run: \"timeout 20 bash -c '</dev/tcp/10.77.0.1/9'; test $? = 1\", service: load}\n"
                                   "      - {id: far, fault: link, between: [server, load], delay: 50ms, background: true}\n"
                                   "      - {id: work, case: throughput, after: {start_of: far}}\n"
                                   "      - {id: cut, fault: partition, groups: [[server], [load]], background: true}\n"
                                   "      - {id: shut, run: \"timeout 0.3 bash -c '</dev/tcp/10.77.0.1/9'; test $? = 124\", service: load, "
                                   "after: {start_of: cut}}\n"
                                   "    assertions:\n"
                                   "      - {metric: load.req_per_s, at_most: 17}\n"
                                   "      - {capture: present}\n";

// The tester asks a server that it never reaches, for as long as nobody ends it.
static const char silent[] = HEAD "    network_environment: {type: emulated, links: [{from: load, to: server, down: true}]}\n";

static void the_timeline_changes_and_cuts_a_network(void **state)
{
    struct lab *lab = *state;
    lab_up(lab, one_agent);
    struct output output = lab_run(lab, "submit", lab_write(lab, "changed.yaml", changed), "--wait", NULL);
    if (output.status != 0) {
        fputs(lab_run(lab, "events", "r1", NULL).out, stdout);
        fail_msg("%s\n%s", output.out, output.err);
    }
    assert_non_null(lab_event_text(lab, "r1", "fault_began", "far (link)"));
    assert_non_null(lab_event_text(lab, "r1", "fault_began", "cut (partition)"));
    lab_leaves_nothing(lab);
}

static bool kill_it(pid_t wire)
{
    return kill(wire, SIGKILL) == 0;
}

// As if its disk were full: no file of it grows any more.
static bool fill_its_disk(pid_t wire)
{
    const struct rlimit none = {0};
    return prlimit(wire, RLIMIT_FSIZE, &none, NULL) == 0;
}

// The namespace of its first service goes with who holds it.
static bool take_a_namespace(pid_t wire)
{
    char path[64], line[256] = "";
    int holder = 0;
    snprintf(path, sizeof path, "/proc/%d/cwd/namespaces", (int)wire);
    FILE *places = fopen(path, "r");
    assert_non_null(places);
    assert_non_null(fgets(line, sizeof line, places));
    fclose(places);
    assert_int_equal(sscanf(line, "%*s %d", &holder), 1);
    return holder > 1 && kill(holder, SIGKILL) == 0;
}

// Of this run, in the middle of its case.
static void break_network(struct lab *lab, const char *run, bool (*how)(pid_t wire), const char *why)
{
    struct child *submit = lab_submit(lab, silent);
    LAB_UNTIL(lab, lab_process(lab, arena_printf(lab->arena, "%s/load/1#1/load", run), "h2load") != 0);
    pid_t wire = lab_process(lab, arena_printf(lab->arena, "%s/load/1#1/network", run), "link");
    assert_true(wire > 0 && how(wire));
    assert_int_equal(lab_wait(lab, submit), 3);
    const json_t *cell = lab_cell(lab, arena_printf(lab->arena, "%s/load/1", run));
    assert_string_equal(row_text(cell, "verdict"), "inconc");
    assert_string_equal(row_text(cell, "reason"), "infrastructure");
    assert_text_has(row_text(cell, "text"), why);
}

static void a_network_that_breaks_is_no_verdict_on_the_server(void **state)
{
    struct lab *lab = *state;
    lab_up(lab, one_agent);
    break_network(lab, "r1", kill_it, "signal 9");
    break_network(lab, "r2", fill_its_disk, "cannot write the capture");
    break_network(lab, "r3", take_a_namespace, "the namespace of server is gone");
    lab_leaves_nothing(lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {LAB_TEST(the_timeline_changes_and_cuts_a_network),
                                       LAB_TEST(a_network_that_breaks_is_no_verdict_on_the_server)};
    char why[PROBE_WHY_BYTES];
    if (!probe_network(why)) {
        printf("SKIPPED: %s\n", why);
        return 77;
    }
    return cmocka_run_group_tests_name("e2e_network", tests, NULL, NULL);
}

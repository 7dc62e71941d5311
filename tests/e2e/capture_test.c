// A capture is read while its trial runs, and is the same as what is kept of it.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/environment/link/probe.h"
#include "common/system/file.h"
#include "tests/e2e/fixture.h"

#define TRIAL "r1/t/1#1"
#define CAPTURE_MAX_BYTES ((size_t)16 * 1024 * 1024)

// A packet every 200 ms, until somebody ends it.
static const char endless[] = "panther: 1\n"
                              "experiment: capture\n"
                              "tests:\n"
                              "  - name: t\n"
                              "    protocol: {name: http}\n"
                              "    timeouts: {ready: 30s, case: 5m, trial: 6m}\n"
                              "    network_environment: {type: emulated}\n"
                              "    services:\n"
                              "      server:\n"
                              "        implementation: faulty\n"
                              "        role: server\n"
                              "        options:\n"
                              "          argv: [/bin/bash, -c, 'while :; do echo hello > /dev/udp/10.77.0.2/9; sleep 0.2; done']\n"
                              "      tester: {tester: 'null', drives: {server: server}, options: {delay: 4m}, cases: [noop]}\n";

// As tshark reads it, whose words and status are left out: the file may end within what is being written. UINT_MAX: not at all.
static unsigned count_packets(struct lab *lab, const char *path, bool is_whole)
{
    char line[256];
    unsigned count = 0;
    FILE *tshark =
        popen(arena_printf(lab->arena, "tshark -n -r '%s' -Y udp.dstport==9 -T fields -e frame.interface_name 2>/dev/null", path), "r");
    assert_non_null(tshark);
    while (fgets(line, sizeof line, tshark)) {
        assert_true(strcmp(line, "server\n") == 0 || strcmp(line, "tester\n") == 0); // both ends of the wire
        count++;
    }
    int status = pclose(tshark);
    assert_true(!is_whole || status == 0);
    return count;
}

static void a_capture_is_read_while_it_is_written(void **state)
{
    struct lab *lab = *state;
    lab_up(lab, (const char *const[]){"lab-a", NULL});
    struct child *submit = lab_submit(lab, endless);
    LAB_UNTIL(lab, lab_process(lab, TRIAL "/server", "command"));
    struct child *live = lab_start(lab, "capture", "r1/t/1", "-w", "-", NULL);
    LAB_UNTIL(lab, count_packets(lab, live->out, false) >= 4);
    unsigned before = count_packets(lab, live->out, false);
    LAB_UNTIL(lab, count_packets(lab, live->out, false) > before); // it goes on
    assert_string_not_equal(row_text(json_array_get(lab_rows(lab, "runs", "r1", NULL), 0), "state"), "ended");

    assert_int_equal(lab_run(lab, "cancel", "r1", NULL).status, 0);
    lab_wait(lab, submit);
    assert_int_equal(lab_wait(lab, live), 0); // ends by itself
    const char *kept = lab_path(lab, "kept.pcapng");
    struct output output = lab_run(lab, "capture", TRIAL "/network", "-w", kept, NULL);
    assert_string_equal(output.err, "");
    assert_int_equal(output.status, 0);
    size_t live_bytes = 0, kept_bytes = 0;
    CLEANUP_FREE char *live_data = NULL, *kept_data = NULL;
    assert_int_equal(file_read(live->out, CAPTURE_MAX_BYTES, &live_data, &live_bytes, NULL), 0);
    assert_int_equal(file_read(kept, CAPTURE_MAX_BYTES, &kept_data, &kept_bytes, NULL), 0);
    assert_int_equal(live_bytes, kept_bytes);
    assert_memory_equal(live_data, kept_data, kept_bytes);
    assert_true(count_packets(lab, kept, true) > before);

    output = lab_run(lab, "capture", TRIAL "/server", "-w", kept, NULL);
    assert_int_equal(output.status, 1);
    assert_text_has(output.err, "no service of that captures");
    lab_leaves_nothing(lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {LAB_TEST(a_capture_is_read_while_it_is_written)};
    char why[PROBE_WHY_BYTES];
    if (!probe_network(why)) {
        printf("SKIPPED: %s\n", why);
        return 77;
    }
    if (system("tshark --version >/dev/null 2>&1") != 0) {
        printf("SKIPPED: tshark is missing\n");
        return 77;
    }
    return cmocka_run_group_tests_name("e2e_capture", tests, NULL, NULL);
}

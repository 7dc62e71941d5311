// Somebody opens a shell in a service of a trial that is held: inside of its network, as its user, with a record of it.
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "agent/environment/link/probe.h"
#include "tests/e2e/fixture.h"

#define SERVICE "r1/t/1#1/server"

static const char failing[] = "panther: 1\n"
                              "experiment: shell\n"
                              "tests:\n"
                              "  - name: t\n"
                              "    protocol: {name: http, version: \"2\"}\n"
                              "    timeouts: {ready: 30s, case: 60s, trial: 3m}\n"
                              "    network_environment: {type: emulated}\n"
                              "    services:\n"
                              "      server: {implementation: nghttpd, role: server}\n"
                              "      tester: {tester: 'null', drives: {server: server}, options: {verdict: fail}, cases: [noop]}\n";

// A pipeline; what it comes to is the status of the shell, and what is printed stands in lab->root/NAME.
static struct output pipeline(struct lab *lab, const char *typed, const char *words, bool on_terminal)
{
    const char *command = arena_printf(lab->arena, "'%s/panther-coord' --key '%s' --coordinator %s shell " SERVICE " %s", PANTHER_BIN,
                                       lab->key, lab->endpoint, words);
    if (on_terminal)
        command = arena_printf(lab->arena, "script -qec \"%s\" /dev/null", command);
    const char *line = arena_printf(lab->arena, "%s | timeout 60 %s", typed, command);
    struct child *child = children_start(lab->root, "pipeline", (const char *const[]){"/bin/bash", "-c", line, NULL});
    struct output output = {lab_wait(lab, child), lab_read(lab, child->out), lab_read(lab, child->err)};
    remove(child->out);
    remove(child->err);
    child_forget(child);
    return output;
}

static bool is_held(struct lab *lab)
{
    return lab_event_text(lab, "r1", "trial_held", "") != NULL;
}

static void it_is_inside(struct lab *lab)
{
    struct output output = pipeline(lab, "echo 'ip -o addr; pwd; echo as $PANTHER_PROCESS; exit 7'", "", false);
    assert_text_has(output.out, "eth0    inet 10.77.0.1/16"); // of the emulated network
    assert_text_has(output.out, "/lab-a/instances/1.1/work\n");
    assert_text_has(output.out, "as shell.1\n");
    assert_string_equal(output.err, "");
    assert_int_equal(output.status, 7);
    assert_string_equal(lab_run(lab, "logs", SERVICE "/shell.1.output", NULL).out, output.out);
    assert_string_equal(lab_run(lab, "logs", SERVICE "/shell.1.input", NULL).out, "ip -o addr; pwd; echo as $PANTHER_PROCESS; exit 7\n");
    assert_non_null(lab_event_text(lab, "r1", "note", "admin is inside: shell.1"));
    assert_non_null(lab_event_text(lab, "r1", "note", "shell.1 of admin is over: exit status 7"));
}

static void it_has_a_terminal(struct lab *lab)
{
    struct output output = pipeline(lab, "printf 'stty -echo; test -t 0 && echo $((6*7))\\rexit 5\\r'", "", true);
    assert_text_has(output.out, "42");
    assert_int_equal(output.status, 5);
    output = pipeline(lab, "printf '~.'", "", true);
    assert_text_has(output.out, "left; the shell is ended");
    assert_int_equal(output.status, 1);
}

static bool is_inside(struct lab *lab, const char *what)
{
    return lab_event_text(lab, "r1", "note", what) != NULL;
}

static void a_shell_is_inside_of_a_held_service(void **state)
{
    struct lab *lab = *state;
    lab_up(lab, (const char *const[]){"lab-a", NULL});
    struct output output = lab_run(lab, "submit", lab_write(lab, "failing.yaml", failing), "--hold-on", "fail=30m", NULL);
    assert_string_equal(output.err, "");
    LAB_UNTIL(lab, is_held(lab));
    it_is_inside(lab);
    it_has_a_terminal(lab);
    output = lab_run(lab, "shell", SERVICE, "--", "/bin/sh", "-c", "kill -USR1 $$", NULL);
    assert_int_equal(output.status, 128 + SIGUSR1);
    output = lab_run(lab, "shell", SERVICE, "not-a-program", NULL);
    assert_text_has(output.err, "cannot run not-a-program");
    assert_int_equal(output.status, 1);
    output = lab_run(lab, "shell", "r1/t/1#1/nobody", NULL);
    assert_text_has(output.err, "has no such service");
    assert_int_equal(output.status, 1);

    struct child *open = lab_start(lab, "shell", "@last/t/1/server", "sleep", "1000", NULL);
    LAB_UNTIL(lab, is_inside(lab, ": sleep 1000"));
    assert_int_equal(lab_run(lab, "release", "r1", NULL).status, 0);
    assert_int_not_equal(lab_wait(lab, open), 0); // ends with the service
    LAB_UNTIL(lab, strcmp(row_text(lab_cell(lab, "r1/t/1"), "verdict"), "fail") == 0);
    lab_leaves_nothing(lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {LAB_TEST(a_shell_is_inside_of_a_held_service)};
    char why[PROBE_WHY_BYTES];
    if (!probe_network(why)) {
        printf("SKIPPED: %s\n", why);
        return 77;
    }
    return cmocka_run_group_tests_name("e2e_shell", tests, NULL, NULL);
}

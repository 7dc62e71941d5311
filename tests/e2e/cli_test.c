// What scripts rely on: exit statuses, JSON that parses, idempotency keys, names that can be pasted, and nothing but text in a pipe.
#include <stdio.h>
#include <string.h>

#include "tests/e2e/fixture.h"

static const char verdicts[] = "panther: 1\n"
                               "experiment: verdicts\n"
                               "tests:\n"
                               "  - name: t\n"
                               "    protocol: {name: none}\n"
                               "    axes: {v: [pass]}\n"
                               "    services:\n"
                               "      tester: {tester: 'null', options: {verdict: $(axes.v), metrics: 2}, cases: [noop]}\n"
                               "    assertions:\n"
                               "      - {metric: tester.m1, at_least: 1}\n";

static const char endless[] = "panther: 1\n"
                              "experiment: endless\n"
                              "tests:\n"
                              "  - name: t\n"
                              "    protocol: {name: none}\n"
                              "    repeat: {times: 3}\n"
                              "    services:\n"
                              "      tester: {tester: 'null', options: {delay: 1h}, cases: [noop]}\n"
                              "    timeouts: {case: 2h, trial: 3h}\n";

static void up(struct lab *lab)
{
    lab_up(lab, (const char *const[]){"lab-a", NULL});
}

// ---- without a coordinator

static const char *const names[] = {"serve",  "keys",      "submit", "check",   "runs",   "watch",  "results", "logs",
                                    "events", "artifacts", "agents", "plugins", "status", "cancel", "backup"};

static void usage(void **state)
{
    struct lab *lab = *state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct output output = lab_run(lab, names[i], "--help", NULL);
        assert_int_equal(output.status, 0);
        assert_text_has(output.out, arena_printf(lab->arena, "panther-coord %s", names[i]));
        output = lab_run(lab, names[i], "--no-such-flag", NULL);
        assert_int_equal(output.status, 2);
        assert_text_has(output.err, "--no-such-flag");
    }
    assert_int_equal(lab_run(lab, NULL).status, 2);
    struct output output = lab_run(lab, "sumbit", NULL);
    assert_int_equal(output.status, 2);
    assert_text_has(output.err, "sumbit");
    assert_int_equal(lab_run(lab, "runs", "-o", "xml", NULL).status, 2);
    assert_int_equal(lab_run(lab, "submit", NULL).status, 2);
    assert_int_equal(lab_run(lab, "cancel", NULL).status, 2);
    assert_int_equal(lab_run(lab, "keys", "add", "king", "arthur", NULL).status, 2);
    lab_leaves_nothing(lab);
}

static void no_coordinator(void **state)
{
    struct lab *lab = *state;
    lab_serve(lab); // makes the operator's key
    lab_stop(lab->coordinator, "the coordinator");
    const char *path = lab_write(lab, "verdicts.yaml", verdicts);
    const char *const commands[][2] = {{"runs", NULL},   {"results", NULL}, {"logs", NULL},   {"events", NULL}, {"artifacts", NULL},
                                       {"agents", NULL}, {"plugins", NULL}, {"status", NULL}, {"watch", NULL},  {"cancel", "r1"},
                                       {"backup", "/b"}, {"submit", path},  {"keys", "list"}};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        struct output output = lab_run(lab, commands[i][0], "--timeout", "2s", commands[i][1], NULL);
        if (output.status != 4)
            fail_msg("%s ends with status %d: %s", commands[i][0], output.status, output.err);
        assert_text_has(output.err, lab->endpoint);
        assert_string_equal(output.out, "");
    }
    assert_int_equal(lab_run(lab, "status", "--key-file", lab_path(lab, "no.key"), NULL).status, 2);
    lab_leaves_nothing(lab);
}

// ---- exit statuses of a run

static int status_of(struct lab *lab, const char *wanted)
{
    const char *set = arena_printf(lab->arena, "tests.t.axes.v=%s", wanted);
    return lab_run(lab, "submit", lab_write(lab, "verdicts.yaml", verdicts), "--wait", "--set", set, NULL).status;
}

static void exit_statuses(void **state)
{
    struct lab *lab = *state;
    up(lab);
    assert_int_equal(status_of(lab, "pass"), 0);
    assert_int_equal(status_of(lab, "pass,fail"), 1);
    assert_int_equal(status_of(lab, "pass,inconc"), 3);
    assert_int_equal(status_of(lab, "error"), 3);
    assert_int_equal(status_of(lab, "error,fail,inconc"), 1); // a fail says more
    json_t *cells = lab_rows(lab, "results", "@last", NULL);
    assert_int_equal(json_array_size(cells), 3);
    assert_string_equal(row_text(json_array_get(lab_rows(lab, "runs", "@last", NULL), 0), "verdict"), "error"); // the worst of all

    // all mistakes at once, with their places
    const char *bad = lab_write(lab, "bad.yaml",
                                "panther: 1\nexperiment: bad\ntests:\n  - name: t\n    protocol: {name: none}\n    services:\n"
                                "      tester: {tester: 'null', options: {dely: 1s, metrics: 65}, cases: [nop]}\n");
    struct output output = lab_run(lab, "submit", bad, "--wait", NULL);
    assert_int_equal(output.status, 2);
    assert_text_has(output.err, "bad.yaml:7:42: ");
    assert_text_has(output.err, "did you mean \"delay\"?");
    assert_text_has(output.err, "bad.yaml:7:52: ");
    assert_text_has(output.err, "bad.yaml:7:74: ");
    assert_int_equal(lab_run(lab, "submit", lab_path(lab, "no.yaml"), NULL).status, 2);
    assert_int_equal(lab_run(lab, "results", "r99", NULL).status, 1);
    assert_int_equal(lab_run(lab, "results", "r1/nothing", NULL).status, 1);
    assert_int_equal(lab_run(lab, "watch", "r99", NULL).status, 1);
    assert_int_equal(lab_run(lab, "plugins", "nothing", NULL).status, 1);
    lab_leaves_nothing(lab);
}

static void cancelled_run(void **state)
{
    struct lab *lab = *state;
    up(lab);
    struct child *submit = lab_submit(lab, endless);
    LAB_UNTIL(lab, lab_count_events(lab, "r1", "case_started") == 3);
    json_t *cancelled = lab_rows(lab, "cancel", "@last", NULL);
    assert_int_equal(row_number(json_array_get(cancelled, 0), "cells_count"), 3);
    assert_int_equal(lab_wait(lab, submit), 3);
    json_t *cells = lab_rows(lab, "results", "r1", NULL), *cell;
    size_t i;
    json_array_foreach(cells, i, cell)
    {
        assert_string_equal(row_text(cell, "verdict"), "inconc");
        assert_string_equal(row_text(cell, "reason"), "cancelled");
    }
    assert_int_equal(row_number(json_array_get(lab_rows(lab, "cancel", "r1", NULL), 0), "cells_count"), 0); // again: nothing to do
    assert_int_equal(lab_run(lab, "cancel", "r99", NULL).status, 1);
    lab_leaves_nothing(lab);
}

static void idempotency_key(void **state)
{
    struct lab *lab = *state;
    up(lab);
    const char *path = lab_write(lab, "verdicts.yaml", verdicts);
    struct output output = lab_run(lab, "submit", path, "--key", "night-7", NULL);
    assert_int_equal(output.status, 0);
    assert_string_equal(output.out, "r1\n");
    output = lab_run(lab, "submit", path, "--key", "night-7", "--wait", NULL); // again, and it waits for the one there is
    assert_int_equal(output.status, 0);
    assert_int_equal(strncmp(output.out, "r1\n", 3), 0);
    assert_text_has(output.err, "night-7");
    output = lab_run(lab, "submit", path, "--key", "night-7", "--set", "tests.t.axes.v=fail", NULL);
    assert_int_equal(output.status, 1);
    assert_text_has(output.err, "was used for run r1");
    output = lab_run(lab, "submit", path, "--key", "night-8", NULL);
    assert_string_equal(output.out, "r2\n");
    assert_int_equal(json_array_size(lab_rows(lab, "runs", NULL)), 2);
    lab_leaves_nothing(lab);
}

// ---- for programs

static void check_lines(struct lab *lab, const char *lines, size_t expected)
{
    size_t count = 0;
    for (const char *line = lines; *line; line += strcspn(line, "\n") + 1) {
        json_t *row = lab_parse(lab, arena_printf(lab->arena, "%.*s", (int)strcspn(line, "\n"), line));
        assert_true(json_is_object(row));
        count++;
    }
    assert_int_equal(count, expected);
}

static void json_of_every_command(void **state)
{
    struct lab *lab = *state;
    up(lab);
    const char *path = lab_write(lab, "verdicts.yaml", verdicts);
    struct output output = lab_run(lab, "submit", path, "--follow", "-o", "jsonl", NULL);
    assert_int_equal(output.status, 0);
    check_lines(lab, output.out, 3); // the run, its one cell, the run when it has ended
    assert_text_has(output.out, "\"verdict\":\"pass\"");
    const char *const commands[][3] = {{"runs", NULL},
                                       {"results", "r1", NULL},
                                       {"results", "r1", "--trials"},
                                       {"results", "r1", "--cases"},
                                       {"results", "r1", "--metrics"},
                                       {"results", "r1", "--assertions"},
                                       {"events", "r1", NULL},
                                       {"agents", NULL},
                                       {"plugins", NULL},
                                       {"plugins", "null", NULL},
                                       {"status", NULL},
                                       {"keys", "list", NULL},
                                       {"submit", path, "--dry-run"}};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        const char *const *command = commands[i];
        json_t *rows = lab_rows(lab, command[0], command[1], command[1] ? command[2] : NULL, NULL);
        assert_true(json_array_size(rows) > 0);
        output = lab_run(lab, command[0], "-o", "jsonl", command[1], command[1] ? command[2] : NULL, NULL);
        assert_int_equal(output.status, 0);
        if (strcmp(command[0], "events") != 0)
            check_lines(lab, output.out, json_array_size(rows));
        output = lab_run(lab, command[0], command[1], command[1] ? command[2] : NULL, NULL);
        assert_int_equal(output.status, 0);
        assert_null(strchr(output.out, '\033')); // plain in a pipe
        assert_true(*output.out);
    }
    assert_int_equal(json_array_size(lab_rows(lab, "artifacts", "r1", NULL)), 0); // none, and still JSON
    lab_leaves_nothing(lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAB_TEST(usage),         LAB_TEST(no_coordinator),  LAB_TEST(exit_statuses),
        LAB_TEST(cancelled_run), LAB_TEST(idempotency_key), LAB_TEST(json_of_every_command),
    };
    return cmocka_run_group_tests_name("e2e_cli", tests, NULL, NULL);
}

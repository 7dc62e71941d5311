// Logs and artifacts are there while they grow, and are whole at the end.
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tests/e2e/fixture.h"

#define LINES 30
// Thirty lines into stdout and into a file, the last ones when the file "go" is there (%1$s); then it waits to be stopped. The trial ends
// when all were printed.
static const char talkative[] =
    "panther: 1\n"
    "experiment: logs\n"
    "tests:\n"
    "  - name: t\n"
    "    protocol: {name: http}\n"
    "    services:\n"
    "      server:\n"
    "        implementation: faulty\n"
    "        role: server\n"
    "        host: lab-a\n"
    "        options:\n"
    "          artifact: notes.txt\n"
    "          argv:\n"
    "            - /bin/sh\n"
    "            - -c\n"
    "            - 'i=0; while [ $i -lt 30 ]; do i=$((i+1)); echo \"line $i of 30\"; echo \"note $i\" >> notes.txt; sleep 0.05; "
    "while [ $i = 10 ] && ! [ -e %1$s ]; do sleep 0.05; done; done; echo error >&2; : > all; exec sleep 1000'\n"
    "      echo:\n"
    "        implementation: faulty\n"
    "        role: server\n"
    "        host: {apart_from: [server]}\n"
    "        options:\n"
    "          argv: [/bin/sh, -c, 'for i in 1 2 3; do echo \"echo $i\"; sleep 0.1; done; exec sleep 1000']\n"
    "      tester: {tester: 'null', drives: {server: server}, cases: [noop]}\n"
    "    timeline:\n"
    "      - {id: printed, run: 'until [ -e all ]; do sleep 0.05; done', service: server}\n"
    "      - {id: work, case: noop}\n"
    "    assertions:\n"
    "      - {service: server, output: {present: 'line 30 of 30'}}\n";

static struct child *submit_talkative(struct lab *lab)
{
    return lab_submit(lab, arena_printf(lab->arena, talkative, lab_path(lab, "go")));
}

static const char *const two_hosts[] = {"lab-a", "lab-b", NULL};

static size_t count_lines(const char *text)
{
    size_t count = 0;
    for (; *text; text++)
        count += *text == '\n';
    return count;
}

static const char *said(struct lab *lab, const struct child *child)
{
    return lab_read(lab, child->out);
}

static bool run_is_going_on(struct lab *lab)
{
    return strcmp(row_text(json_array_get(lab_rows(lab, "runs", "r1", NULL), 0), "state"), "ended") != 0;
}

static void check_whole(const char *text, const char *prefix)
{
    char wanted[128];
    for (int i = 1; i <= LINES; i++) {
        snprintf(wanted, sizeof wanted, "%sline %d of 30\n", prefix, i);
        assert_text_has(text, wanted);
    }
}

// A moment after its agent came.
static bool is_measured(struct lab *lab, const char *host)
{
    return json_is_integer(json_object_get(row_where(lab_rows(lab, "agents", NULL), "name", host), "clock_error_us"));
}

// Each line of the two hosts is one object, with its host and when that saw it.
static void check_objects(struct lab *lab, const char *text)
{
    size_t lines = 0, echoes = 0;
    CLEANUP_FREE char *rest = memory_string(text);
    for (char *at = rest, *line; (line = strsep(&at, "\n")) && *line;) {
        const json_t *object = lab_parse(lab, line);
        bool is_echo = strncmp(row_text(object, "text"), "echo ", 5) == 0;
        lines += strncmp(row_text(object, "text"), "line ", 5) == 0;
        echoes += is_echo;
        if (strstr(row_text(object, "name"), "/command.stdout")) {
            assert_string_equal(row_text(object, "host"), is_echo ? "lab-b" : "lab-a");
            assert_true(row_number(object, "time_ns") > 0);
        }
    }
    assert_int_equal(lines, LINES);
    assert_int_equal(echoes, 3);
}

static void followed_while_they_grow(void **state)
{
    struct lab *lab = *state;
    lab_up(lab, two_hosts);
    LAB_UNTIL(lab, is_measured(lab, "lab-a") && is_measured(lab, "lab-b"));
    struct child *submit = submit_talkative(lab);
    LAB_UNTIL(lab, lab_process(lab, "r1/t/1#1/server", "command"));
    struct child *stream = lab_start(lab, "logs", "r1/t/1#1/server/command.stdout", "--follow", NULL);
    struct child *run = lab_start(lab, "logs", "r1", "-f", NULL);
    struct child *objects = lab_start(lab, "logs", "r1", "-f", "-o", "jsonl", NULL);
    struct child *events = lab_start(lab, "events", "r1", "-f", "-o", "jsonl", NULL);
    LAB_UNTIL(lab, count_lines(said(lab, stream)) >= 3 && strstr(said(lab, run), "line 3 of 30"));
    assert_true(run_is_going_on(lab));
    assert_true(count_lines(said(lab, stream)) < LINES);                                                 // it came as it grew
    assert_text_has(lab_run(lab, "logs", "r1/t/1#1/server/command.stdout", NULL).out, "line 3 of 30\n"); // and without -f what there is

    lab_write(lab, "go", "");
    assert_int_equal(lab_wait(lab, submit), 0);
    assert_int_equal(lab_wait(lab, stream), 0); // ends by itself
    assert_int_equal(lab_wait(lab, run), 0);
    assert_int_equal(count_lines(said(lab, stream)), LINES);
    check_whole(said(lab, stream), "");
    check_whole(said(lab, run), "r1/t/1#1/server/command.stdout lab-a| ");
    assert_text_has(said(lab, run), "r1/t/1#1/server/command.stderr lab-a| error\n");
    assert_int_equal(lab_wait(lab, objects), 0);
    check_objects(lab, said(lab, objects));
    LAB_UNTIL(lab, strstr(said(lab, events), "run_ended"));
    kill(events->pid, SIGTERM); // until Ctrl-C
    lab_wait(lab, events);

    json_t *artifact = row_where(lab_rows(lab, "artifacts", "r1", NULL), "artifact", "notes.txt");
    assert_non_null(artifact);
    assert_string_equal(row_text(artifact, "state"), "stored");
    struct output output = lab_run(lab, "logs", row_text(artifact, "name"), NULL);
    assert_int_equal(output.status, 0);
    assert_int_equal(count_lines(output.out), LINES);
    lab_leaves_nothing(lab);
}

// The coordinator is away for a while: the stream goes on where it was.
static void stream_survives_the_coordinator(void **state)
{
    struct lab *lab = *state;
    lab_up(lab, two_hosts);
    struct child *submit = submit_talkative(lab);
    LAB_UNTIL(lab, lab_process(lab, "r1/t/1#1/server", "command"));
    LAB_UNTIL(lab, strstr(lab_run(lab, "logs", "r1/t/1#1/server/command.stdout", NULL).out, "line 5 of 30"));
    child_kill(lab->coordinator);
    lab_serve(lab);
    lab_write(lab, "go", "");
    assert_int_equal(lab_wait(lab, submit), 0);
    struct output output = lab_run(lab, "logs", "r1/t/1#1/server/command.stdout", NULL);
    assert_int_equal(count_lines(output.out), LINES);
    check_whole(output.out, "");
    lab_leaves_nothing(lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {LAB_TEST(followed_while_they_grow), LAB_TEST(stream_survives_the_coordinator)};
    return cmocka_run_group_tests_name("e2e_logs", tests, NULL, NULL);
}

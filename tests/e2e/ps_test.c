// What lives on the hosts is named with its trial and service; what should not live is an orphan, with the reason; a host that does not
// answer is named. In a lab that works there is never an orphan, whenever one asks.
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/e2e/fixture.h"

static const char *const two_agents[] = {"lab-a", "lab-b", NULL};

static const char with_server[] = "panther: 1\n"
                                  "experiment: lives\n"
                                  "tests:\n"
                                  "  - name: t\n"
                                  "    protocol: {name: http}\n"
                                  "    repeat: {times: 3}\n"
                                  "    services:\n"
                                  "      server: {implementation: nginx, role: server}\n"
                                  "      tester:\n"
                                  "        tester: 'null'\n"
                                  "        drives: {server: server}\n"
                                  "        host: {apart_from: [server]}\n"
                                  "        options: {delay: 300ms}\n"
                                  "        cases: [n000, n001, n002, n003, n004, n005]\n";

static json_t *process_of(json_t *rows, const char *service, const char *process)
{
    json_t *row;
    size_t i;
    json_array_foreach(rows, i, row)
    {
        if (strcmp(row_text(row, "service"), service) == 0 && strcmp(row_text(row, "process"), process) == 0)
            return row;
    }
    return NULL;
}

static void what_lives_is_named_and_wanted(void **state)
{
    struct lab *lab = *state;
    lab_up(lab, two_agents);
    struct child *submit = lab_submit(lab, with_server);
    LAB_UNTIL(lab, lab_count_events(lab, "r1", "case_result") >= 1);
    json_t *rows = lab_rows(lab, "ps", NULL);
    json_t *server = process_of(rows, "server", "nginx"), *guard = process_of(rows, "server", "panther-guard");
    assert_non_null(server);
    assert_non_null(guard);
    assert_non_null(process_of(rows, "tester", "panther-service"));
    assert_text_has(row_text(server, "trial"), "r1/t/"); // one of three that run side by side
    assert_true(process_lives((pid_t)row_number(server, "pid")));
    assert_true(row_number(server, "instance") > 0);
    unsigned asked = 0;
    while (!child_has_ended(submit)) { // also while trials begin and end
        struct output orphans = lab_run(lab, "ps", "--orphans", "-o", "jsonl", NULL);
        if (orphans.status != 0 || *orphans.out)
            fail_msg("an orphan in a lab that works: %s%s", orphans.out, orphans.err);
        asked++;
    }
    assert_true(asked > 0);
    assert_int_equal(lab_wait(lab, submit), 0);
    LAB_UNTIL(lab, json_array_size(lab_rows(lab, "ps", NULL)) == 0);
    lab_leaves_nothing(lab);
}

// A process that carries the mark of this agent, of an instance that nobody knows.
static struct child *leave_a_process(struct lab *lab, const struct lab_agent *agent)
{
    char host_id[64];
    snprintf(host_id, sizeof host_id, "%s", lab_read(lab, arena_printf(lab->arena, "%s/host_id", agent->state)));
    host_id[strcspn(host_id, "\n")] = '\0';
    setenv("PANTHER_INSTANCE", arena_printf(lab->arena, "4711.1@%s", host_id), 1);
    const char *argv[] = {"/bin/sleep", "1000", NULL};
    struct child *child = children_start(lab->root, "orphan", argv);
    unsetenv("PANTHER_INSTANCE");
    return child;
}

// Anybody may give a process a mark that is none.
static struct child *leave_a_false_mark(struct lab *lab)
{
    setenv("PANTHER_INSTANCE", "4711.1", 1);
    const char *argv[] = {"/bin/sleep", "1001", NULL};
    struct child *child = children_start(lab->root, "false-mark", argv);
    unsetenv("PANTHER_INSTANCE");
    return child;
}

static void an_orphan_is_named(void **state)
{
    struct lab *lab = *state;
    lab_up(lab, two_agents);
    struct child *other = leave_a_false_mark(lab);
    struct child *left = leave_a_process(lab, lab_agent_of(lab, "lab-b"));
    LAB_UNTIL(lab, lab_run(lab, "ps", "--orphans", NULL).status == 1); // once its program has begun
    struct output output = lab_run(lab, "ps", "--orphans", "-o", "json", NULL);
    assert_int_equal(output.status, 1);
    json_t *rows = lab_parse(lab, output.out);
    assert_int_equal(json_array_size(rows), 1);
    const json_t *row = json_array_get(rows, 0);
    assert_string_equal(row_text(row, "host"), "lab-b");
    assert_string_equal(row_text(row, "process"), "sleep");
    assert_int_equal(row_number(row, "instance"), 4711);
    assert_int_equal(row_number(row, "pid"), left->pid);
    assert_string_equal(row_text(row, "orphan"), "this agent has no such instance");
    assert_text_has(lab_run(lab, "ps", NULL).out, "this agent has no such instance");
    child_kill(left);
    child_kill(other);
    output = lab_run(lab, "ps", "--orphans", NULL);
    assert_int_equal(output.status, 0);
    lab_leaves_nothing(lab);
}

static void a_host_that_does_not_answer_is_named(void **state)
{
    struct lab *lab = *state;
    lab_up(lab, two_agents);
    struct lab_agent *silent = lab_agent_of(lab, "lab-b");
    kill(silent->child->pid, SIGSTOP);
    struct output output = lab_run(lab, "ps", "--orphans", "-o", "json", NULL);
    kill(silent->child->pid, SIGCONT);
    assert_int_equal(output.status, 3);
    const json_t *row = row_where(lab_parse(lab, output.out), "host", "lab-b");
    assert_non_null(row);
    assert_string_equal(row_text(row, "state"), "no answer");
    assert_text_has(output.err, "host lab-b was not looked at");
    LAB_UNTIL(lab, lab_run(lab, "ps", "--orphans", NULL).status == 0);
    lab_leaves_nothing(lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAB_TEST(what_lives_is_named_and_wanted),
        LAB_TEST(an_orphan_is_named),
        LAB_TEST(a_host_that_does_not_answer_is_named),
    };
    return cmocka_run_group_tests_name("e2e_ps", tests, NULL, NULL);
}

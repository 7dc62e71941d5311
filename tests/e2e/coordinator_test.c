// The coordinator is killed while it works, and copied while it works: nothing that was accepted is lost, and nothing counts twice.
#include <string.h>

#include "tests/e2e/fixture.h"

static const char *const two_agents[] = {"lab-a", "lab-b", NULL};

#define CELLS 40
static const char forty_cells[] = "panther: 1\n"
                                  "experiment: forty\n"
                                  "tests:\n"
                                  "  - name: short\n"
                                  "    protocol: {name: http}\n"
                                  "    repeat: {times: 36}\n"
                                  "    services:\n"
                                  "      tester: {tester: 'null', options: {delay: 700ms}, cases: [pass]}\n"
                                  "  - name: load\n"
                                  "    protocol: {name: http, version: '2'}\n"
                                  "    repeat: {times: 4}\n"
                                  "    services:\n"
                                  "      server: {implementation: nginx, role: server}\n"
                                  "      load: {tester: h2load, drives: {server: server}, options: {requests: 2000}}\n";

static json_int_t done(struct lab *lab)
{
    return row_number(json_array_get(lab_rows(lab, "runs", "r1", NULL), 0), "done_count");
}

static void kill_coordinator(struct lab *lab)
{
    child_kill(lab->coordinator);
    assert_int_equal(lab->coordinator->status, STATUS_SIGNAL + 9);
}

static void each_cell_has_one_verdict(struct lab *lab)
{
    json_t *cells = lab_rows(lab, "results", "r1", NULL), *events = lab_rows(lab, "events", "r1", NULL), *cell, *event;
    size_t i, j;
    assert_int_equal(json_array_size(cells), CELLS);
    json_array_foreach(cells, i, cell)
    {
        const char *verdict = arena_printf(lab->arena, "%s: ", row_text(cell, "name"));
        size_t verdicts = 0;
        assert_string_equal(row_text(cell, "verdict"), "pass");
        assert_int_equal(row_number(cell, "attempts_count"), 1);
        json_array_foreach(events, j, event)
        {
            verdicts +=
                strcmp(row_text(event, "kind"), "cell_ended") == 0 && strncmp(row_text(event, "text"), verdict, strlen(verdict)) == 0;
        }
        assert_int_equal(verdicts, 1);
    }
    static const char *const once_a_cell[] = {"trial_started", "trial_ended", "cell_ended", "case_result"};
    for (i = 0; i < sizeof once_a_cell / sizeof *once_a_cell; i++)
        assert_int_equal(lab_count_events(lab, "r1", once_a_cell[i]), CELLS);
    assert_int_equal(lab_count_events(lab, "r1", "run_ended"), 1);
}

static void killed_in_the_middle_of_forty_cells(void **state)
{
    struct lab *lab = *state;
    lab_up(lab, two_agents);
    struct child *submit = lab_submit(lab, forty_cells);
    LAB_UNTIL(lab, done(lab) >= 5);
    kill_coordinator(lab);
    LAB_UNTIL(lab, lab_log_has(lab, submit, "waiting for the coordinator to come back"));
    lab_serve(lab);
    json_int_t done_before = done(lab);
    assert_true(done_before >= 5 && done_before < CELLS);
    LAB_UNTIL(lab, done(lab) > done_before);
    kill_coordinator(lab);
    assert_false(child_has_ended(submit));
    lab_serve(lab);
    assert_int_equal(lab_wait(lab, submit), 0);
    each_cell_has_one_verdict(lab);
    lab_leaves_nothing(lab);
}

// Who does not know whether a submission arrived sends it again under its key: it is there once.
static void accepted_run_is_there_after_a_kill(void **state)
{
    struct lab *lab = *state;
    lab_serve(lab);
    lab_agent(lab, "lab-a");
    lab_connected(lab, "lab-a");
    const char *path = lab_write(lab, "forty.yaml", forty_cells);
    assert_int_equal(lab_run(lab, "submit", path, "--key", "night-7", NULL).status, 0);
    kill_coordinator(lab);
    lab_serve(lab);
    lab_connected(lab, "lab-a");
    struct output output = lab_run(lab, "submit", path, "--key", "night-7", NULL);
    assert_int_equal(output.status, 0);
    assert_string_equal(output.out, "r1\n");
    assert_int_equal(json_array_size(lab_rows(lab, "runs", NULL)), 1);
    assert_int_equal(lab_run(lab, "cancel", "r1", NULL).status, 0);
    lab_leaves_nothing(lab);
}

static void backup_of_a_live_store(void **state)
{
    struct lab *lab = *state;
    const char *backup = lab_path(lab, "backup"), *endpoint;
    lab_up(lab, two_agents);
    struct child *submit = lab_submit(lab, forty_cells);
    LAB_UNTIL(lab, done(lab) >= 5);
    assert_int_equal(lab_run(lab, "backup", backup, NULL).status, 0);
    assert_int_equal(lab_run(lab, "backup", backup, NULL).status, 1); // never over another one
    assert_int_equal(lab_wait(lab, submit), 0);

    struct child *another = lab_serve_another(lab, backup, &endpoint);
    json_t *run = json_array_get(lab_rows(lab, "runs", "--coordinator", endpoint, NULL), 0);
    assert_string_equal(row_text(run, "name"), "r1");
    assert_true(row_number(run, "done_count") >= 5);
    json_t *cells = lab_rows(lab, "results", "r1", "--coordinator", endpoint, NULL), *cell;
    size_t i;
    json_array_foreach(cells, i, cell)
    {
        if (strcmp(row_text(cell, "state"), "ended") == 0)
            assert_string_equal(row_text(cell, "verdict"), "pass");
    }
    json_t *artifact = json_array_get(lab_rows(lab, "artifacts", "r1", "--coordinator", endpoint, NULL), 0);
    if (artifact)
        assert_int_equal(lab_run(lab, "logs", row_text(artifact, "name"), "--coordinator", endpoint, NULL).status, 0);
    lab_stop(another, "the coordinator of the backup");
    lab_leaves_nothing(lab);
}

// Agents know more than an older backup: they are not welcome there, so that nothing gets a second verdict behind everybody's back.
static void older_backup_in_place_of_the_store(void **state)
{
    struct lab *lab = *state;
    const char *backup = lab_path(lab, "backup");
    lab_serve(lab);
    struct lab_agent *agent = lab_agent(lab, "lab-a");
    lab_connected(lab, "lab-a");
    assert_int_equal(lab_run(lab, "backup", backup, NULL).status, 0);
    assert_int_equal(lab_wait(lab, lab_submit(lab, "panther: 1\nexperiment: one\ntests:\n  - name: t\n    protocol: {name: none}\n"
                                                   "    services:\n      tester: {tester: 'null', cases: [noop]}\n")),
                     0);
    kill_coordinator(lab);
    lab->data = backup;
    lab_serve(lab);
    LAB_UNTIL(lab, lab_log_has(lab, agent->child, "restored from an older backup"));
    lab_leaves_nothing(lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAB_TEST(killed_in_the_middle_of_forty_cells),
        LAB_TEST(accepted_run_is_there_after_a_kill),
        LAB_TEST(backup_of_a_live_store),
        LAB_TEST(older_backup_in_place_of_the_store),
    };
    return cmocka_run_group_tests_name("e2e_coordinator", tests, NULL, NULL);
}

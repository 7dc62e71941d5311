// The coordinator is killed while it works, and copied while it works: nothing that was accepted is lost, and nothing counts twice.
#include <stdio.h>
#include <stdlib.h>
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

static bool audit_is(struct lab *lab, int status, const char *state, const char *folder)
{
    struct output output =
        folder ? lab_run(lab, "audit", "r1", "--data", folder, "-o", "json", NULL) : lab_run(lab, "audit", "r1", "-o", "json", NULL);
    return output.status == status && strcmp(row_text(json_array_get(lab_parse(lab, output.out), 0), "state"), state) == 0;
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
    LAB_UNTIL(lab, audit_is(lab, 0, "proven", NULL)); // as soon as the last streams have come
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

static char *folder_listing(struct lab *lab, const char *folder)
{
    const char *script = arena_printf(lab->arena, "cd %s && find . -type f -exec sha256sum {} + | sort", folder);
    FILE *pipe = popen(script, "r");
    assert_non_null(pipe);
    struct text text = {0};
    char part[4096];
    for (size_t got; (got = fread(part, 1, sizeof part, pipe)) > 0;)
        text_append_bytes(&text, part, got);
    assert_int_equal(pclose(pipe), 0);
    char *listing = arena_string(lab->arena, text_string(&text));
    text_free(&text);
    return listing;
}

// What a run claims is proven by the coordinator, by a backup and by what a killed coordinator leaves; a doctored copy is found out.
static void audit_of_the_store_and_of_its_copies(void **state)
{
    struct lab *lab = *state;
    const char *backup = lab_path(lab, "backup"), *copy = lab_path(lab, "copy");
    lab_up(lab, two_agents);
    assert_int_equal(lab_run(lab, "audit", "@last", NULL).status, 1); // there is no run yet
    struct child *submit = lab_submit(lab, forty_cells);
    LAB_UNTIL(lab, done(lab) >= 2);
    assert_true(audit_is(lab, 3, "open", NULL));
    assert_int_equal(lab_wait(lab, submit), 0);
    LAB_UNTIL(lab, audit_is(lab, 0, "proven", NULL));
    struct output live = lab_run(lab, "audit", "r1", "--data", lab->data, NULL); // its coordinator runs
    assert_int_equal(live.status, 2);
    assert_text_has(live.err, "leave --data out");
    assert_int_equal(lab_run(lab, "backup", backup, NULL).status, 0);
    assert_true(audit_is(lab, 0, "proven", backup));
    kill_coordinator(lab);
    assert_int_equal(system(arena_printf(lab->arena, "cp -r %s %s", lab->data, copy)), 0);
    char *before = folder_listing(lab, copy);
    assert_true(audit_is(lab, 0, "proven", copy));
    assert_string_equal(folder_listing(lab, copy), before);
    // a byte of a blob
    const char *flip = arena_printf(lab->arena, "cd %s && f=$(find blobs -type f -size +0 | sort | head -1) && printf X >>\"$f\"", copy);
    assert_int_equal(system(flip), 0);
    struct output doctored = lab_run(lab, "audit", "r1", "--data", copy, NULL);
    assert_int_equal(doctored.status, 5);
    assert_text_has(doctored.out, "was changed");
    lab_serve(lab);
    lab_connected(lab, "lab-a");
    lab_connected(lab, "lab-b");
    lab_leaves_nothing(lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAB_TEST(killed_in_the_middle_of_forty_cells), LAB_TEST(accepted_run_is_there_after_a_kill),   LAB_TEST(backup_of_a_live_store),
        LAB_TEST(older_backup_in_place_of_the_store),  LAB_TEST(audit_of_the_store_and_of_its_copies),
    };
    return cmocka_run_group_tests_name("e2e_coordinator", tests, NULL, NULL);
}

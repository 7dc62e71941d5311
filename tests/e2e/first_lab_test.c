// The first experiment, as a new user meets it: checked, planned, run, and looked at.
#include <string.h>
#include <unistd.h>

#include "common/system/file.h"
#include "common/wire/wire.h"
#include "tests/e2e/fixture.h"

#define FIRST_LAB PANTHER_SOURCE "/deploy/examples/first-lab.yaml"

static const char *const two_agents[] = {"lab-a", "lab-b", NULL};

static void is_checked_offline(void **state)
{
    struct lab *lab = *state;
    struct output output = lab_run(lab, "check", FIRST_LAB, NULL);
    assert_int_equal(output.status, 0);
    const char *bad = lab_write(lab, "bad.yaml",
                                "panther: 1\nexperiment: bad\ntests:\n  - name: t\n    protocol: {name: http}\n    services:\n"
                                "      server: {implementation: nginks, role: server}\n");
    output = lab_run(lab, "check", bad, NULL);
    assert_int_equal(output.status, 2);
    assert_text_has(output.err, "bad.yaml:7:32: ");
    assert_text_has(output.err, "did you mean \"nginx\"?");
    lab_leaves_nothing(lab);
}

static void is_planned(struct lab *lab)
{
    json_t *plan = lab_rows(lab, "submit", FIRST_LAB, "--dry-run", NULL);
    assert_int_equal(json_array_size(plan), 6);
    size_t i;
    json_t *cell;
    json_array_foreach(plan, i, cell)
    {
        assert_string_equal(row_text(cell, "problem"), "");
        assert_text_has(row_text(cell, "services"), "@lab-a");
        assert_text_has(row_text(cell, "services"), "@lab-b");
    }
    assert_int_equal(json_array_size(lab_rows(lab, "runs", NULL)), 0); // nothing was submitted
}

static void has_one_verdict_per_cell(struct lab *lab)
{
    json_t *cells = lab_rows(lab, "results", "r1", NULL), *cell;
    assert_int_equal(json_array_size(cells), 6);
    size_t i;
    json_array_foreach(cells, i, cell)
    {
        const char *verdict = arena_printf(lab->arena, "%s: pass", row_text(cell, "name"));
        assert_string_equal(row_text(cell, "verdict"), "pass");
        assert_non_null(lab_event_text(lab, "r1", "cell_ended", verdict));
    }
    assert_int_equal(lab_count_events(lab, "r1", "cell_ended"), 6);
    assert_int_equal(lab_count_events(lab, "r1", "run_ended"), 1);
}

static void has_metrics(struct lab *lab)
{
    json_t *metrics = lab_rows(lab, "results", "r1/load/nginx/1", "--metrics", NULL);
    const json_t *rate = row_where(metrics, "metric", "req_per_s"), *ratio = row_where(metrics, "metric", "success_ratio");
    assert_true(json_number_value(json_object_get(rate, "value")) > 0);
    assert_string_equal(row_text(rate, "unit"), "1/s");
    assert_true(json_number_value(json_object_get(ratio, "value")) == 1.0);
    assert_non_null(row_where(lab_rows(lab, "results", "r1/quic/1", "--metrics", NULL), "metric", "handshake_time"));
    json_t *assertions = lab_rows(lab, "results", "r1/load/nginx/1", "--assertions", NULL);
    assert_int_equal(json_array_size(assertions), 2);
    assert_string_equal(row_text(json_array_get(assertions, 0), "verdict"), "pass");
}

static bool all_are_stored(struct lab *lab)
{
    json_t *artifacts = lab_rows(lab, "artifacts", "r1", NULL), *artifact;
    size_t i;
    json_array_foreach(artifacts, i, artifact)
    {
        if (strcmp(row_text(artifact, "state"), "stored") != 0)
            return false;
    }
    return json_array_size(artifacts) > 0;
}

// What is printed is what was hashed on the agent. A verdict does not wait for files.
static void has_artifacts(struct lab *lab)
{
    LAB_UNTIL(lab, all_are_stored(lab));
    json_t *artifacts = lab_rows(lab, "artifacts", "r1", NULL), *artifact;
    assert_non_null(row_where(artifacts, "name", "r1/load/nginx/1#1/server/nginx.conf"));
    assert_non_null(row_where(artifacts, "kind", "qlog"));
    size_t i;
    json_array_foreach(artifacts, i, artifact)
    {
        char hash[HASH_TEXT_BYTES];
        assert_string_equal(row_text(artifact, "state"), "stored");
        struct output output = lab_run(lab, "logs", row_text(artifact, "name"), NULL);
        assert_int_equal(output.status, 0);
        assert_int_equal(strlen(output.out), row_number(artifact, "size_bytes"));
        hash_bytes(output.out, strlen(output.out), hash);
        assert_string_equal(hash, row_text(artifact, "hash"));
    }
}

static void has_logs(struct lab *lab)
{
    struct output output = lab_run(lab, "logs", "r1/load/nginx/1#1/load/h2load.stdout", NULL);
    assert_int_equal(output.status, 0);
    assert_text_has(output.out, "5000 succeeded, 0 failed");
    output = lab_run(lab, "logs", "r1/quic/1", NULL);
    assert_int_equal(output.status, 0);
    assert_text_has(output.out, "r1/quic/1#1/probe/");
    assert_text_has(output.out, "QUIC handshake has completed");
}

static void passes(void **state)
{
    struct lab *lab = *state;
    lab_up(lab, two_agents);
    is_planned(lab);
    struct output output = lab_run(lab, "submit", FIRST_LAB, "--follow", NULL);
    assert_int_equal(output.status, 0);
    assert_text_has(output.out, "pass    r1/load/nginx/1");
    has_one_verdict_per_cell(lab);
    has_metrics(lab);
    has_artifacts(lab);
    has_logs(lab);
    lab_leaves_nothing(lab);
}

static const char with_a_folder[] = "panther: 1\n"
                                    "experiment: folder\n"
                                    "files: {site: site, page: site/below/page}\n"
                                    "tests:\n"
                                    "  - name: t\n"
                                    "    protocol: {name: http, version: '1.1'}\n"
                                    "    axes: {server: [nginx]}\n"
                                    "    repeat: {times: 2}\n"
                                    "    services:\n"
                                    "      server: {implementation: $(axes.server), role: server, options: {page: $(file.site)}}\n"
                                    "      other: {implementation: nginx, role: server, options: {page: $(file.page)}}\n"
                                    "      load:\n"
                                    "        tester: h2load\n"
                                    "        drives: {server: server}\n"
                                    "        options: {requests: 10, clients: 1, path: /below/page}\n"
                                    "        cases: [throughput]\n";

// A whole folder goes with the experiment and is served as it is here; a file of it beside it.
static void a_folder_travels(void **state)
{
    struct lab *lab = *state;
    lab_up(lab, two_agents);
    const char *folder = lab_path(lab, "site/below");
    assert_int_equal(folder_make(folder, 0755, NULL), 0);
    lab_write(lab, "site/below/page", "forty-two");
    const char *experiment = lab_write(lab, "folder.yaml", with_a_folder);
    struct output output = lab_run(lab, "submit", experiment, "--wait", NULL);
    if (output.status != 0)
        fail_msg("%s%s", output.out, output.err);
    lab_write(lab, "site/below/page", "forty-three"); // other content is another folder
    output = lab_run(lab, "submit", experiment, "--wait", NULL);
    assert_int_equal(output.status, 0);
    assert_int_equal(unlink(lab_path(lab, "site/below/page")), 0);
    assert_int_equal(symlink("/etc/passwd", lab_path(lab, "site/below/page")), 0);
    output = lab_run(lab, "submit", experiment, "--wait", NULL);
    assert_int_equal(output.status, 2);
    assert_text_has(output.err, "site/below/page is neither a file nor a folder");
    lab_leaves_nothing(lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {LAB_TEST(is_checked_offline), LAB_TEST(passes), LAB_TEST(a_folder_travels)};
    return cmocka_run_group_tests_name("e2e_first_lab", tests, NULL, NULL);
}

// The matrix of a run: the worst of several cells, what was not supported, names that came from a test, and quic-interop-runner's lists.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>
// clang-format on

#include "coordinator/report/matrix.h"

static struct run_report report;
static struct table *instances;

static int begin(void **state)
{
    (void)state;
    report = (struct run_report){
        .run = table_new((const char *const[]){"name", "started_wall_ns", "ended_wall_ns"}, 3),
        .cells = table_new((const char *const[]){"name", "test", "combination", "verdict"}, 4),
        .trials = table_new((const char *const[]){"name", "cell"}, 2),
        .cases = table_new((const char *const[]){"trial", "service", "case", "verdict"}, 4),
        .metrics = table_new((const char *const[]){"trial", "service", "case", "metric", "value"}, 5),
    };
    instances = table_new((const char *const[]){"trial", "service", "plugin", "kind"}, 4);
    table_add(report.run, (const char *const[]){"r7", "1500000000", "4000000000"});
    return 0;
}

static int end(void **state)
{
    (void)state;
    run_report_free(&report);
    table_free(&instances);
    return 0;
}

static void add_cell(const char *cell, const char *server, const char *client)
{
    char trial[64];
    snprintf(trial, sizeof trial, "%s#1", cell);
    table_add(report.cells, (const char *const[]){cell, "t", "", "pass"});
    table_add(report.trials, (const char *const[]){trial, cell});
    table_add(instances, (const char *const[]){trial, "network", "emulated", "network"});
    table_add(instances, (const char *const[]){trial, "client", client, "iut"});
    table_add(instances, (const char *const[]){trial, "server", server, "iut"});
    table_add(instances, (const char *const[]){trial, "judge", "quic_interop", "tester"});
}

static void add_case(const char *cell, const char *name, const char *verdict)
{
    char trial[64];
    snprintf(trial, sizeof trial, "%s#1", cell);
    table_add(report.cases, (const char *const[]){trial, "judge", name, verdict});
}

static void add_goodput(const char *cell, const char *value)
{
    char trial[64];
    snprintf(trial, sizeof trial, "%s#1", cell);
    table_add(report.metrics, (const char *const[]){trial, "judge", "goodput", "goodput", value});
    table_add(report.metrics, (const char *const[]){trial, "judge", "goodput", "packets", "12"});
}

// ngtcp2 with itself twice, quic_go's server with ngtcp2's client; nothing with quic_go's client and ngtcp2's server.
static void fill(void)
{
    add_cell("r7/t/a/1", "ngtcp2", "ngtcp2_client");
    add_case("r7/t/a/1", "handshake", "pass");
    add_case("r7/t/a/1", "retry", "pass");
    add_case("r7/t/a/1", "goodput", "pass");
    add_goodput("r7/t/a/1", "9000");
    add_cell("r7/t/a/2", "ngtcp2", "ngtcp2_client");
    add_case("r7/t/a/2", "handshake", "inconc");
    add_case("r7/t/a/2", "retry", "fail");
    add_case("r7/t/a/2", "goodput", "pass");
    add_goodput("r7/t/a/2", "8000");
    add_cell("r7/t/b/1", "quic_go", "ngtcp2_client");
    add_case("r7/t/b/1", "handshake", "pass");
    add_case("r7/t/b/1", "retry", "none");
    add_case("r7/t/b/1", "own|case", "");
    add_cell("r7/t/c/1", "quic_go", "quic_go");
    add_case("r7/t/c/1", "handshake", "pass");
    table_add(report.cells, (const char *const[]){"r7/t/d/1", "t", "", "none"}); // no trial
    run_report_index(&report);
}

typedef void print_fn(const struct matrix *matrix, struct text *out);

static void expect(print_fn *print, const char *wanted)
{
    struct matrix *matrix = matrix_new(&report, instances);
    struct text text = {0};
    print(matrix, &text);
    assert_string_equal(text_string(&text), wanted);
    text_free(&text);
    matrix_free(&matrix);
}

static void the_worst_of_a_pair_counts(void **state)
{
    (void)state;
    fill();
    expect(matrix_table, "client         ngtcp2   quic_go\n"
                         "ngtcp2_client  G !S ?H  H ?own|case -S\n"
                         "quic_go                 H\n"
                         "\n"
                         "H handshake, S retry, G goodput, ! failed, ? not decided, - not supported; blank: it did not run\n");
    expect(matrix_markdown, "| client | ngtcp2 | quic\\_go |\n"
                            "|---|---|---|\n"
                            "| ngtcp2\\_client | G !S ?H | H ?own\\|case -S |\n"
                            "| quic\\_go |  | H |\n"
                            "\n"
                            "H handshake, S retry, G goodput, ! failed, ? not decided, - not supported; blank: it did not run\n");
    struct matrix *matrix = matrix_new(&report, instances);
    assert_int_equal(matrix_pairs(matrix), 3);
    matrix_free(&matrix);
}

static const char *result_at(const json_t *lists, size_t pair, const char *name)
{
    size_t i;
    json_t *entry;
    json_array_foreach(json_array_get(lists, pair), i, entry)
    {
        if (strcmp(json_string_value(json_object_get(entry, "name")), name) == 0) {
            const char *result = json_string_value(json_object_get(entry, "result"));
            return result ? result : "null";
        }
    }
    return "missing";
}

static void json_is_as_quic_interop_runner_writes_it(void **state)
{
    (void)state;
    fill();
    struct matrix *matrix = matrix_new(&report, instances);
    struct text text = {0};
    matrix_json(matrix, &report, &text);
    json_t *document = json_loads(text_string(&text), 0, NULL);
    assert_non_null(document);
    const json_t *results = json_object_get(document, "results"), *measurements = json_object_get(document, "measurements");
    assert_int_equal(json_array_size(results), 4); // two clients by two servers
    assert_int_equal(json_array_size(measurements), 4);
    assert_string_equal(json_string_value(json_array_get(json_object_get(document, "servers"), 1)), "quic_go");
    assert_string_equal(json_string_value(json_array_get(json_object_get(document, "clients"), 0)), "ngtcp2_client");
    assert_string_equal(result_at(results, 0, "handshake"), "null");
    assert_string_equal(result_at(results, 0, "retry"), "failed");
    assert_string_equal(result_at(results, 1, "handshake"), "succeeded");
    assert_string_equal(result_at(results, 1, "retry"), "unsupported");
    assert_string_equal(result_at(results, 2, "handshake"), "null"); // quic_go's client with ngtcp2: not run
    assert_string_equal(result_at(results, 3, "handshake"), "succeeded");
    assert_string_equal(result_at(results, 0, "goodput"), "missing");
    assert_string_equal(result_at(measurements, 0, "goodput"), "succeeded");
    assert_string_equal(json_string_value(json_object_get(json_array_get(json_array_get(measurements, 0), 0), "details")),
                        "8500 (± 707) kbps");
    assert_true(json_real_value(json_object_get(document, "start_time")) == 1.5);
    assert_string_equal(json_string_value(json_object_get(json_object_get(json_object_get(document, "tests"), "S"), "name")), "retry");
    json_decref(document);
    text_free(&text);
    matrix_free(&matrix);
}

// A tester in the client's place: one column of servers, its own cases.
static void a_tester_stands_for_a_client(void **state)
{
    (void)state;
    table_add(report.cells, (const char *const[]){"r7/t/1", "t", "", "pass"});
    table_add(report.trials, (const char *const[]){"r7/t/1#1", "r7/t/1"});
    table_add(instances, (const char *const[]){"r7/t/1#1", "web", "nginx", "iut"});
    table_add(instances, (const char *const[]){"r7/t/1#1", "load", "h2load", "tester"});
    add_case("r7/t/1", "throughput", "pass");
    run_report_index(&report);
    expect(matrix_table, "client  nginx\n"
                         "h2load  throughput\n"
                         "\n"
                         "! failed, ? not decided, - not supported; blank: it did not run\n");
}

static void an_empty_run_is_an_empty_matrix(void **state)
{
    (void)state;
    run_report_index(&report);
    struct matrix *matrix = matrix_new(&report, instances);
    struct text text = {0};
    assert_int_equal(matrix_pairs(matrix), 0);
    matrix_json(matrix, &report, &text);
    assert_non_null(strstr(text_string(&text), "\"results\":[]"));
    text_free(&text);
    matrix_free(&matrix);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_worst_of_a_pair_counts, begin, end),
        cmocka_unit_test_setup_teardown(json_is_as_quic_interop_runner_writes_it, begin, end),
        cmocka_unit_test_setup_teardown(a_tester_stands_for_a_client, begin, end),
        cmocka_unit_test_setup_teardown(an_empty_run_is_an_empty_matrix, begin, end),
    };
    return cmocka_run_group_tests_name("report_matrix", tests, NULL, NULL);
}

// `--set path=value`, and the files a client is to send.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/experiment/fixture.h"

static const char base[] = "panther: 1\n"
                           "experiment: base\n"
                           "files: {page: index.html}\n"
                           "tests:\n"
                           "  - name: http1.1\n"
                           "    protocol: {name: http}\n"
                           "    axes: {keepalive: [0ms, 20ms]}\n"
                           "    services:\n"
                           "      server: {implementation: nginx, options: {workers: 1, keepalive: $(axes.keepalive)}}\n"
                           "      load: {tester: h2load, drives: {server: server}, cases: [throughput]}\n";

static struct resolution *set(const char *override)
{
    const char *const overrides[] = {override, NULL};
    return resolution_new("base.yaml", base, overrides);
}

static void expect_error(const char *override, const char *message)
{
    struct resolution *resolution = set(override);
    struct text report = {0};
    resolution_report(resolution, &report);
    assert_string_equal(text_string(&report), message);
    text_free(&report);
    resolution_free(&resolution);
}

static void a_value_is_replaced(void **state)
{
    (void)state;
    struct resolution *resolution = set("tests.http1.1.services.server.options.workers=7");
    assert_non_null(resolution->experiment);
    assert_string_equal(resolution->experiment->tests[0]->services[0]->options[0]->values[0], "7");
    resolution_free(&resolution);
}

static void what_was_not_there_is_added(void **state)
{
    (void)state;
    struct resolution *resolution = set("tests.http1.1.repeat.times=50");
    assert_non_null(resolution->experiment);
    assert_int_equal(experiment_cells(resolution->experiment->tests[0]), 100);
    resolution_free(&resolution);
}

static void a_list_is_written_with_commas(void **state)
{
    (void)state;
    struct resolution *resolution = set("tests.http1.1.axes.keepalive=1s,2s,3s");
    assert_non_null(resolution->experiment);
    assert_int_equal(resolution->experiment->tests[0]->axes[0]->n_values, 3);
    assert_string_equal(resolution->experiment->tests[0]->axes[0]->values[2]->text, "3s");
    resolution_free(&resolution);
}

static void an_empty_value_takes_it_back(void **state)
{
    (void)state;
    // a text, a list (all cases), a map
    static const char *const keys[] = {"tests.http1.1.services.server.role=", "tests.http1.1.services.load.cases=", "files="};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        struct resolution *resolution = set(keys[i]);
        assert_non_null(resolution->experiment);
        resolution_free(&resolution);
    }
}

static void a_path_that_leads_nowhere_is_told(void **state)
{
    (void)state;
    expect_error("tests.http1-1.repeat.times=5",
                 "base.yaml: --set tests.http1-1.repeat.times: there is no entry called \"http1-1\"; did you mean \"http1.1\"?\n");
    expect_error("tests.http1.1=5", "base.yaml: --set tests.http1.1: this is an entry of a list; name one of its keys\n");
    expect_error("tests.http1.1.services.load=5", "base.yaml: --set tests.http1.1.services.load: this is a map; name one of its keys\n");
    expect_error("experiment.name=5", "base.yaml: --set experiment.name: there is a text before \"name\", not a map\n");
    expect_error("tests..x=5", "base.yaml: --set tests..x: the path is empty or has an empty part\n");
    expect_error("=5", "base.yaml: --set : the path is empty or has an empty part\n");
    expect_error("tests.http1.1.repeats.times=5", "base.yaml: unknown key \"repeats\" in a test; did you mean \"repeat\"?\n");
    expect_error("tests.http1.1.repeat.times=x", "base.yaml: times must be a whole number from 1 to 1000000, not \"x\"\n");
    expect_error("a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a=1",
                 "base.yaml: --set a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a: the path is too long\n"
                 "base.yaml: unknown key \"a\" in an experiment\n");
}

static void a_star_means_every_entry(void **state)
{
    (void)state;
    struct resolution *resolution = set("tests.*.repeat.times=3");
    assert_non_null(resolution->experiment);
    assert_int_equal(experiment_cells(resolution->experiment->tests[0]), 6);
    resolution_free(&resolution);
    expect_error("tests.*.name.x=3", "base.yaml: --set tests.*.name.x: there is a text before \"x\", not a map\n");
}

// ---- only

static const char two_tests[] = "panther: 1\n"
                                "experiment: two\n"
                                "tests:\n"
                                "  - name: matrix\n"
                                "    protocol: {name: http}\n"
                                "    axes: {server: {a: {implementation: nginx}, b: {implementation: nghttpd}}, keepalive: [0ms, 20ms]}\n"
                                "    exclude: [{server: b, keepalive: 20ms}]\n"
                                "    services:\n"
                                "      server: {from: $(axes.server), options: {keepalive: $(axes.keepalive)}}\n"
                                "      load: {tester: h2load, drives: {server: server}}\n"
                                "  - name: quic\n"
                                "    protocol: {name: quic}\n"
                                "    services:\n"
                                "      server: {implementation: ngtcp2, role: server}\n"
                                "      probe: {tester: quic_probe, drives: {server: server}}\n"
                                "  - name: told\n"
                                "    protocol: {name: quic}\n"
                                "    services:\n"
                                "      stack: {implementation: ngtcp2, role: server}\n"
                                "      probe: {tester: quic_probe, drives: {server: stack}}\n"
                                "    timeline: [{case: handshake}]\n";

// The names of all cells, and their testers' cases.
static void expect_left(const char *const *overrides, const char *expected)
{
    struct resolution *resolution = resolution_new("two.yaml", two_tests, overrides);
    struct text left = {0};
    resolution_report(resolution, &left);
    for (size_t i = 0; resolution->experiment && i < resolution->experiment->n_tests; i++) {
        const Pb__Test *test = resolution->experiment->tests[i];
        for (uint64_t j = 0; j < experiment_cells(test); j++)
            text_printf(&left, "%s ", experiment_cell_name(1, resolution->experiment, i, j, resolution->arena));
        for (size_t j = 0; j < test->services[1]->n_cases; j++)
            text_printf(&left, "%s%s", j ? "," : "", test->services[1]->cases[j]);
        text_append(&left, "\n");
    }
    assert_string_equal(text_string(&left), expected);
    text_free(&left);
    resolution_free(&resolution);
}
#define EXPECT_LEFT(expected, ...) expect_left((const char *const[]){__VA_ARGS__, NULL}, expected)

static void only_a_part_runs(void **state)
{
    (void)state;
    EXPECT_LEFT("r1/matrix/a,0ms/1 r1/matrix/a,20ms/1 throughput,latency\n", "only.server=a");
    EXPECT_LEFT("r1/matrix/b,0ms/1 throughput,latency\n", "only.server=nghttpd");
    EXPECT_LEFT("r1/matrix/a,20ms/1 throughput,latency\n", "only.keepalive=20ms");
    EXPECT_LEFT("r1/quic/1 handshake,transfer,retry\n", "only.server=ngtcp2");
    EXPECT_LEFT("r1/quic/1 retry\n", "only.server=ngtcp2", "only.case=retry");
    EXPECT_LEFT("r1/quic/1 r1/quic/2 retry\n", "only.test=quic", "only.case=retry", "tests.*.repeat.times=2");
    EXPECT_LEFT("r1/told/1 handshake\n", "only.stack=ngtcp2");
    EXPECT_LEFT("r1/matrix/a,0ms/1 latency\n", "only.test=matrix", "only.case=latency", "only.server=a", "only.keepalive=0ms");
}

static void nothing_that_is_left_is_told(void **state)
{
    (void)state;
    EXPECT_LEFT("two.yaml: only: nothing is left with keepalive=20ms\n", "only.server=b", "only.keepalive=20ms");
    EXPECT_LEFT("two.yaml: only: no test has an axis or a service \"serve\"\n", "only.serve=b");
    EXPECT_LEFT("two.yaml: only: nothing is left with test=x\n", "only.test=x");
    EXPECT_LEFT("two.yaml: only: the cases of the test \"told\" stand on a timeline; take them out there\n", "only.test=told",
                "only.case=handshake");
}

static void the_files_to_send_are_known_before_any_check(void **state)
{
    (void)state;
    struct resolution *resolution = set("tests.http1.1.name=");
    Pb__FileReference **files;
    assert_null(resolution->experiment);
    assert_int_equal(experiment_files(resolution->document, resolution->arena, &files, &resolution->diagnostics), 1);
    assert_string_equal(files[0]->name, "page");
    assert_string_equal(files[0]->path, "index.html");
    resolution_free(&resolution);
}

static void a_file_that_did_not_come_is_told(void **state)
{
    (void)state;
    struct resolution *resolution = set("experiment=again");
    struct experiment_plugins plugins = fixture_plugins(resolution->arena);
    assert_non_null(resolution->experiment);
    assert_string_equal(resolution->experiment->files[0]->hash, "h-page");
    assert_null(experiment_resolve(resolution->document, &plugins, NULL, 0, resolution->arena, &resolution->diagnostics));
    assert_int_equal(resolution->diagnostics.errors, 1);
    assert_string_equal(resolution->diagnostics.items[0]->message, "the file \"page\" (index.html) did not come with the submission");
    resolution_free(&resolution);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_replaced),
        cmocka_unit_test(what_was_not_there_is_added),
        cmocka_unit_test(a_list_is_written_with_commas),
        cmocka_unit_test(an_empty_value_takes_it_back),
        cmocka_unit_test(a_path_that_leads_nowhere_is_told),
        cmocka_unit_test(a_star_means_every_entry),
        cmocka_unit_test(only_a_part_runs),
        cmocka_unit_test(nothing_that_is_left_is_told),
        cmocka_unit_test(the_files_to_send_are_known_before_any_check),
        cmocka_unit_test(a_file_that_did_not_come_is_told),
    };
    return cmocka_run_group_tests_name("experiment overrides", tests, NULL, NULL);
}

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
    struct resolution *resolution = set("tests.http1.1.services.load.cases=");
    assert_null(resolution->experiment);
    resolution_free(&resolution);
    resolution = set("tests.http1.1.services.server.role=");
    assert_non_null(resolution->experiment);
    resolution_free(&resolution);
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
        cmocka_unit_test(the_files_to_send_are_known_before_any_check),
        cmocka_unit_test(a_file_that_did_not_come_is_told),
    };
    return cmocka_run_group_tests_name("experiment overrides", tests, NULL, NULL);
}

// Reads tests. What can be read of a broken test is still checked, so that all of its mistakes are told at once.
#include "coordinator/experiment/tests.h"

#include <string.h>

#include "common/base/map.h"
#include "coordinator/experiment/assertions.h"
#include "coordinator/experiment/axes.h"
#include "coordinator/experiment/combinations.h"
#include "coordinator/experiment/defaults.h"
#include "coordinator/experiment/execution.h"
#include "coordinator/experiment/gates.h"
#include "coordinator/experiment/hosts.h"
#include "coordinator/experiment/kept.h"
#include "coordinator/experiment/needs.h"
#include "coordinator/experiment/network.h"
#include "coordinator/experiment/replicas.h"
#include "coordinator/experiment/rules.h"
#include "coordinator/experiment/sampling.h"
#include "coordinator/experiment/services.h"
#include "coordinator/experiment/timeline.h"

static const char *const covers[] = {"pairwise", NULL};
static const char *const case_conditions[] = {"replace", "add", "refuse", NULL};
const struct document_key tests_protocol_keys[] = {DOCUMENT_KEY("name", TEXT, .required = true), DOCUMENT_KEY("version", TEXT),
                                                   DOCUMENT_LATER("role"), DOCUMENT_LATER("target"), DOCUMENT_END};
const struct document_key tests_keys[] = {
    DOCUMENT_KEY("name", TEXT, .help = "shown in r142/NAME/..."),
    DOCUMENT_KEY("protocol", MAP, .keys = tests_protocol_keys, .help = "default version: the first of the first service's plugin"),
    DOCUMENT_KEY("axes", AXES, .help = "lists of texts, or maps of ids to texts or {implementation, options}"),
    DOCUMENT_KEY("exclude", SELECTORS, .help = "combinations that do not run"),
    DOCUMENT_KEY("include", SELECTORS, .help = "combinations that run in any case"),
    DOCUMENT_KEY("cover", CHOICE, .choices = covers, .help = "few combinations with every pair of values of two axes"),
    DOCUMENT_KEY("repeat", MAP, .keys = rules_repeat_keys),
    DOCUMENT_KEY("timeouts", MAP, .keys = rules_timeout_keys),
    DOCUMENT_KEY("retry", MAP, .keys = rules_retry_keys),
    DOCUMENT_KEY("evidence", MAP, .keys = sampling_keys, .help = "what stays of it"),
    DOCUMENT_KEY("services", NAMED, .keys = services_keys),
    DOCUMENT_KEY("network_environment", MAP, .keys = network_keys),
    DOCUMENT_KEY("execution_environment", LIST, .keys = execution_keys),
    DOCUMENT_KEY("timeline", LIST, .keys = timeline_keys),
    DOCUMENT_KEY("case_conditions", CHOICE, .choices = case_conditions, .help = "what network_environment means for cases with their own"),
    DOCUMENT_KEY("assertions", LIST, .keys = assertions_keys),
    DOCUMENT_KEY("expect", LIST, .keys = gates_expect_keys, .or_file = true, .help = "known failures, or the file that lists them"),
    DOCUMENT_KEY("cases", MAP, .keys = gates_cases_keys),
    DOCUMENT_KEY("no_worse_than", CHOICE, .choices = gates_against, .help = "every metric's mean, by more than chance"),
    DOCUMENT_KEY("by", REAL, .help = "of no_worse_than: a share of the mean that is no news; 5%"),
    DOCUMENT_KEY("confidence", REAL, .help = "of no_worse_than; 95%"),
    DOCUMENT_LATER("campaign"),
    DOCUMENT_LATER("replicas"),
    DOCUMENT_LATER("vary"),
    DOCUMENT_LATER("builds"),
    DOCUMENT_LATER("stop_when"),
    DOCUMENT_LATER("labels"),
    DOCUMENT_LATER("files"),
    DOCUMENT_END};

static void read_protocol(struct scope *scope, const struct value *map, const struct value *protocol)
{
    const struct document *document = &scope->document;
    if (!protocol) {
        document_error(document, map, "the test needs a protocol, such as {name: http, version: \"2\"}");
        return;
    }
    if (!document_is_map(document, protocol, "protocol"))
        return;
    document_check_keys(document, protocol, tests_protocol_keys, "protocol");
    const struct value *name = document_get(protocol, "name"), *version = document_get(protocol, "version");
    const char *name_text = document_text(document, name, "the protocol's name"),
               *version_text = document_text(document, version, "the protocol's version");
    if (!name)
        document_error(document, protocol, "protocol needs a name");
    if (name_text && document_word(document, name, name_text, "the protocol"))
        scope->test->protocol_name = arena_string(document->arena, name_text);
    if (!version_text)
        return;
    scope_check(scope, version_text, version, SCOPE_AXES);
    scope->test->protocol_version = arena_string(document->arena, version_text);
}

static void read_case_conditions(const struct document *document, const struct value *value, Pb__Test *test)
{
    const char *text = document_constant(document, value, "case_conditions");
    test->case_conditions = arena_string(document->arena, text ? text : case_conditions[0]);
    for (size_t i = 0; text && case_conditions[i]; i++)
        if (strcmp(case_conditions[i], text) == 0)
            return;
    if (text)
        document_error(document, value, "case_conditions is replace, add or refuse, not \"%.80s\"%s", text,
                       document_hint(document, text, case_conditions, 3));
}

// ---- parts of a test

static void read_services(struct scope *scope, const struct value *map)
{
    const struct document *document = &scope->document;
    const struct value *services = scope->services;
    if (!services) {
        document_error(document, map, "the test has no services");
        return;
    }
    if (services->count == 0 || services->count > SERVICES_PER_TEST_MAX) {
        document_error(document, services, "a test has from 1 to %d services, this one has %zu", SERVICES_PER_TEST_MAX, services->count);
        scope->services = NULL;
        return;
    }
    services_read(scope);
}

// Options of the axes' values may refer to services, which are known only now.
static void check_axes_options(struct scope *scope)
{
    for (size_t i = 0; i < scope->test->n_axes; i++)
        for (size_t j = 0; j < scope->test->axes[i]->n_values; j++) {
            const Pb__AxisValue *value = scope->test->axes[i]->values[j];
            for (size_t k = 0; k < value->n_options; k++)
                for (size_t l = 0; l < value->options[k]->n_values; l++) {
                    const struct value place = scope_place(value->options[k]->line, value->options[k]->column);
                    scope_check(scope, value->options[k]->values[l], &place, SCOPE_ALL);
                }
        }
}

static void warn_of_unused_axes(const struct scope *scope, const struct value *axes)
{
    for (size_t i = 0; axes && axes->kind == VALUE_MAP && i < scope->test->n_axes; i++)
        if (!scope->axis_is_used[i])
            document_warning(&scope->document, axes->key_places[i], "the axis \"%s\" is used nowhere: its cells do the same thing",
                             axes->keys[i]);
}

static void warn_of_no_judge(const struct scope *scope, const struct value *map)
{
    bool is_judged = scope->test->n_assertions > 0;
    for (size_t i = 0; i < scope->test->n_services; i++)
        is_judged = is_judged || scope->test->services[i]->tester[0];
    if (!is_judged)
        document_warning(&scope->document, map, "the test has no tester and no assertion: nothing judges it");
}

static void check_cells(const struct document *document, const struct value *map, const Pb__Test *test)
{
    uint64_t cells;
    if (__builtin_mul_overflow(test->combinations, (uint64_t)test->repeat_times, &cells) || cells > CELLS_PER_TEST_MAX)
        document_error(document, map, "the test has more than %d cells: %llu combinations, %u times", CELLS_PER_TEST_MAX,
                       (unsigned long long)test->combinations, test->repeat_times);
}

static void read_body(struct scope *scope, const struct value *map)
{
    const struct document *document = &scope->document;
    const struct value *axes = document_get(map, "axes"), *protocol = document_get(map, "protocol");
    const struct value *network = document_get(map, "network_environment");
    Pb__Test *test = scope->test;
    size_t errors_before = document->diagnostics->errors;
    document_check_keys(document, map, tests_keys, "a test");
    axes_read(document, axes, document_get(map, "cover") != NULL, test);
    kept_read(document, map, test, scope->combinations_left);
    read_protocol(scope, map, protocol);
    rules_read_repeat(document, document_get(map, "repeat"), test);
    test->timeouts = rules_read_timeouts(document, document_get(map, "timeouts"));
    test->retry = rules_read_retry(document, document_get(map, "retry"));
    sampling_read(document, document_get(map, "evidence"), test);
    check_cells(document, map, test);
    const struct value *services = document_get(map, "services");
    scope->services = document_is_map(document, services, "services") ? services : NULL;
    if (!services || scope->services)
        read_services(scope, map);
    check_axes_options(scope);
    network_read(scope, network);
    execution_read(scope, document_get(map, "execution_environment"));
    read_case_conditions(document, document_get(map, "case_conditions"), test);
    timeline_read(scope, document_get(map, "timeline"));
    assertions_read(scope, document_get(map, "assertions"));
    if (!scope->services)
        return;
    needs_complete(scope);
    defaults_fill(scope);
    timeline_check_cases(scope);
    network_complete(scope, network ? network : map);
    gates_read(scope, map);
    hosts_check_together(scope);
    combinations_check(scope, document_get(protocol, "name"));
    if (document->diagnostics->errors > errors_before)
        return;
    warn_of_unused_axes(scope, axes);
    warn_of_no_judge(scope, map);
    replicas_expand(scope);
}

static void read_name(const struct document *document, const struct value *map, struct map *names, Pb__Test *test)
{
    const struct value *name = document_get(map, "name");
    const char *text = document_text(document, name, "the test's name");
    if (!name)
        document_error(document, map, "the test needs a name");
    if (!text)
        return;
    test->name = arena_string(document->arena, text);
    if (!name_is_valid(text))
        document_error(document, name, "\"%.80s\" is not a name for a test: at most %d of a-z 0-9 . _ -, the first a letter or digit", text,
                       NAME_MAX_BYTES - 1);
    else if (map_put_text(names, text, test))
        document_error(document, name, "there are two tests called \"%s\"", text);
}

// What all tests of a file may cost.
struct budget {
    size_t checks, combinations;
};

static void read_test(const struct document *document, const struct experiment_plugins *plugins, const struct value *map, struct map *names,
                      struct budget *budget, Pb__Experiment *experiment)
{
    Pb__Test *test = ARENA_NEW(document->arena, Pb__Test);
    pb__test__init(test);
    test->line = map->line;
    struct scope scope = {.document = *document,
                          .plugins = plugins,
                          .experiment = experiment,
                          .test = test,
                          .checks_left = &budget->checks,
                          .combinations_left = &budget->combinations};
    read_name(document, map, names, test);
    read_body(&scope, map);
    experiment->tests[experiment->n_tests++] = test;
}

static const struct value *check_defaults(const struct document *document, const struct value *defaults)
{
    if (!document_is_map(document, defaults, "defaults"))
        return NULL;
    if (value_get(defaults, "name"))
        document_error(document, value_get(defaults, "name"), "defaults cannot hold a name: each test has its own");
    return defaults;
}

void tests_read(const struct document *document, const struct experiment_plugins *plugins, const struct value *tests,
                const struct value *defaults, Pb__Experiment *experiment)
{
    defaults = check_defaults(document, defaults);
    if (!document_is_list(document, tests, "tests"))
        return;
    if (tests->count == 0 || tests->count > TESTS_MAX) {
        document_error(document, tests, "an experiment has from 1 to %d tests, this one has %zu", TESTS_MAX, tests->count);
        return;
    }
    experiment->tests = ARENA_ARRAY(document->arena, Pb__Test *, tests->count);
    struct map *names = map_new();
    struct budget budget = {CHECKS_MAX, KEPT_LOOKED_AT_MAX};
    for (size_t i = 0; i < tests->count; i++) {
        if (value_is_null(tests->items[i]))
            document_error(document, tests->items[i], "this test is empty");
        else if (document_is_map(document, tests->items[i], "a test"))
            read_test(document, plugins, defaults ? document_merge(document->arena, defaults, tests->items[i]) : tests->items[i], names,
                      &budget, experiment);
    }
    map_free(&names);
}

// Cells by index: order, names, seeds, and a million of them without memory.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/identity.h"
#include "common/base/message.h"
#include "tests/unit/experiment/fixture.h"

static const char matrix[] = "panther: 1\n"
                             "experiment: cells\n"
                             "tests:\n"
                             "  - name: t\n"
                             "    protocol: {name: http}\n"
                             "    axes:\n"
                             "      server: {nginx: {implementation: nginx}, nghttpd: {implementation: nghttpd}}\n"
                             "      keepalive: [0ms, 20ms, 1h]\n"
                             "    repeat: {times: 2, seeds: {first: 5, paired: %s}}\n"
                             "    services:\n"
                             "      server: {from: $(axes.server), options: {keepalive: $(axes.keepalive)}}\n"
                             "      load: {tester: h2load, drives: {server: server}, options: {seed: $(seed)}}\n";

static struct resolution *resolve(const char *text)
{
    struct resolution *resolution = resolution_new("cells.yaml", text, NULL);
    struct text report = {0};
    resolution_report(resolution, &report);
    assert_string_equal(text_string(&report), "");
    text_free(&report);
    return resolution;
}

static struct resolution *resolve_matrix(const char *paired)
{
    char text[sizeof matrix + 16];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(text, sizeof text, matrix, paired);
#pragma GCC diagnostic pop
    return resolve(text);
}

static void all_combinations_of_a_repetition_come_first_and_the_last_axis_is_fastest(void **state)
{
    (void)state;
    static const char *const names[] = {
        "r7/t/nginx,0ms/1", "r7/t/nginx,20ms/1", "r7/t/nginx,1h/1", "r7/t/nghttpd,0ms/1", "r7/t/nghttpd,20ms/1", "r7/t/nghttpd,1h/1",
        "r7/t/nginx,0ms/2", "r7/t/nginx,20ms/2", "r7/t/nginx,1h/2", "r7/t/nghttpd,0ms/2", "r7/t/nghttpd,20ms/2", "r7/t/nghttpd,1h/2",
    };
    struct resolution *resolution = resolve_matrix("true");
    assert_int_equal(experiment_cells(resolution->experiment->tests[0]), 12);
    for (uint64_t i = 0; i < 12; i++) {
        struct full_name name;
        const char *text = experiment_cell_name(7, resolution->experiment, 0, i, resolution->arena);
        assert_string_equal(text, names[i]);
        assert_int_equal(full_name_parse(text, &name, NULL), 0);
        const Pb__CellPlan *plan = experiment_cell(resolution->experiment, 0, i, resolution->arena);
        assert_string_equal(name.combination, plan->combination);
        assert_int_equal(name.repetition, plan->repetition);
        assert_string_equal(plan->services[0]->plugin, strncmp(plan->combination, "nginx", 5) == 0 ? "nginx" : "nghttpd");
    }
    resolution_free(&resolution);
}

static void paired_seeds_are_one_per_repetition(void **state)
{
    (void)state;
    struct resolution *resolution = resolve_matrix("true");
    for (uint64_t i = 0; i < 12; i++) {
        const Pb__CellPlan *plan = experiment_cell(resolution->experiment, 0, i, resolution->arena);
        assert_int_equal(plan->seed, i < 6 ? 5 : 6);
        assert_string_equal(plan->services[1]->options[0]->values[0], i < 6 ? "5" : "6");
    }
    resolution_free(&resolution);
}

static void unpaired_seeds_differ_and_are_the_same_again(void **state)
{
    (void)state;
    struct resolution *resolution = resolve_matrix("false"), *again = resolve_matrix("false");
    uint64_t seeds[12];
    for (uint64_t i = 0; i < 12; i++) {
        seeds[i] = experiment_cell(resolution->experiment, 0, i, resolution->arena)->seed;
        assert_int_equal(seeds[i], experiment_cell(again->experiment, 0, i, again->arena)->seed);
        assert_true(seeds[i] > 0 && seeds[i] <= INT32_MAX);
        for (uint64_t j = 0; j < i; j++)
            assert_int_not_equal(seeds[i], seeds[j]);
    }
    resolution_free(&resolution);
    resolution_free(&again);
}

static void planning_a_cell_changes_nothing_in_the_experiment(void **state)
{
    (void)state;
    struct resolution *resolution = resolve_matrix("false");
    Pb__Experiment *before = MESSAGE_COPY(resolution->experiment, NULL);
    for (uint64_t i = 0; i < 12; i++)
        experiment_cell(resolution->experiment, 0, i, resolution->arena);
    assert_true(message_equal(before, resolution->experiment));
    message_free(before);
    resolution_free(&resolution);
}

// What the journal keeps is a copy: cell i of the copy is cell i.
static void a_copy_of_the_experiment_has_the_same_cells(void **state)
{
    (void)state;
    struct resolution *resolution = resolve_matrix("false");
    Pb__Experiment *copy = MESSAGE_COPY(resolution->experiment, NULL);
    for (uint64_t i = 0; i < 12; i++)
        assert_true(message_equal(experiment_cell(copy, 0, i, resolution->arena),
                                  experiment_cell(resolution->experiment, 0, i, resolution->arena)));
    message_free(copy);
    resolution_free(&resolution);
}

#define PLAN_MAX_BYTES 4096 // two services: what a cell may cost while it is looked at

static void a_million_cells_cost_only_the_one_that_is_looked_at(void **state)
{
    (void)state;
    struct text text = {0};
    text_append(&text, "panther: 1\nexperiment: million\ntests:\n  - name: t\n    protocol: {name: http}\n    axes:\n");
    for (int axis = 0; axis < 2; axis++) {
        text_printf(&text, "      a%d: [", axis);
        for (int i = 0; i < 100; i++)
            text_printf(&text, "%sv%d", i > 0 ? ", " : "", i);
        text_append(&text, "]\n");
    }
    text_append(&text,
                "    repeat: {times: 100}\n    services:\n      server: {implementation: nginx, options: {header: $(axes.a0)-$(axes.a1)}}\n"
                "      load: {tester: h2load, drives: {server: server}, options: {seed: $(seed)}}\n");
    struct resolution *resolution = resolve(text_string(&text));
    text_free(&text);
    assert_int_equal(experiment_cells(resolution->experiment->tests[0]), 1000000);
    struct arena *arena = arena_new(PLAN_MAX_BYTES);
    uint64_t sum = 0;
    for (uint64_t i = 0; i < 1000000; i++) {
        arena_reset(arena);
        const Pb__CellPlan *plan = experiment_cell(resolution->experiment, 0, i, arena);
        assert_non_null(plan->services[1]->options[0]->values[0]);
        sum += plan->seed;
    }
    arena_reset(arena);
    assert_string_equal(experiment_cell(resolution->experiment, 0, 123456, arena)->services[0]->options[0]->values[0], "v34-v56");
    assert_true(sum > 0);
    arena_free(&arena);
    resolution_free(&resolution);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_combinations_of_a_repetition_come_first_and_the_last_axis_is_fastest),
        cmocka_unit_test(paired_seeds_are_one_per_repetition),
        cmocka_unit_test(unpaired_seeds_differ_and_are_the_same_again),
        cmocka_unit_test(planning_a_cell_changes_nothing_in_the_experiment),
        cmocka_unit_test(a_copy_of_the_experiment_has_the_same_cells),
        cmocka_unit_test(a_million_cells_cost_only_the_one_that_is_looked_at),
    };
    return cmocka_run_group_tests_name("experiment cells", tests, NULL, NULL);
}

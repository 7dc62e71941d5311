// Which combinations run: exclude, include, and covering arrays, of which every pair is looked up.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

// clang-format off
#include <cmocka.h>
// clang-format on

#include "coordinator/experiment/pairwise.h"
#include "tests/unit/experiment/fixture.h"

#define AXES_MAX 8
#define ROWS_MAX 100000

// ---- covering arrays

struct rule { // these two values never stand together
    size_t axis, value, other_axis, other_value;
};
struct rules {
    size_t count;
    struct rule items[8];
};

static bool is_excluded(const size_t *values, uint32_t set, const void *context)
{
    const struct rules *rules = context;
    for (size_t i = 0; i < rules->count; i++) {
        const struct rule *rule = &rules->items[i];
        if (set & (1U << rule->axis) && set & (1U << rule->other_axis) && values[rule->axis] == rule->value &&
            values[rule->other_axis] == rule->other_value)
            return true;
    }
    return false;
}

static void digits_of(const struct pairwise *of, uint64_t row, size_t *values)
{
    for (size_t i = of->axes; i-- > 0;) {
        values[i] = (size_t)(row % of->sizes[i]);
        row /= of->sizes[i];
    }
}

// Could these two values stand in a combination at all? By trying all of them: the axes of these tests are small.
static bool is_possible(const struct pairwise *of, size_t i, size_t vi, size_t j, size_t vj)
{
    uint64_t product = 1;
    size_t values[AXES_MAX];
    for (size_t axis = 0; axis < of->axes; axis++)
        product *= of->sizes[axis];
    for (uint64_t row = 0; row < product; row++) {
        digits_of(of, row, values);
        if (values[i] == vi && values[j] == vj && !is_excluded(values, (1U << of->axes) - 1, of->context))
            return true;
    }
    return false;
}

static bool is_covered(const struct pairwise *of, const uint64_t *rows, size_t count, size_t i, size_t vi, size_t j, size_t vj)
{
    size_t values[AXES_MAX];
    for (size_t row = 0; row < count; row++) {
        digits_of(of, rows[row], values);
        if (values[i] == vi && values[j] == vj)
            return true;
    }
    return false;
}

static size_t check_cover(const struct pairwise *of, bool check_possible)
{
    uint64_t *rows = memory_new(ROWS_MAX * sizeof *rows);
    size_t count = 0, values[AXES_MAX];
    assert_int_equal(pairwise_cover(of, rows, &count, ROWS_MAX), PAIRWISE_OK);
    for (size_t row = 0; row < count; row++) {
        digits_of(of, rows[row], values);
        assert_false(of->is_excluded && of->is_excluded(values, (1U << of->axes) - 1, of->context));
    }
    for (size_t i = 0; i < of->axes; i++)
        for (size_t j = i + 1; j < of->axes; j++)
            for (size_t vi = 0; vi < of->sizes[i]; vi++)
                for (size_t vj = 0; vj < of->sizes[j]; vj++)
                    if (!is_covered(of, rows, count, i, vi, j, vj) && (!check_possible || is_possible(of, i, vi, j, vj)))
                        fail_msg("axis %zu value %zu is never with axis %zu value %zu", i, vi, j, vj);
    free(rows);
    return count;
}

static void every_pair_is_covered_by_few_combinations(void **state)
{
    (void)state;
    static const struct {
        struct pairwise of;
        size_t at_most; // what a careful person would be content with; the least is the product of the two largest axes
    } arrays[] = {
        {{.axes = 2, .sizes = {3, 4}}, 12},
        {{.axes = 3, .sizes = {2, 2, 2}}, 6},
        {{.axes = 4, .sizes = {3, 3, 3, 3}}, 13},
        {{.axes = 8, .sizes = {2, 2, 2, 2, 2, 2, 2, 2}}, 10},
        {{.axes = 8, .sizes = {10, 10, 10, 10, 10, 10, 10, 10}}, 180},
        {{.axes = 5, .sizes = {7, 1, 5, 2, 3}}, 42},
        {{.axes = 2, .sizes = {1, 1}}, 1},
    };
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        size_t count = check_cover(&arrays[i].of, false);
        if (count > arrays[i].at_most)
            fail_msg("array %zu has %zu combinations", i, count);
    }
}

static void pairs_that_exclusions_forbid_are_left_out_and_no_others(void **state)
{
    (void)state;
    static const struct rules rules = {4, {{0, 0, 1, 1}, {0, 0, 2, 2}, {1, 0, 3, 1}, {2, 0, 3, 0}}};
    const struct pairwise of = {.axes = 4, .sizes = {3, 3, 3, 2}, .is_excluded = is_excluded, .context = &rules};
    check_cover(&of, true);
    // the value 0 of the first axis fits nowhere: all of its pairs are impossible
    static const struct rules all = {3, {{0, 0, 1, 0}, {0, 0, 1, 1}, {0, 0, 1, 2}}};
    const struct pairwise none = {.axes = 4, .sizes = {3, 3, 3, 2}, .is_excluded = is_excluded, .context = &all};
    check_cover(&none, true);
}

static void a_riddle_of_exclusions_ends(void **state)
{
    (void)state;
    // nothing fits together on the last axes, which is found out late
    static const struct rules rules = {4, {{6, 0, 7, 0}, {6, 0, 7, 1}, {6, 1, 7, 0}, {6, 1, 7, 1}}};
    const struct pairwise of = {.axes = 8, .sizes = {6, 6, 6, 6, 6, 6, 2, 2}, .is_excluded = is_excluded, .context = &rules};
    uint64_t rows[64];
    size_t count = 0;
    assert_int_equal(pairwise_cover(&of, rows, &count, 64), PAIRWISE_TANGLED);
}

static void too_many_combinations_are_refused(void **state)
{
    (void)state;
    const struct pairwise of = {.axes = 2, .sizes = {8, 8}};
    uint64_t rows[63];
    size_t count = 0;
    assert_int_equal(pairwise_cover(&of, rows, &count, 63), PAIRWISE_TOO_MANY);
    const struct pairwise huge = {.axes = 3, .sizes = {SIZE_MAX / 2, 3, 3}};
    assert_int_equal(pairwise_pairs(&huge), SIZE_MAX);
}

// ---- in a file

static struct resolution *resolve(const char *rules)
{
    char text[2048];
    snprintf(text, sizeof text,
             "panther: 1\nexperiment: kept\ntests:\n  - name: t\n    protocol: {name: http}\n"
             "    axes: {server: {nginx: {implementation: nginx}, nghttpd: {implementation: nghttpd}}, version: [\"2\", \"1.1\"], n: [1, "
             "2, 3]}\n"
             "%s    repeat: {times: 2}\n    services:\n      server: {from: $(axes.server), options: {workers: $(axes.n), header: "
             "$(axes.version)}}\n"
             "      load: {tester: h2load, drives: {server: server}}\n",
             rules);
    struct resolution *resolution = resolution_new("kept.yaml", text, NULL);
    struct text report = {0};
    resolution_report(resolution, &report);
    assert_string_equal(text_string(&report), "");
    text_free(&report);
    return resolution;
}

static void assert_cells(const char *rules, const char *const *names, size_t count)
{
    struct resolution *resolution = resolve(rules);
    assert_int_equal(experiment_cells(resolution->experiment->tests[0]), 2 * count);
    for (uint64_t i = 0; i < 2 * count; i++) {
        char *expected = memory_printf("r1/t/%s/%u", names[i % count], (unsigned)(i / count) + 1);
        assert_string_equal(experiment_cell_name(1, resolution->experiment, 0, i, resolution->arena), expected);
        assert_string_equal(experiment_cell(resolution->experiment, 0, i, resolution->arena)->combination, names[i % count]);
        free(expected);
    }
    resolution_free(&resolution);
}

static void excluded_combinations_do_not_run(void **state)
{
    (void)state;
    static const char *const names[] = {"nginx,2,1", "nginx,2,2", "nginx,2,3", "nginx,1.1,1", "nginx,1.1,2", "nginx,1.1,3", "nghttpd,2,1"};
    assert_cells("    exclude: [{server: nghttpd, version: \"1.1\"}, {server: nghttpd, n: [2, 3]}]\n", names, 7);
}

static void included_combinations_run_in_any_case(void **state)
{
    (void)state;
    static const char *const names[] = {"nginx,2,2", "nginx,1.1,2", "nginx,1.1,3", "nghttpd,2,2"};
    assert_cells("    exclude: [{server: nghttpd}, {n: [1, 3]}]\n    include: [{server: nghttpd, n: 2, version: \"2\"}, {server: nginx, "
                 "version: \"1.1\", n: 3}]\n",
                 names, 4);
}

static void a_seed_belongs_to_its_combination_whatever_is_excluded(void **state)
{
    (void)state;
    struct resolution *whole = resolve(""), *part = resolve("    exclude: [{server: nginx}]\n");
    for (uint64_t i = 0; i < 6; i++)
        assert_int_equal(experiment_cell(part->experiment, 0, i, part->arena)->seed,
                         experiment_cell(whole->experiment, 0, i + 6, whole->arena)->seed);
    resolution_free(&whole);
    resolution_free(&part);
}

static void pairwise_keeps_what_is_included(void **state)
{
    (void)state;
    struct resolution *resolution =
        resolve("    cover: pairwise\n    exclude: [{server: nghttpd, version: \"1.1\"}]\n    include: [{server: "
                "nghttpd, version: \"1.1\", n: 3}]\n");
    const Pb__Test *test = resolution->experiment->tests[0];
    assert_true(test->combinations < 12 && test->combinations >= 6);
    assert_int_equal(test->n_kept, test->combinations);
    bool included = false;
    for (uint64_t i = 0; i < test->combinations; i++) {
        const char *name = experiment_cell(resolution->experiment, 0, i, resolution->arena)->combination;
        included = included || strcmp(name, "nghttpd,1.1,3") == 0;
        assert_true(strncmp(name, "nghttpd,1.1", 11) != 0 || strcmp(name, "nghttpd,1.1,3") == 0);
        assert_true(i == 0 || test->kept[i] > test->kept[i - 1]);
    }
    assert_true(included);
    resolution_free(&resolution);
}

static void a_product_that_never_runs_may_be_huge(void **state)
{
    (void)state;
    struct text text = {0};
    text_append(&text, "panther: 1\nexperiment: huge\ntests:\n  - name: t\n    protocol: {name: http}\n    cover: pairwise\n    axes:\n");
    for (int axis = 0; axis < 8; axis++) {
        text_printf(&text, "      a%d: [", axis);
        for (int value = 0; value < 40; value++)
            text_printf(&text, "%sv%d", value ? "," : "", value);
        text_append(&text, "]\n");
    }
    text_append(&text, "    services:\n      server: {implementation: nginx, options: {header: "
                       "\"$(axes.a0)$(axes.a1)$(axes.a2)$(axes.a3)$(axes.a4)$(axes.a5)$(axes.a6)$(axes.a7)\"}}\n"
                       "      load: {tester: h2load, drives: {server: server}}\n");
    struct resolution *resolution = resolution_new("huge.yaml", text_string(&text), NULL);
    text_free(&text);
    assert_non_null(resolution->experiment);
    assert_true(resolution->experiment->tests[0]->combinations < 3500);
    resolution_free(&resolution);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pair_is_covered_by_few_combinations),
        cmocka_unit_test(pairs_that_exclusions_forbid_are_left_out_and_no_others),
        cmocka_unit_test(a_riddle_of_exclusions_ends),
        cmocka_unit_test(too_many_combinations_are_refused),
        cmocka_unit_test(excluded_combinations_do_not_run),
        cmocka_unit_test(included_combinations_run_in_any_case),
        cmocka_unit_test(a_seed_belongs_to_its_combination_whatever_is_excluded),
        cmocka_unit_test(pairwise_keeps_what_is_included),
        cmocka_unit_test(a_product_that_never_runs_may_be_huge),
    };
    return cmocka_run_group_tests_name("kept combinations", tests, NULL, NULL);
}

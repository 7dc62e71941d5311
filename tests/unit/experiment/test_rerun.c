// A rerun: the cells that were named, as often as wanted, with the seeds that they had. And which cells keep their evidence.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

// clang-format off
#include <cmocka.h>
// clang-format on

#include "coordinator/experiment/rerun.h"
#include "coordinator/experiment/sampling.h"
#include "tests/unit/experiment/fixture.h"

static const char matrix[] = "panther: 1\n"
                             "experiment: cells\n"
                             "tests:\n"
                             "  - name: t\n"
                             "    protocol: {name: http}\n"
                             "    axes: {workers: [\"1\", \"2\"], keepalive: [0ms, 20ms, 1h]}\n"
                             "    exclude: [{workers: \"1\", keepalive: 20ms}]\n"
                             "    repeat: {times: 3}\n"
                             "    evidence: {passed: 1 in 4}\n"
                             "    services:\n"
                             "      server: {implementation: nginx, options: {workers: $(axes.workers), keepalive: $(axes.keepalive)}}\n"
                             "      load: {tester: h2load, drives: {server: server}, options: {seed: $(seed)}}\n";

static struct resolution *resolve(void)
{
    struct resolution *resolution = resolution_new("cells.yaml", matrix, NULL);
    if (!resolution->experiment)
        fail_msg("%s", resolution->diagnostics.items[0]->message);
    return resolution;
}

static void rerun(struct resolution *resolution, const char *const *cells, size_t count, uint32_t times)
{
    Pb__Rerun wanted = PB__RERUN__INIT;
    wanted.of = (char *)(uintptr_t) "r1";
    wanted.cells = (char **)(uintptr_t)cells;
    wanted.n_cells = count;
    wanted.times = times;
    rerun_apply(&wanted, resolution->arena, &resolution->diagnostics, resolution->experiment);
}

static uint64_t seed_of(const struct resolution *resolution, uint64_t cell)
{
    return experiment_cell(resolution->experiment, 0, cell, resolution->arena)->seed;
}

static void named_cells_run_with_their_seeds(void **state)
{
    (void)state;
    struct resolution *before = resolve(), *again = resolve();
    const char *const cells[] = {"t/2,0ms/3", "t/1,1h/1", "t/2,0ms/3"};
    rerun(again, cells, 3, 0);
    assert_int_equal(again->diagnostics.errors, 0);
    assert_int_equal(experiment_cells(again->experiment->tests[0]), 2);
    assert_string_equal(experiment_cell_name(9, again->experiment, 0, 0, again->arena), "r9/t/1,1h/1");
    assert_string_equal(experiment_cell_name(9, again->experiment, 0, 1, again->arena), "r9/t/2,0ms/3");
    // without them: five combinations, 1,1h is the second and 2,0ms the third
    assert_string_equal(experiment_cell_name(9, before->experiment, 0, 12, before->arena), "r9/t/2,0ms/3");
    assert_true(seed_of(again, 0) == seed_of(before, 1));
    assert_true(seed_of(again, 1) == seed_of(before, 12));
    resolution_free(&before);
    resolution_free(&again);
}

static void each_of_many_times_has_the_same_seed(void **state)
{
    (void)state;
    struct resolution *before = resolve(), *again = resolve(), *all = resolve();
    const char *const cells[] = {"t/2,20ms/2"};
    rerun(again, cells, 1, 4);
    assert_int_equal(experiment_cells(again->experiment->tests[0]), 4);
    for (uint64_t i = 0; i < 4; i++) {
        char name[32];
        snprintf(name, sizeof name, "r9/t/2,20ms/%u", (unsigned)i + 5);
        assert_string_equal(experiment_cell_name(9, again->experiment, 0, i, again->arena), name);
        assert_true(seed_of(again, i) == seed_of(before, 5 + 3));
    }
    rerun(all, NULL, 0, 2);
    assert_int_equal(experiment_cells(all->experiment->tests[0]), 2 * 15);
    assert_true(seed_of(all, 0) == seed_of(before, 0) && seed_of(all, 5) == seed_of(before, 0) && seed_of(all, 10) == seed_of(before, 5));
    resolution_free(&before);
    resolution_free(&again);
    resolution_free(&all);
}

static void cells_that_there_are_not_are_mistakes(void **state)
{
    (void)state;
    static const char *const wrong[] = {"t/1,20ms/1", "t/3,0ms/1", "t/1/1", "t/1,0ms,0ms/1", "t/1,0ms/4",
                                        "t/1,0ms",    "u/1,0ms/1", "",      "t/1,0ms/1#1"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct resolution *resolution = resolve();
        const char *const cells[] = {wrong[i]};
        rerun(resolution, cells, 1, 1);
        if (resolution->diagnostics.errors != 1)
            fail_msg("%s: taken", wrong[i]);
        resolution_free(&resolution);
    }
}

static void about_one_in_four_is_drawn_and_always_the_same(void **state)
{
    (void)state;
    struct resolution *one = resolve(), *other = resolve();
    const Pb__Test *test = one->experiment->tests[0];
    rerun(one, NULL, 0, 100); // 1,500 cells
    size_t kept = 0;
    assert_int_equal(test->evidence->passed_one_in, 4);
    for (uint64_t cell = 0; cell < experiment_cells(test); cell++) {
        kept += sampling_keeps(test, cell, 4);
        assert_true(sampling_keeps(test, cell, 1));
        assert_false(sampling_keeps(test, cell, 0));
    }
    assert_in_range(kept, 300, 450);
    for (uint64_t cell = 0; cell < 15; cell++)
        assert_true(sampling_keeps(other->experiment->tests[0], cell, 4) == sampling_keeps(other->experiment->tests[0], cell, 4));
    resolution_free(&one);
    resolution_free(&other);
}

static void shares_are_read(void **state)
{
    (void)state;
    static const char *const wrong[] = {"", "1 in 0", "1 in", "2 in 3", "10%", "1 in 1000001", "ALL"};
    uint32_t one_in = 7;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(sampling_parse(wrong[i], &one_in));
    assert_int_equal(one_in, 7);
    assert_true(sampling_parse("none", &one_in) && one_in == 0);
    assert_true(sampling_parse("all", &one_in) && one_in == 1);
    assert_true(sampling_parse("1 in 10", &one_in) && one_in == 10);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(named_cells_run_with_their_seeds),
        cmocka_unit_test(each_of_many_times_has_the_same_seed),
        cmocka_unit_test(cells_that_there_are_not_are_mistakes),
        cmocka_unit_test(about_one_in_four_is_drawn_and_always_the_same),
        cmocka_unit_test(shares_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

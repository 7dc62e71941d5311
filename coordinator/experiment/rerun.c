// Cells are named as the run shows them, without the run; a name is taken apart by the axes' ids, which hold no comma.
#include "coordinator/experiment/rerun.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/identity.h"
#include "coordinator/experiment/axes.h"
#include "coordinator/experiment/limits.h"

struct pick {
    const Pb__Rerun *rerun;
    struct arena *arena;
    struct diagnostics *diagnostics;
    uint32_t times;
};

static int by_number(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static size_t find_id(const Pb__Axis *axis, const char *id, size_t length)
{
    for (size_t i = 0; i < axis->n_values; i++)
        if (strlen(axis->values[i]->id) == length && memcmp(axis->values[i]->id, id, length) == 0)
            return i;
    return axis->n_values;
}

// "nginx,20ms" -> its number among those that the test has.
static bool find_combination(const Pb__Test *test, const char *name, uint64_t *number)
{
    uint64_t combination = 0;
    for (size_t i = 0; i < test->n_axes; i++) {
        size_t length = strcspn(name, ","), value = find_id(test->axes[i], name, length);
        if (value == test->axes[i]->n_values)
            return false;
        combination = combination * test->axes[i]->n_values + value;
        name += length;
        if (i + 1 < test->n_axes && *name++ != ',')
            return false;
    }
    *number = combination;
    if (*name || test->n_kept == 0)
        return *name == '\0';
    const uint64_t *kept = bsearch(&combination, test->kept, test->n_kept, sizeof combination, by_number);
    *number = kept ? (uint64_t)(kept - test->kept) : 0;
    return kept != NULL;
}

// True: the name is of this test; then the cell was added, or the mistake told.
static bool pick_cell(const struct pick *pick, Pb__Test *test, const struct full_name *name)
{
    uint64_t number;
    if (strcmp(name->test, test->name) != 0)
        return false;
    if (name->repetition == 0 || name->repetition > test->repeat_times / pick->times || !find_combination(test, name->combination, &number))
        return false;
    for (uint32_t i = 0; i < pick->times; i++) {
        uint64_t repetition = (uint64_t)(name->repetition - 1) * pick->times + i;
        test->cells[test->n_cells++] = repetition * test->combinations + number;
    }
    return true;
}

static void pick_named(const struct pick *pick, Pb__Experiment *experiment, const char *cell)
{
    char text[FULL_NAME_MAX_BYTES + 4];
    struct full_name name = {0};
    snprintf(text, sizeof text, "r1/%s", cell);
    bool found = full_name_parse(text, &name, NULL) == 0 && name.attempt == 0 && name.service[0] == '\0';
    for (size_t i = 0; found && i < experiment->n_tests; i++)
        if (pick_cell(pick, experiment->tests[i], &name))
            return;
    diagnostics_error(pick->diagnostics, 0, 0, "there is no cell \"%.200s\" to be repeated", cell);
}

static void sort_once(uint64_t *cells, size_t *count)
{
    size_t kept = 0;
    qsort(cells, *count, sizeof *cells, by_number);
    for (size_t i = 0; i < *count; i++)
        if (kept == 0 || cells[i] != cells[kept - 1])
            cells[kept++] = cells[i];
    *count = kept;
}

static bool repeat(const struct pick *pick, Pb__Test *test)
{
    uint64_t repetitions = (uint64_t)test->repeat_times * pick->times;
    bool all_run = pick->rerun->n_cells == 0;
    if (repetitions > UINT32_MAX || (all_run && test->combinations * repetitions > CELLS_PER_TEST_MAX)) {
        diagnostics_error(pick->diagnostics, 0, 0, "the test \"%s\" has more than %d cells when it is repeated %u times", test->name,
                          CELLS_PER_TEST_MAX, pick->times);
        return false;
    }
    test->repeat_times = (uint32_t)repetitions;
    test->same_seed_times = pick->times > 1 ? pick->times : 0;
    return true;
}

static void pick_cells(const struct pick *pick, Pb__Experiment *experiment)
{
    for (size_t i = 0; i < experiment->n_tests; i++)
        experiment->tests[i]->cells = ARENA_ARRAY(pick->arena, uint64_t, pick->rerun->n_cells * pick->times);
    for (size_t i = 0; i < pick->rerun->n_cells; i++)
        pick_named(pick, experiment, pick->rerun->cells[i]);
    size_t count = 0;
    for (size_t i = 0; i < experiment->n_tests; i++) {
        Pb__Test *test = experiment->tests[i];
        sort_once(test->cells, &test->n_cells);
        test->none_lost = false; // what was not picked is not lost
        experiment->is_part = true;
        if (test->n_cells > 0)
            experiment->tests[count++] = test;
    }
    experiment->n_tests = count;
}

void rerun_apply(const Pb__Rerun *rerun, struct arena *arena, struct diagnostics *diagnostics, Pb__Experiment *experiment)
{
    const struct pick pick = {rerun, arena, diagnostics, rerun->times ? rerun->times : 1};
    bool is_changed = pick.times > 1 || rerun->n_cells > 0;
    if (rerun->n_cells * (uint64_t)pick.times > KEPT_MAX) {
        diagnostics_error(diagnostics, 0, 0, "%zu cells, %u times each: more than %d are picked one by one", rerun->n_cells, pick.times,
                          KEPT_MAX);
        return;
    }
    for (size_t i = 0; i < experiment->n_tests; i++) {
        if (!repeat(&pick, experiment->tests[i]))
            return;
        if (is_changed)
            experiment->tests[i]->repeat_until = NULL; // so often as was said, not until something is known
    }
    if (rerun->n_cells > 0)
        pick_cells(&pick, experiment);
}

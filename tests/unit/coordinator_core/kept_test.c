// What is kept of what has ended is bounded: memory and snapshots do not grow with history.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <string.h>

#include "coordinator/core/durable.h"
#include "tests/unit/coordinator_core/lab.h"

static Pb__Experiment *experiment(Pb__Test *test, Pb__Test **tests)
{
    static Pb__Experiment made;
    pb__test__init(test);
    test->repeat_times = 1;
    test->combinations = 1;
    *tests = test;
    pb__experiment__init(&made);
    made.tests = tests;
    made.n_tests = 1;
    return &made;
}

static void accept_run(struct durable *durable, uint64_t number, char *key)
{
    Pb__Test test, *tests;
    Pb__RunAccepted accepted = PB__RUN_ACCEPTED__INIT;
    accepted.run = number;
    accepted.key = key;
    accepted.cells = 1;
    accepted.experiment = experiment(&test, &tests);
    Pb__Record record = PB__RECORD__INIT;
    record.body_case = PB__RECORD__BODY_RUN_ACCEPTED;
    record.run_accepted = &accepted;
    assert_null(durable_apply(durable, &record));
}

static void end_run(struct durable *durable, uint64_t number)
{
    Pb__RunEnded ended = PB__RUN_ENDED__INIT;
    ended.run = number;
    Pb__Record record = PB__RECORD__INIT;
    record.body_case = PB__RECORD__BODY_RUN_ENDED;
    record.run_ended = &ended;
    assert_null(durable_apply(durable, &record));
}

static bool is_known(const struct durable *durable, unsigned number)
{
    char key[32];
    snprintf(key, sizeof key, "key-%u", number);
    return map_get_text(durable->submissions, key) != NULL;
}

static void keys_of_submissions_are_kept_for_the_last_runs_and_the_open_ones(void **state)
{
    (void)state;
    const unsigned runs = SUBMISSIONS_KEPT_MAX + 100, open = 3; // the third run never ends
    struct durable *durable = durable_new();
    for (unsigned number = 1; number <= runs; number++) {
        char key[32];
        snprintf(key, sizeof key, "key-%u", number);
        accept_run(durable, number, key);
        if (number != open) {
            end_run(durable, number);
        }
    }
    assert_int_equal(map_count(durable->submissions), SUBMISSIONS_KEPT_MAX);
    assert_int_equal(map_count(durable->runs), 1);
    assert_true(is_known(durable, open));
    assert_false(is_known(durable, 1));
    assert_false(is_known(durable, 101)); // with the open one, a place less
    assert_true(is_known(durable, 102));
    assert_true(is_known(durable, runs));
    durable_free(&durable);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_of_submissions_are_kept_for_the_last_runs_and_the_open_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// How stories of the core are written. Include it where cmocka.h would stand.
#ifndef PANTHER_TESTS_UNIT_COORDINATOR_CORE_STORY_H
#define PANTHER_TESTS_UNIT_COORDINATOR_CORE_STORY_H

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include "tests/unit/coordinator_core/lab.h"

#define STORY(name) static void name(void **state)
#define BEGIN                                                                                                                              \
    (void)state;                                                                                                                           \
    struct lab lab;                                                                                                                        \
    lab_begin(&lab)

static inline void submit_experiment(struct lab *lab, const Pb__Experiment *experiment)
{
    lab_submit(lab, experiment, "", "hash", PB__ROLE__ROLE_OPERATOR);
    assert_non_null(lab->reply);
    assert_true(lab->reply->submitted->accepted);
}

static inline void submit(struct lab *lab, uint32_t cells)
{
    submit_experiment(lab, lab_experiment(lab, cells));
}

static inline void assert_only_cell(const struct lab *lab, int verdict, int reason)
{
    assert_int_equal(lab->cell_count, 1);
    assert_string_equal(verdict_name((int)lab->cells[0]->outcome->verdict), verdict_name(verdict));
    assert_string_equal(reason_name((int)lab->cells[0]->outcome->reason), reason_name(reason));
    assert_non_null(lab->run_ended);
    assert_true(core_is_idle(lab->core));
}

#endif

// Every pair of states of every lifecycle there is; and the READMEs show the tables as they are.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include "tests/unit/lifecycle/walk.h"

// Cores and guard have states of the same name, so their headers do not go together.
extern const struct lifecycle trial_lifecycle, instance_lifecycle, agent_session_table, agent_instance_table, guard_lifecycle;

static void a_trial(void **state)
{
    (void)state;
    lifecycle_walk(&trial_lifecycle);
    lifecycle_is_shown(&trial_lifecycle, "coordinator/core/README.md");
}

static void an_instance_of_the_coordinator(void **state)
{
    (void)state;
    lifecycle_walk(&instance_lifecycle);
    lifecycle_is_shown(&instance_lifecycle, "coordinator/core/README.md");
}

static void a_session(void **state)
{
    (void)state;
    lifecycle_walk(&agent_session_table);
    lifecycle_is_shown(&agent_session_table, "agent/core/README.md");
}

static void an_instance_of_the_agent(void **state)
{
    (void)state;
    lifecycle_walk(&agent_instance_table);
    lifecycle_is_shown(&agent_instance_table, "agent/core/README.md");
}

static void a_guard(void **state)
{
    (void)state;
    lifecycle_walk(&guard_lifecycle);
    lifecycle_is_shown(&guard_lifecycle, "agent/guard/README.md");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trial),   cmocka_unit_test(an_instance_of_the_coordinator),
        cmocka_unit_test(a_session), cmocka_unit_test(an_instance_of_the_agent),
        cmocka_unit_test(a_guard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

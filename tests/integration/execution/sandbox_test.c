// The sandbox, and a program that wants out of it. Run as who tests, and as nobody (CMakeLists.txt): root gives privileges up, anybody else
// gets a user namespace.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/integration/execution/trial.h"

static void sandbox_can_write_its_work_only(void **state)
{
    (void)state;
    struct panther_test *test = trial_new("subject", "look");
    panther_test_environment(test, "sandbox", NULL, NULL);
    panther_test_environment(test, "strace", NULL, NULL);
    trial_start(test);
    trial_stop(test, 3, 0);
    char *output = panther_test_stream(test, "subject.stdout");
    assert_non_null(strstr(output, "system 0 work 1 tmp 1\n"));
    assert_non_null(strstr(output, "NoNewPrivs:\t1"));
    free(output);
    assert_int_not_equal(remove("/tmp/panther-subject"), 0); // it was written into a /tmp of its own
    assert_true(trial_metric(test, "strace.calls") > 5);
    trial_end(&test);
}

// Mounts, unmounting /tmp, both in namespaces of its own, a device, the guard's root, the kernel's settings.
static void nobody_gets_out_of_a_sandbox(void **state)
{
    (void)state;
    struct panther_test *test = trial_new("subject", "escape");
    panther_test_environment(test, "sandbox", NULL, NULL);
    trial_start(test);
    trial_stop(test, 3, 0);
    char *output = panther_test_stream(test, "subject.stdout");
    assert_string_equal(output, "ready\nout: 0 0 0 0 0 0\n");
    free(output);
    trial_end(&test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(sandbox_can_write_its_work_only), cmocka_unit_test(nobody_gets_out_of_a_sandbox)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

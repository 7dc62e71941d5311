// The tests that are not ended yet: their leases are renewed together (a tester's test waits while its server runs), and the program's
// exit ends those that a failed assertion has jumped over.
#include <stdlib.h>

#include "services/sdk/harness/harness.h"

#define LIVE_TESTS_MAX 64 // instances at once in one test program

static struct panther_test *live[LIVE_TESTS_MAX];

static void end_forgotten(void)
{
    for (size_t i = 0; i < LIVE_TESTS_MAX; i++) {
        struct panther_test *test = live[i];
        panther_test_end(&test);
    }
}

void harness_remember(struct panther_test *test)
{
    static bool is_registered;
    if (!is_registered) {
        is_registered = true;
        atexit(end_forgotten);
    }
    for (size_t i = 0; i < LIVE_TESTS_MAX; i++) {
        if (live[i] == NULL) {
            live[i] = test;
            return;
        }
    }
    PANIC("more than %d instances at once in one test", LIVE_TESTS_MAX);
}

void harness_forget(const struct panther_test *test)
{
    for (size_t i = 0; i < LIVE_TESTS_MAX; i++) {
        live[i] = live[i] == test ? NULL : live[i];
    }
}

void harness_renew_leases(void)
{
    for (size_t i = 0; i < LIVE_TESTS_MAX; i++) {
        if (live[i] != NULL) {
            harness_renew_lease(live[i]);
        }
    }
}

// One run of a subject under environments: from initialize to the end, and what came of it.
#ifndef PANTHER_TESTS_EXECUTION_TRIAL_H
#define PANTHER_TESTS_EXECUTION_TRIAL_H

#include <panther/test.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

// program: "subject", "subject-asan"; word: what it does, NULL: nothing
struct panther_test *trial_new(const char *program, const char *word);
void trial_start(struct panther_test *test);
// Stops it and asserts how it ended: with the program's own status or signal.
void trial_stop(struct panther_test *test, int status, int signal);
void trial_end(struct panther_test **test);                       // nothing is left
double trial_metric(struct panther_test *test, const char *name); // fails when there is none
bool trial_has_metric(struct panther_test *test, const char *name);
void trial_finding(struct panther_test *test, const char *beginning); // one whose signature begins so
bool trial_note(struct panther_test *test, const char *part);

#endif

#include "tests/integration/execution/trial.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/sdk/harness/harness.h"

#define END_MS 60000

struct panther_test *trial_new(const char *program, const char *word)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", PANTHER_SUBJECTS, program);
    struct panther_test *test = panther_test_new(PANTHER_STARTER);
    panther_test_option(test, "program", path);
    if (word)
        panther_test_option(test, "words", word);
    panther_test_protocol(test, "none", "", "");
    return test;
}

static void must(struct panther_test *test, int result)
{
    if (result != 0)
        fail_msg("%s", panther_test_problem(test));
}

void trial_start(struct panther_test *test)
{
    must(test, panther_test_initialize(test));
    must(test, panther_test_start(test));
}

void trial_stop(struct panther_test *test, int status, int signal)
{
    struct panther_test_exit end;
    must(test, panther_test_stop(test));
    assert_true(panther_test_exited(test, "subject", END_MS, &end));
    assert_int_equal(end.signal, signal);
    assert_int_equal(end.status, status);
}

void trial_end(struct panther_test **test)
{
    char folder[256];
    snprintf(folder, sizeof folder, "%s", panther_test_folder(*test));
    if (panther_test_end(test) != 0)
        fail_msg("something of %s is left", folder);
}

bool trial_has_metric(struct panther_test *test, const char *name)
{
    double value;
    return panther_test_metric(test, name, &value);
}

double trial_metric(struct panther_test *test, const char *name)
{
    double value;
    if (!panther_test_metric(test, name, &value)) {
        for (size_t i = 0; i < test->event_count; i++)
            if (test->events[i]->body_case == PB__EVENT__BODY_NOTE)
                print_message("note: %s\n", test->events[i]->note->text);
            else if (test->events[i]->body_case == PB__EVENT__BODY_METRIC)
                print_message("metric: %s %g\n", test->events[i]->metric->name, test->events[i]->metric->value);
        fail_msg("there is no metric %s", name);
    }
    return value;
}

void trial_finding(struct panther_test *test, const char *beginning)
{
    for (size_t i = 0; i < test->event_count; i++) {
        const Pb__CommandDone *done = test->events[i]->body_case == PB__EVENT__BODY_COMMAND_DONE ? test->events[i]->command_done : NULL;
        for (size_t f = 0; done && f < done->n_findings; f++) {
            if (strncmp(done->findings[f]->signature, beginning, strlen(beginning)) == 0)
                return;
            print_message("other finding: %s\n", done->findings[f]->signature);
        }
    }
    fail_msg("there is no finding %s", beginning);
}

bool trial_note(struct panther_test *test, const char *part)
{
    for (size_t i = 0; i < test->event_count; i++)
        if (test->events[i]->body_case == PB__EVENT__BODY_NOTE && strstr(test->events[i]->note->text, part))
            return true;
    return false;
}

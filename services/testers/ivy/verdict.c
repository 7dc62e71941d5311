// The decision table of README.md, row by row: the first that holds decides. A line of traffic is no verdict, and what a tester says about
// its connection is none about the server.
#include "ivy.h"

#include <signal.h>
#include <string.h>

static int violation(struct panther_service *service, const struct test *test, const char *marker)
{
    struct place place;
    place_read(service, test, marker, &place);
    panther_finding(service, panther_format(service, "ivy %s %s", test->name, place.text), "requirement violated%s%s",
                    place.name[0] != '\0' ? ": " : "", place.name);
    const char *colon = place.name[0] != '\0' ? ": " : "";
    return panther_result(service, PANTHER_FAIL, PANTHER_REASON_VIOLATION, "%s: requirement violated at %s%s%s", test->name, place.text,
                          colon, place.name);
}

static bool is_crash(int signal_number)
{
    return signal_number == SIGSEGV || signal_number == SIGABRT || signal_number == SIGBUS || signal_number == SIGFPE ||
           signal_number == SIGILL || signal_number == SIGTRAP;
}

static int ended_by_signal(struct panther_service *service, const struct test *test, int signal_number)
{
    if (is_crash(signal_number))
        return panther_result(service, PANTHER_ERROR, PANTHER_REASON_CRASH, "%s: the tester crashed (signal %d, %s), not what it tests",
                              test->name, signal_number, strsignal(signal_number));
    return panther_result(service, PANTHER_INCONC, PANTHER_REASON_KILLED, "%s: the tester was killed by signal %d (%s)", test->name,
                          signal_number, strsignal(signal_number));
}

static int completed(struct panther_service *service, const struct test *test, const struct evidence *evidence)
{
    if (evidence->exit.status != 0)
        return panther_result(service, PANTHER_INCONC, PANTHER_REASON_INCOMPLETE,
                              "%s: it says test_completed, but ended with status %d: %s", test->name, evidence->exit.status,
                              evidence->last_words);
    if (!evidence->has_events)
        return panther_result(service, PANTHER_INCONC, PANTHER_REASON_INCOMPLETE,
                              "%s: completed, but with fewer than %lld events: nothing was tested", test->name,
                              (long long)test->settings->min_events);
    return panther_result(service, PANTHER_PASS, PANTHER_REASON_NONE, "%s: completed, no violation", test->name);
}

int verdict_say(struct panther_service *service, const struct test *test, const struct evidence *evidence)
{
    if (evidence->violation)
        return violation(service, test, evidence->violation);
    if (evidence->assertion)
        return panther_result(service, PANTHER_ERROR, PANTHER_REASON_INFRASTRUCTURE,
                              "%s: the model broke its own assertion, which says nothing about what it tests: %s", test->name,
                              evidence->assertion);
    if (evidence->is_cancelled)
        return panther_result(service, PANTHER_INCONC, PANTHER_REASON_CANCELLED, "%s: cancelled while it ran", test->name);
    if (evidence->is_late)
        return panther_result(service, PANTHER_INCONC, PANTHER_REASON_TIMEOUT, "%s: not done in time%s", test->name,
                              evidence->has_events ? "; there was traffic, which is no verdict" : "");
    if (evidence->is_lost)
        return panther_result(service, PANTHER_INCONC, PANTHER_REASON_INCOMPLETE, "%s: how it ended is not known", test->name);
    if (evidence->exit.signal != 0)
        return ended_by_signal(service, test, evidence->exit.signal);
    if (evidence->is_out_of_memory)
        return panther_result(service, PANTHER_ERROR, PANTHER_REASON_CRASH,
                              "%s: the tester ran out of memory (std::bad_alloc), not what it tests", test->name);
    if (evidence->is_completed)
        return completed(service, test, evidence);
    return panther_result(service, PANTHER_INCONC, PANTHER_REASON_INCOMPLETE, "%s: ended with status %d and no marker%s%s", test->name,
                          evidence->exit.status, evidence->last_words[0] ? "; its last words: " : "", evidence->last_words);
}

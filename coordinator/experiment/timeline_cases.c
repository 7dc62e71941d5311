// Cases on the timeline and cases of their tester: they are the same, or it is a mistake.
#include <string.h>

#include "coordinator/experiment/plugins.h"
#include "coordinator/experiment/timeline.h"

static bool has_cases(const Pb__Test *test, const char *tester)
{
    for (size_t i = 0; i < test->n_timeline; i++)
        if (test->timeline[i]->body_case == PB__TIMELINE_ENTRY__BODY_RUN_CASE && strcmp(test->timeline[i]->service, tester) == 0)
            return true;
    return false;
}

static bool is_on_timeline(const Pb__Test *test, const char *tester, const char *name)
{
    for (size_t i = 0; i < test->n_timeline; i++) {
        const Pb__TimelineEntry *entry = test->timeline[i];
        if (entry->body_case == PB__TIMELINE_ENTRY__BODY_RUN_CASE && strcmp(entry->service, tester) == 0 &&
            strcmp(entry->run_case, name) == 0)
            return true;
    }
    return false;
}

static bool are_named(const struct value *cases)
{
    return cases && !(cases->kind == VALUE_SCALAR && strcmp(cases->text, "all") == 0);
}

// The cases of a tester are then those of the timeline; one that `cases` names and the timeline does not would never run.
static void take_cases(const struct scope *scope, const struct value *cases, Pb__ServiceTemplate *tester)
{
    size_t count = 0;
    for (size_t i = 0; i < tester->n_cases; i++) {
        const struct value place = scope_place(cases ? cases->line : tester->line, cases ? cases->column : tester->column);
        if (is_on_timeline(scope->test, tester->name, tester->cases[i]))
            tester->cases[count++] = tester->cases[i];
        else if (are_named(cases))
            document_error(&scope->document, &place,
                           "the case \"%.80s\" is not on the timeline; a tester with a case there runs what stands there only",
                           tester->cases[i]);
    }
    tester->n_cases = count;
}

void timeline_check_cases(const struct scope *scope)
{
    const Pb__Test *test = scope->test;
    for (size_t i = 0; i < test->n_timeline; i++) {
        const Pb__TimelineEntry *entry = test->timeline[i];
        if (entry->body_case != PB__TIMELINE_ENTRY__BODY_RUN_CASE || !entry->service[0])
            continue;
        const Pb__ServiceTemplate *tester = test->services[scope_service_index(scope, entry->service)];
        const struct value place = scope_place(entry->line, entry->column);
        if (tester->tester[0] && !plugins_is_listed(tester->cases, tester->n_cases, entry->run_case))
            document_error(&scope->document, &place, "\"%s\" runs no case \"%.80s\"%s", tester->name, entry->run_case,
                           document_hint(&scope->document, entry->run_case, (const char *const *)tester->cases, tester->n_cases));
    }
    for (size_t i = 0; i < test->n_services; i++)
        if (test->services[i]->tester[0] && has_cases(test, test->services[i]->name))
            take_cases(scope, document_get(scope->services->items[i], "cases"), test->services[i]);
}

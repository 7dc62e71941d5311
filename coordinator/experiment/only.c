// Each key is an axis, a service (its plugin is meant), `case` or `test`; a test that knows a key not, or has nothing that fits, is left
// out.
#include "coordinator/experiment/only.h"

#include <string.h>

#include "coordinator/experiment/axes.h"

struct choice {
    const struct document *document;
    const struct value *key, *value; // places
    const char *name;
    const struct value **texts;
    size_t count;
    bool is_known; // in some test
};

static bool is_chosen(const struct choice *choice, const char *text)
{
    for (size_t i = 0; i < choice->count; i++)
        if (strcmp(choice->texts[i]->text, text) == 0)
            return true;
    return false;
}

// ---- combinations

static bool fits_axis(const struct choice *choice, const Pb__AxisValue *value)
{
    return is_chosen(choice, value->id) || (!value->is_map && is_chosen(choice, value->text)) ||
           (value->is_map && is_chosen(choice, value->implementation));
}

static bool has_fitting_value(const struct choice *choice, const Pb__Axis *axis)
{
    for (size_t i = 0; i < axis->n_values; i++)
        if (fits_axis(choice, axis->values[i]))
            return true;
    return false;
}

// Few of many may be left, so that they are kept one by one.
static bool keep_combinations(const struct choice *choice, size_t axis, Pb__Test *test)
{
    uint64_t *kept = memory_new(KEPT_MAX * sizeof *kept);
    size_t count = 0;
    for (uint64_t i = 0; i < test->combinations && count <= KEPT_MAX; i++) {
        const Pb__AxisValue *values[AXES_PER_TEST_MAX];
        uint64_t combination = axes_combination(test, i);
        axes_values(test, combination, values);
        if (fits_axis(choice, values[axis]) && count++ < KEPT_MAX)
            kept[count - 1] = combination;
    }
    if (count > KEPT_MAX) {
        document_error(choice->document, choice->value, "only: more than %d combinations are left", KEPT_MAX);
        count = KEPT_MAX;
    }
    test->kept = ARENA_ARRAY(choice->document->arena, uint64_t, count);
    memcpy(test->kept, kept, count * sizeof *kept);
    free(kept);
    test->n_kept = count;
    test->combinations = count;
    return count > 0;
}

// ---- services and cases

static bool keep_cases(const struct choice *choice, Pb__Test *test)
{
    bool any = false;
    for (size_t i = 0; i < test->n_services; i++) {
        Pb__ServiceTemplate *service = test->services[i];
        size_t count = 0;
        for (size_t j = 0; j < service->n_cases; j++)
            if (is_chosen(choice, service->cases[j]))
                service->cases[count++] = service->cases[j];
        service->n_cases = count;
        any = any || count > 0;
    }
    return any;
}

static bool has_case_on_timeline(const Pb__Test *test)
{
    for (size_t i = 0; i < test->n_timeline; i++)
        if (test->timeline[i]->body_case == PB__TIMELINE_ENTRY__BODY_RUN_CASE)
            return true;
    return false;
}

static const Pb__ServiceTemplate *find_service(const Pb__Test *test, const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < test->n_services; i++) {
        const char *service = test->services[i]->name;
        bool is_replica = strncmp(service, name, length) == 0 && strcmp(service + length, "-1") == 0; // replicas are alike
        if (is_replica || strcmp(service, name) == 0)
            return test->services[i];
    }
    return NULL;
}

// False: the test does not run.
static bool keep(struct choice *choice, Pb__Test *test)
{
    size_t axis;
    if (strcmp(choice->name, "test") == 0) {
        choice->is_known = true;
        return is_chosen(choice, test->name);
    }
    if (strcmp(choice->name, "case") == 0) {
        choice->is_known = true;
        if (has_case_on_timeline(test))
            document_error(choice->document, choice->key, "only: the cases of the test \"%s\" stand on a timeline; take them out there",
                           test->name);
        return keep_cases(choice, test);
    }
    const Pb__Axis *of = axes_find(test, choice->name, &axis);
    const Pb__ServiceTemplate *service = find_service(test, choice->name);
    choice->is_known = choice->is_known || of || service;
    if (of)
        return has_fitting_value(choice, of) && keep_combinations(choice, axis, test);
    return service && is_chosen(choice, service->tester[0] ? service->tester : service->implementation);
}

static void apply(struct choice *choice, Pb__Experiment *experiment)
{
    size_t count = 0;
    for (size_t i = 0; i < experiment->n_tests; i++)
        if (keep(choice, experiment->tests[i]))
            experiment->tests[count++] = experiment->tests[i];
    if (!choice->is_known)
        document_error(choice->document, choice->key, "only: no test has an axis or a service \"%.80s\"", choice->name);
    else if (count == 0 && experiment->n_tests > 0)
        document_error(choice->document, choice->value, "only: nothing is left with %s=%.80s", choice->name,
                       choice->count > 0 ? choice->texts[0]->text : "");
    experiment->n_tests = count;
}

void only_apply(const struct document *document, const struct value *only, Pb__Experiment *experiment)
{
    if (!document_is_map(document, only, "only"))
        return;
    experiment->is_part = only->count > 0;
    for (size_t i = 0; i < only->count; i++) {
        struct choice choice = {.document = document, .key = only->key_places[i], .value = only->items[i], .name = only->keys[i]};
        choice.count = document_texts(document, document_get(only, choice.name), "only", &choice.texts);
        if (experiment->n_tests > 0)
            apply(&choice, experiment);
    }
}

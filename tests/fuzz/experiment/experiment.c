// Any text is refused with at least one message, or every one of its cells can be planned, has a name that reads back, and a plan that
// holds no reference to an axis.
#include <string.h>

#include "common/base/error.h"
#include "common/base/identity.h"
#include "common/system/yaml.h"
#include "coordinator/experiment/reference.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/experiment/fixture.h"

#define CELLS_LOOKED_AT 8

static void check_text(const char *text)
{
    struct reference reference;
    for (; reference_next(text, &reference); text = reference.start + reference.length)
        INVARIANT(reference.parts > 1 && !reference_is(&reference, "axes", 2));
}

static void check_service(const struct resolution *resolution, const Pb__CellPlan *plan, const Pb__ServicePlan *service)
{
    INVARIANT(name_is_valid(service->plugin) && name_is_valid(service->name) && service->host != NULL);
    for (size_t i = 0; i < service->n_options; i++)
        for (size_t j = 0; j < service->options[i]->n_values; j++)
            check_text(service->options[i]->values[j]);
    for (size_t i = 0; i < service->n_needs; i++) {
        bool is_there = false;
        for (size_t j = 0; j < plan->n_services; j++)
            is_there = is_there || strcmp(plan->services[j]->name, service->needs[i]) == 0;
        INVARIANT(is_there);
    }
    (void)resolution;
}

static void check_cell(const struct resolution *resolution, size_t test, uint64_t index)
{
    struct full_name name;
    const Pb__CellPlan *plan = experiment_cell(resolution->experiment, test, index, resolution->arena);
    const char *text = experiment_cell_name(1, resolution->experiment, test, index, resolution->arena);
    INVARIANT(full_name_parse(text, &name, NULL) == 0);
    INVARIANT(strcmp(name.test, plan->test) == 0 && name.repetition == plan->repetition);
    INVARIANT(strcmp(name.combination, plan->combination) == 0);
    INVARIANT(plan->n_services > 0);
    for (size_t i = 0; i < plan->n_services; i++)
        check_service(resolution, plan, plan->services[i]);
}

static void check_test(const struct resolution *resolution, size_t test)
{
    uint64_t cells = experiment_cells(resolution->experiment->tests[test]);
    uint64_t step = cells / CELLS_LOOKED_AT + 1;
    INVARIANT(cells > 0);
    for (uint64_t index = 0; index < cells; index += step)
        check_cell(resolution, test, index);
    check_cell(resolution, test, cells - 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text text = {0};
    text_append_bytes(&text, data, size);
    struct resolution *resolution = resolution_new("fuzz.yaml", text_string(&text), NULL);
    INVARIANT((resolution->experiment == NULL) == (resolution->diagnostics.errors > 0));
    for (size_t i = 0; resolution->experiment && i < resolution->experiment->n_tests; i++)
        check_test(resolution, i);
    resolution_free(&resolution);
    text_free(&text);
    return 0;
}

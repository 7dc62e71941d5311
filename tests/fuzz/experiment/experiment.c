// Any text is refused with at least one message, or the journal takes it, and every one of its cells can be planned, has a name that reads
// back, conditions that can be read, and a plan that holds no reference to an axis.
#include <string.h>

#include "common/base/error.h"
#include "common/base/identity.h"
#include "common/schema/conditions.h"
#include "common/schema/environments.h"
#include "common/system/yaml.h"
#include "common/wire/wire.h"
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

// What was accepted is read by whoever makes the network, for any two services.
static void check_network(const Pb__CellPlan *plan)
{
    struct conditions conditions = {0};
    const Pb__LinkRule *const *links = (const Pb__LinkRule *const *)plan->network->links;
    const char *first = plan->services[0]->name, *last = plan->services[plan->n_services - 1]->name;
    INVARIANT(conditions_between(links, plan->network->n_links, first, last, &conditions, NULL) == 0);
    for (size_t i = 0; i < plan->n_timeline; i++) {
        const Pb__Fault *fault = plan->timeline[i]->body_case == PB__TIMELINE_ENTRY__BODY_FAULT ? plan->timeline[i]->fault : NULL;
        INVARIANT(!fault ||
                  conditions_between((const Pb__LinkRule *const *)fault->links, fault->n_links, first, last, &conditions, NULL) == 0);
    }
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
    if (plan->network)
        check_network(plan);
    for (size_t i = 0; i < plan->n_environments; i++)
        INVARIANT(environment_named(plan->environments[i]->type) != NULL);
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

// The journal takes it: a record that replay refuses would close the store.
static void check_record(const Pb__Experiment *experiment)
{
    Pb__Record record = PB__RECORD__INIT;
    Pb__RunAccepted accepted = PB__RUN_ACCEPTED__INIT;
    Pb__Experiment without_files = *experiment; // the fixture's have no hashes
    without_files.n_files = 0;
    record.format = 1;
    record.body_case = PB__RECORD__BODY_RUN_ACCEPTED;
    record.run_accepted = &accepted;
    accepted.run = 1;
    accepted.cells = 1;
    accepted.experiment = &without_files;
    const char *reason = record_invalid(&record);
    if (reason)
        PANIC("an accepted experiment is no valid record: %s", reason);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text text = {0};
    text_append_bytes(&text, data, size);
    struct resolution *resolution = resolution_new("fuzz.yaml", text_string(&text), NULL);
    INVARIANT((resolution->experiment == NULL) == (resolution->diagnostics.errors > 0));
    if (resolution->experiment)
        check_record(resolution->experiment);
    for (size_t i = 0; resolution->experiment && i < resolution->experiment->n_tests; i++)
        check_test(resolution, i);
    resolution_free(&resolution);
    text_free(&text);
    return 0;
}
